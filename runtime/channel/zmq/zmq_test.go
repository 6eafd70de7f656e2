package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/freeport"
	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/zmq"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

const patience = time.Minute

// under is a channel under test and what its service got.
type under struct {
	t       testing.TB
	runner  channel.Runner
	stop    context.CancelCauseFunc
	stopped chan struct{} // Run is over
	handle  service.HandlerFunc
	log     locked.Buffer

	mu   sync.Mutex
	got  []string
	reqs []*service.Request
}

func (u *under) messages() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string(nil), u.got...)
}

func (u *under) eventually(what string, ok func() bool) {
	u.t.Helper()
	if !assert.Eventually(u.t, ok, patience, time.Millisecond, what) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.t.Fatalf("%s; got %q; log:\n%s", what, u.got[max(0, len(u.got)-5):], u.log.String())
	}
}

func build(t testing.TB, spec string, handle service.HandlerFunc) *under {
	t.Helper()
	u := &under{t: t, stopped: make(chan struct{}), handle: handle}
	config, err := zmq.Kind().Parse([]byte(spec))
	require.NoError(t, err)
	built, err := zmq.Kind().New(config, channel.Deps{
		Name: "Orders", Names: service.ParleyNames(), Log: slog.New(slog.NewTextHandler(&u.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Handle: service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
			if u.handle != nil {
				if _, err := u.handle(ctx, req); err != nil {
					return nil, err
				}
			}
			u.mu.Lock()
			defer u.mu.Unlock()
			u.got, u.reqs = append(u.got, string(req.Raw)), append(u.reqs, req)
			return &service.Response{}, nil
		}),
	})
	require.NoError(t, err)
	u.runner = built.(channel.Runner)
	return u
}

// run runs the channel as the node does: again and again.
func run(t testing.TB, spec string, handle service.HandlerFunc) *under {
	t.Helper()
	u := build(t, spec, handle)
	ctx, stop := context.WithCancelCause(context.Background())
	u.stop = stop
	go func() {
		defer close(u.stopped)
		for ctx.Err() == nil {
			if err := u.runner.Run(ctx); err != nil {
				_, _ = fmt.Fprintf(&u.log, "run ended: %v\n", err)
				<-time.After(5 * time.Millisecond)
			}
		}
	}()
	t.Cleanup(func() { u.end(errors.New("lost")) })
	return u
}

func (u *under) end(cause error) {
	u.stop(cause)
	<-u.stopped
	u.runner.Wait()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	address, err := freeport.Address(context.Background())
	require.NoError(t, err)
	return "tcp://" + address
}

func spec(address, more string) string {
	return fmt.Sprintf(`{"service":"orders","data_format":"","address":%q%s}`, address, more)
}

func numbered(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("m%05d", i))
	}
	return out
}

func TestCheckFindsAllFaults(t *testing.T) {
	for _, row := range []struct{ name, spec, path, says string }{
		{"no service", `{"address":"tcp://h:5"}`, "service", "missing"},
		{"no address", `{"service":"s"}`, "address", "tcp://host:port"},
		{"star and connect", `{"service":"s","address":"tcp://*:5","socket_method":"connect"}`, "address", "tcp://host:port"},
		{"type", `{"service":"s","address":"tcp://h:5","socket_type":"REP"}`, "socket_type", "PULL or SUB"},
		{"method", `{"service":"s","address":"tcp://h:5","socket_method":"dial"}`, "socket_method", "bind or connect"},
		{"topic of PULL", `{"service":"s","address":"tcp://h:5","sub_key":"a"}`, "sub_key", "for SUB"},
		{"all that bind", `{"service":"s","address":"tcp://h:5","servers":"all"}`, "servers", "say one"},
		{"all of SUB", `{"service":"s","address":"tcp://h:5","servers":"all","socket_type":"SUB","socket_method":"connect"}`, "servers", "every message"},
		{"servers", `{"service":"s","address":"tcp://h:5","servers":"two"}`, "servers", "one or all"},
		{"pool", `{"service":"s","address":"tcp://h:5","pool":0}`, "pool", "1 to 10000"},
		{"size", `{"service":"s","address":"tcp://h:5","max_size":0}`, "max_size", "more than 0"},
		{"timeout", `{"service":"s","address":"tcp://h:5","timeout":0}`, "timeout", "more than 0"},
		{"security", `{"service":"s","address":"tcp://h:5","security":"Partners"}`, "security", "no credentials"},
		{"format", `{"service":"s","address":"tcp://h:5","data_format":"yaml"}`, "data_format", "yaml"},
		{"unknown", `{"service":"s","address":"tcp://h:5","sub_kye":"x"}`, "sub_kye", "sub_key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := zmq.Kind().Parse([]byte(row.spec))
			var faults kind.Faults
			require.ErrorAs(t, err, &faults)
			require.Len(t, faults, 1)
			assert.Equal(t, row.path, faults[0].Path)
			assert.Contains(t, faults[0].Message, row.says)
		})
	}
}

