package channel

import (
	"context"
	"errors"

	"github.com/parley-run/parley/runtime/kind"
)

// Runner is a channel that takes messages by itself rather than from the node's HTTP listener: from a socket of its own,
// a folder, a queue. It outlives changes of the services behind it: each call of Deps.Handle, and of one of
// Deps.Services, enters what is deployed at that moment, so that only another config of the channel itself makes another
// Runner.
//
// The node calls Run when the channel becomes the one in use, and not before each of its services is deployed: what
// sends to it keeps its messages until then. Run binds and connects; building a Runner must not. It takes messages until
// ctx ends and returns as soon as it takes no more and another may take its place, with the same address: on this
// server, or on another of the cluster. Any error but ctx's own is a fault of the moment, such as an address in use: it
// is logged and shown by parley status, and Run is called again after a while. Run is never called twice at a time.
//
// Why ctx ended is its cause: ErrStopped, and all that was accepted is to be handled still; anything else, and the
// lease is lost: another server may have begun already.
//
// Wait is called after the last Run has returned, and returns when what Run accepted has been handled. Where that takes too
// long for a server that stops, the node ends the contexts that Handle works under, and an error of Handle is then
// context.Canceled.
type Runner interface {
	Run(ctx context.Context) error
	Wait()
	// Exclusive says that one server of the cluster at a time may run it. The node then holds the channel's lease
	// while Run runs.
	Exclusive() bool
}

// ErrStopped is the cause of the end of a Runner's context where the end is planned: the channel was changed, or the
// server stops.
var ErrStopped = errors.New("channel: it was stopped")

// Stopped says that ctx, a Runner's, has ended in a planned way.
func Stopped(ctx context.Context) bool { return errors.Is(context.Cause(ctx), ErrStopped) }

// DefineRunner is Define for a kind whose channels are Runners.
func DefineRunner[C Config](name, doc string, def C, build func(C, Deps) (Runner, error)) Kind {
	return Kind{
		Info:  kind.Info{Name: name, Doc: doc, Fields: kind.Describe(def)},
		Runs:  true,
		Parse: func(raw []byte) (Config, error) { return kind.Decode(raw, def) },
		New:   func(c Config, d Deps) (Channel, error) { return build(c.(C), d) },
	}
}
