package service_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

// traced are hooks that write their names into out; those named in fail end with an error.
func traced(out *[]string, refuse bool, fail ...string) service.Hooks {
	at := func(name string) error {
		*out = append(*out, name)
		for _, f := range fail {
			if f == name {
				return errors.New(name + " broke")
			}
		}
		return nil
	}
	return service.Hooks{
		Accept:         func(context.Context, *service.Request) (bool, error) { return !refuse, at("accept") },
		BeforeHandle:   func(context.Context, *service.Request) error { return at("before_handle") },
		ValidateInput:  func(context.Context, *service.Request) error { return at("validate_input") },
		ValidateOutput: func(context.Context, *service.Request, *service.Response) error { return at("validate_output") },
		AfterHandle:    func(context.Context, *service.Request, *service.Response) error { return at("after_handle") },
		FinalizeHandle: func(context.Context, *service.Request, *service.Response, error) error { return at("finalize_handle") },
	}
}

func TestHooks(t *testing.T) {
	for _, row := range []struct {
		name   string
		refuse bool
		fail   []string
		want   string
		err    string
		logged string
	}{
		{"all go well", false, nil, "accept before_handle validate_input handle validate_output after_handle finalize_handle", "", ""},
		{"not accepted", true, nil, "accept finalize_handle", "the service did not accept the request", ""},
		{"accept breaks", false, []string{"accept"}, "accept finalize_handle", "accept broke", ""},
		{"before breaks", false, []string{"before_handle"}, "accept before_handle validate_input handle validate_output after_handle finalize_handle", "", `hook=before_handle err="before_handle broke"`},
		{"input is refused", false, []string{"validate_input"}, "accept before_handle validate_input finalize_handle", "validate_input broke", ""},
		{"the service breaks", false, []string{"handle"}, "accept before_handle validate_input handle finalize_handle", "handle broke", ""},
		{"output is refused", false, []string{"validate_output"}, "accept before_handle validate_input handle validate_output finalize_handle", "validate_output broke", ""},
		{"after breaks", false, []string{"after_handle"}, "accept before_handle validate_input handle validate_output after_handle finalize_handle", "", `hook=after_handle err="after_handle broke"`},
		{"finalize breaks", false, []string{"finalize_handle"}, "accept before_handle validate_input handle validate_output after_handle finalize_handle", "", `hook=finalize_handle err="finalize_handle broke"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var order []string
			hooks := traced(&order, row.refuse, row.fail...)
			handle := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
				order = append(order, "handle")
				if len(row.fail) > 0 && row.fail[0] == "handle" {
					return nil, errors.New("handle broke")
				}
				return nil, nil
			})
			s := service.Service{Name: "s", Handler: handle}.WithHooks(hooks)
			var log bytes.Buffer
			ctx := service.WithCall(t.Context(), &service.Call{Service: "s", Log: slog.New(slog.NewTextHandler(&log, nil))})
			req := &service.Request{CID: "c1"}
			res, err := s.Handler.Handle(ctx, req)
			assert.NotContains(t, order, "finalize_handle", "it is for after the statistics")
			req.Finally(res, err)
			assert.Equal(t, row.want, strings.Join(order, " "))
			if row.err == "" {
				require.NoError(t, err)
				assert.NotNil(t, res)
			} else {
				require.EqualError(t, err, row.err)
			}
			if row.logged == "" {
				assert.Empty(t, log.String())
				return
			}
			assert.Contains(t, log.String(), `level=ERROR msg="a hook failed" cid=c1 service=s `+row.logged)
		})
	}
}

func TestRefusalByAcceptHasNoBody(t *testing.T) {
	_, err := service.Hooks{Accept: func(context.Context, *service.Request) (bool, error) { return false, nil }}.
		Run(t.Context(), &service.Request{}, nil)
	e := service.AsError(err)
	assert.Equal(t, 400, e.HTTPStatus())
	assert.True(t, e.Bare)
}

func TestFinalizeHasATimeOfItsOwn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := &service.Request{}
	var seen error
	var outcome error
	hooks := service.Hooks{FinalizeHandle: func(ctx context.Context, _ *service.Request, _ *service.Response, err error) error {
		seen, outcome = ctx.Err(), err
		_, bounded := ctx.Deadline()
		assert.True(t, bounded)
		return nil
	}}
	res, err := hooks.Run(ctx, req, service.HandlerFunc(func(ctx context.Context, _ *service.Request) (*service.Response, error) { return nil, ctx.Err() }))
	req.Finally(res, err)
	require.NoError(t, seen)
	assert.Equal(t, context.Canceled, outcome)
}

func TestPassedDeadlineIsNotSwallowed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := service.Hooks{BeforeHandle: func(ctx context.Context, _ *service.Request) error {
		cancel()
		return ctx.Err()
	}}.Run(ctx, &service.Request{}, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTakes(t *testing.T) {
	s := service.Service{}.WithMethods("GET", "POST")
	for method, want := range map[string]bool{"GET": true, "HEAD": true, "POST": true, "": true, "PUT": false, "OPTIONS": false} {
		assert.Equal(t, want, s.Takes(method), method)
	}
	assert.True(t, service.Service{}.Takes("PURGE"))
	assert.False(t, service.Service{}.WithMethods("POST").Takes("HEAD"))
}

func TestFill(t *testing.T) {
	assert.Equal(t, "PUT at /a{cid}", service.Fill("{method} at {path}", "method", "PUT", "path", "/a{cid}"))
}