func TestWhoRunsIt(t *testing.T) {
	for more, exclusive := range map[string]bool{
		``: true, `,"socket_type":"SUB","socket_method":"connect"`: true, `,"socket_method":"connect"`: true,
		`,"socket_method":"connect","servers":"all"`: false,
	} {
		assert.Equal(t, exclusive, build(t, spec("tcp://h:5", more), nil).runner.Exclusive(), more)
	}
}

func TestPull(t *testing.T) {
	eachSender(t, func(t *testing.T, peer newSender) {
		address := freeAddress(t)
		u := run(t, spec(address, ""), nil)
		u.eventually("it listens", func() bool { return u.log.Count("zmq channel listens") == 1 })
		a := peer(t, "PUSH", "connect", address)
		a.send(t, numbered(0, 2000)...)
		u.eventually("all come", func() bool { return len(u.messages()) == 2000 })
		assert.Equal(t, numbered(0, 2000), u.messages(), "one after the other, in their order")
		b := peer(t, "PUSH", "connect", address)
		b.send(t, "envelope|middle|body")
		u.eventually("of several parts", func() bool { return len(u.messages()) == 2001 })
		u.mu.Lock()
		last := u.reqs[2000]
		u.mu.Unlock()
		assert.Equal(t, "body", string(last.Raw))
		assert.Equal(t, map[string][]string{"part": {"envelope", "middle"}}, last.Params)
		assert.Equal(t, "Orders", last.Channel)
		assert.Regexp(t, "^127.0.0.1:[0-9]+$", last.Remote)
		assert.Regexp(t, "^[0-9a-f]{24}$", last.CID)
		assert.Equal(t, 1, u.log.Count("cid="+last.CID+" bytes=4"))
	})
}

func TestPullConnectsAgainToAPeerThatRestarts(t *testing.T) {
	eachSender(t, func(t *testing.T, peer newSender) {
		address := freeAddress(t)
		u := run(t, spec(address, `,"socket_method":"connect"`), nil)
		u.eventually("nobody is there", func() bool { return u.log.Count("run ended: no peer at "+address) > 0 })
		for i := range 3 {
			p := peer(t, "PUSH", "bind", address)
			p.send(t, fmt.Sprint("first of ", i), fmt.Sprint("second of ", i))
			u.eventually("both come", func() bool { return len(u.messages()) == 2*i+2 })
			if i == 1 {
				p.kill(t)
			} else {
				p.stop(t)
			}
			u.eventually("its end is seen", func() bool { return u.log.Count("run ended: the peer at "+address) >= i+1 })
		}
		assert.Equal(t, "second of 2", u.messages()[5])
	})
}

func TestSub(t *testing.T) {
	eachSender(t, func(t *testing.T, peer newSender) {
		for _, row := range []struct{ method, peers, keys string }{
			{"bind", "connect", `["news.","alarm"]`},
			{"connect", "bind", `"news."`},
		} {
			address := freeAddress(t)
			u := run(t, spec(address, fmt.Sprintf(`,"socket_type":"SUB","socket_method":%q,"sub_key":%s`, row.method, row.keys)), nil)
			if row.method == "bind" {
				u.eventually("it listens", func() bool { return u.log.Count("zmq channel listens") == 1 })
			}
			p := peer(t, "PUB", row.peers, address)
			u.eventually("it is subscribed", func() bool { // a publisher drops what nobody has asked for yet
				p.send(t, "sport.1", "news.hello")
				return len(u.messages()) > 0
			})
			p.send(t, "sport.2", "news.one", "news.two|body", "news.last")
			u.eventually("the last comes", func() bool { m := u.messages(); return m[len(m)-1] == "news.last" })
			m := u.messages()
			assert.Equal(t, []string{"news.one", "body", "news.last"}, m[len(m)-3:])
			assert.NotContains(t, strings.Join(m, " "), "sport")
			u.mu.Lock()
			assert.Equal(t, []string{"news.two"}, u.reqs[len(m)-2].Params["topic"])
			u.mu.Unlock()
			u.end(channel.ErrStopped)
		}
	})
}

