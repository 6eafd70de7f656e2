package channel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

// ticking is the config of a kind of channel that calls its service again and again.
type ticking struct {
	channel.Base
	Every int `json:"every" doc:"time between two calls, in milliseconds"`
}

type ticker struct {
	config ticking
	deps   channel.Deps
}

func (t *ticker) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		_, err := t.deps.Handle.Handle(context.WithoutCancel(ctx), &service.Request{CID: service.NewCID(), Channel: t.deps.Name})
		if err != nil {
			fmt.Println("failed:", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(t.config.Every) * time.Millisecond):
		}
	}
	return nil
}

func (t *ticker) Wait()           {} // Run has handled all that it began
func (t *ticker) Exclusive() bool { return true }

func ExampleDefineRunner() {
	kind := channel.DefineRunner("channel_ticking", "calls its service again and again", ticking{Every: 1},
		func(c ticking, d channel.Deps) (channel.Runner, error) { return &ticker{c, d}, nil })
	config, err := kind.Parse([]byte(`{"service": "tick"}`))
	if err != nil {
		panic(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	calls := 0
	count := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		if calls++; calls == 3 {
			stop(channel.ErrStopped)
		}
		return &service.Response{}, nil
	})
	built, err := kind.New(config, channel.Deps{Name: "Ticks", Handle: count})
	if err != nil {
		panic(err)
	}
	fmt.Println(built.(channel.Runner).Run(ctx), calls, channel.Stopped(ctx))
	// Output: <nil> 3 true
}

func TestStopped(t *testing.T) {
	for _, row := range []struct {
		name  string
		cause error
		want  bool
	}{
		{"planned", channel.ErrStopped, true},
		{"planned, as a wrapped cause", fmt.Errorf("server1: %w", channel.ErrStopped), true},
		{"lease lost", errors.New("lost"), false},
		{"no cause", nil, false},
	} {
		ctx, end := context.WithCancelCause(t.Context())
		assert.False(t, channel.Stopped(ctx), row.name)
		end(row.cause)
		assert.Equal(t, row.want, channel.Stopped(ctx), row.name)
	}
}
