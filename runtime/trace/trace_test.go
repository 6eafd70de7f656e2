package trace_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/trace"
)

// spans is a tracer and what it ended.
func spans(ratio float64) (*trace.Tracer, *[]trace.Span) {
	var out []trace.Span
	return &trace.Tracer{Ratio: ratio, Now: time.Now, Ended: func(s trace.Span) { out = append(out, s) }}, &out
}

func answers(status int, err error) service.Handler {
	return service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		if err != nil {
			return nil, err
		}
		return &service.Response{Status: status}, nil
	})
}

type outconn struct {
	reply any
	err   error
	seen  service.Trace
}

func (o *outconn) Call(ctx context.Context, _ string, _ []any, _ map[string]any) (any, error) {
	o.seen = service.CallFrom(ctx).Outgoing()
	return o.reply, o.err
}

func TestWhatFails(t *testing.T) {
	for _, row := range []struct {
		name    string
		status  int
		err     error
		channel bool // failed, as the channel's span has it
		service bool
		code    int64
	}{
		{"success", 0, nil, false, false, 200},
		{"a status of its own", 201, nil, false, false, 201},
		{"not found, said by the service", 404, nil, false, false, 404},
		{"refused", 0, service.Errorf(service.Invalid, "no"), false, true, 400},
		{"internal", 0, errors.New("boom"), true, true, 500},
		{"a back end is down", 0, service.Errorf(service.Upstream, "CRM is down"), true, true, 502},
		{"a status of failure", 503, nil, true, true, 503},
	} {
		t.Run(row.name, func(t *testing.T) {
			tracer, got := spans(1)
			h := tracer.Channel(tracer.Service(answers(row.status, row.err), "a"), "channel_rest", "C", "a")
			_, err := h.Handle(t.Context(), &service.Request{CID: service.NewCID(), Method: "POST"})
			assert.Equal(t, row.err, err)
			require.Len(t, *got, 2)
			inner, outer := (*got)[0], (*got)[1]
			assert.Equal(t, row.channel, outer.Failed)
			assert.Equal(t, row.service, inner.Failed)
			assert.Contains(t, outer.Attributes, trace.Attribute{Name: "http.response.status_code", Value: row.code})
			assert.Equal(t, trace.Server, outer.Kind)
		})
	}
}

func TestWhatCallersSendIsBounded(t *testing.T) {
	tracer, got := spans(1)
	h := tracer.Channel(answers(0, errors.New(strings.Repeat("x", 5000))), "channel_rest", "C", "a")
	_, err := h.Handle(t.Context(), &service.Request{CID: service.NewCID(), Method: strings.Repeat("A", 60000), Header: map[string][]string{
		"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, "Tracestate": {"a=" + strings.Repeat("b", 60000)},
	}})
	require.Error(t, err)
	s := (*got)[0]
	assert.Contains(t, s.Attributes, trace.Attribute{Name: "http.request.method", Value: "_OTHER"})
	assert.Empty(t, s.State)
	assert.Len(t, s.Error, 1000)
}

func TestAMessageIsConsumed(t *testing.T) {
	tracer, got := spans(1)
	_, err := tracer.Channel(answers(0, nil), "channel_zmq", "Z", "a").Handle(t.Context(), &service.Request{CID: service.NewCID()})
	require.NoError(t, err)
	assert.Equal(t, trace.Consumer, (*got)[0].Kind)
}

func TestCallsOfConnections(t *testing.T) {
	tracer, got := spans(1)
	for _, row := range []struct {
		name   string
		conn   outconn
		failed bool
	}{
		{"text", outconn{reply: "a"}, false},
		{"an error", outconn{err: errors.New("refused")}, true},
	} {
		*got = nil
		wrapped := tracer.Call(&row.conn, "outgoing_rest", "CRM")
		_, err := wrapped.Call(t.Context(), "get", nil, nil)
		assert.Equal(t, row.conn.err, err)
		assert.Empty(t, *got, "of no request")
		h := tracer.Service(service.HandlerFunc(func(ctx context.Context, _ *service.Request) (*service.Response, error) {
			_, err := wrapped.Call(ctx, "get", nil, nil)
			return nil, err
		}), "a")
		_, _ = h.Handle(t.Context(), &service.Request{CID: service.NewCID()})
		require.Len(t, *got, 2)
		call := (*got)[0]
		assert.Equal(t, row.failed, call.Failed, row.name)
		assert.Equal(t, (*got)[1].ID, call.Parent)
		assert.Equal(t, fmt.Sprintf("00-%s-%s-01", call.Trace, call.ID), row.conn.seen.Parent, "what it sends on names its span")
	}
}

func TestRatio(t *testing.T) {
	for _, ratio := range []float64{0, 0.1, 0.5, 1} {
		tracer, got := spans(ratio)
		h := tracer.Service(answers(0, nil), "a")
		const n = 4000
		for range n {
			_, _ = h.Handle(t.Context(), &service.Request{CID: service.NewCID()})
		}
		assert.InDelta(t, ratio*n, len(*got), 200)
	}
}

func TestNoTracerIsNothing(t *testing.T) {
	var none *trace.Tracer
	h, o := answers(0, nil), &outconn{}
	assert.IsType(t, h, none.Service(h, "a"))
	assert.IsType(t, h, none.Channel(h, "k", "C", "a"))
	assert.Same(t, o, none.Call(o, "k", "O"))
}

func BenchmarkRequest(b *testing.B) {
	for _, row := range []struct {
		name  string
		ratio float64
	}{{"sampled", 1}, {"not sampled", 0}} {
		b.Run(row.name, func(b *testing.B) {
			tracer := &trace.Tracer{Ratio: row.ratio, Now: time.Now, Ended: func(trace.Span) {}}
			h := tracer.Channel(tracer.Service(answers(0, nil), "a"), "channel_rest", "C", "a")
			req := &service.Request{CID: service.NewCID(), Method: "POST"}
			b.ReportAllocs()
			for b.Loop() {
				_, _ = h.Handle(b.Context(), req)
			}
		})
	}
}