func TestErrorsOfTheServiceEndNothing(t *testing.T) {
	address := freeAddress(t)
	u := run(t, spec(address, `,"timeout":"1s"`), func(ctx context.Context, req *service.Request) (*service.Response, error) {
		switch string(req.Raw) {
		case "bad":
			return nil, &service.Error{Code: service.Invalid, Message: "no such order", Err: errors.New("the cause")}
		case "slow":
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, nil
	})
	p := newGoSender(t, "PUSH", "connect", address)
	p.send(t, "bad", "slow", "good")
	u.eventually("the good one comes", func() bool { return len(u.messages()) == 1 })
	assert.Equal(t, []string{"good"}, u.messages())
	u.eventually("all of them are in the log", func() bool { return u.log.Count("cid=") == 3 })
	assert.Equal(t, 1, u.log.Count(`err="no such order: the cause"`))
	assert.Equal(t, 1, u.log.Count(`did not answer within 1s`))
	assert.Equal(t, 2, u.log.Count("level=ERROR"))
	assert.Equal(t, 2, u.log.Count(`msg="message failed"`))
}

// A full pool reads no more: what its peer sends waits at the peer.
func TestPoolBoundsWhatIsHandledAndHeld(t *testing.T) {
	address := freeAddress(t)
	release := make(chan struct{})
	var mu sync.Mutex
	inside, most := 0, 0
	u := run(t, spec(address, `,"pool":3`), func(context.Context, *service.Request) (*service.Response, error) {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		<-release
		mu.Lock()
		inside--
		mu.Unlock()
		return nil, nil
	})
	u.eventually("it listens", func() bool { return u.log.Count("zmq channel listens") == 1 })
	p := dialRaw(t, address)
	p.handshake(t, "PUSH")
	sent := p.fill(t)
	assert.Less(t, sent, 64<<20, "the system's buffers on the way, and no more")
	u.eventually("the pool is full", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return inside == 3
	})
	close(release)
	u.eventually("all that was sent is handled", func() bool { return len(u.messages()) >= sent/fillSize })
	assert.Equal(t, 3, most)
}

// A planned end handles what was read, and reads what had come; another channel has the address at once.
func TestPlannedEnd(t *testing.T) {
	eachSender(t, func(t *testing.T, peer newSender) {
		address := freeAddress(t)
		entered, release := make(chan struct{}, 1), make(chan struct{})
		old := run(t, spec(address, ""), func(_ context.Context, req *service.Request) (*service.Response, error) {
			if string(req.Raw) == "m00000" {
				entered <- struct{}{}
				<-release
			}
			return nil, nil
		})
		old.eventually("it listens", func() bool { return old.log.Count("zmq channel listens") == 1 })
		p := peer(t, "PUSH", "connect", address)
		p.send(t, numbered(0, 500)...)
		<-entered
		_, isLibzmq := p.(*libzmqSender)
		if isLibzmq { // what it has in buffers of its own is lost with a connection; a moment, and its system has all
			<-time.After(time.Second)
		}
		old.stop(channel.ErrStopped)
		<-old.stopped
		next := run(t, spec(address, ""), nil)
		next.eventually("the address is free", func() bool { return next.log.Count("zmq channel listens") == 1 })
		close(release)
		old.runner.Wait()
		assert.Equal(t, numbered(0, 500), append(old.messages(), next.messages()...), "none lost, each once")
		assert.Len(t, old.messages(), 500)
		if isLibzmq { // go-zeromq's never connects again
			sent := 500
			next.eventually("the next ones go to the new one", func() bool {
				p.send(t, numbered(sent, sent+1)...)
				sent++
				return len(next.messages()) >= 10
			})
			got := next.messages()
			assert.Equal(t, len(got), len(slices.Compact(slices.Sorted(slices.Values(got)))), "each once")
		}
	})
}

func TestAddressInUse(t *testing.T) {
	address := freeAddress(t)
	first := run(t, spec(address, ""), nil)
	first.eventually("it listens", func() bool { return first.log.Count("zmq channel listens") == 1 })
	second := run(t, spec(address, ""), nil)
	second.eventually("it says why it cannot", func() bool { return second.log.Count("cannot listen at "+address) > 1 })
	assert.Equal(t, 0, second.log.Count("zmq channel listens"))
	first.end(channel.ErrStopped)
	second.eventually("it listens then", func() bool { return second.log.Count("zmq channel listens") == 1 })
}
