package bench_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// subscriber is a SUB that listens.
type subscriber struct {
	address string
	mu      sync.Mutex
	got     []string // parts of a message are separated by |
}

func newSubscriber(t *testing.T, topics ...string) *subscriber {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	s := &subscriber{address: "tcp://" + l.Addr().String()}
	receive := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		peer, err := zmq4.Open(c, null.Security(), zmq4.Sub, nil, true, nil)
		for _, topic := range topics {
			if err == nil {
				err = peer.SendMsg(zmq4.NewMsgString("\x01" + topic))
			}
		}
		for err == nil {
			var m zmq4.Msg
			if m, err = peer.RecvMsg(); err != nil {
				return
			}
			var parts []string
			for _, frame := range m.Frames {
				parts = append(parts, string(frame))
			}
			s.mu.Lock()
			s.got = append(s.got, strings.Join(parts, "|"))
			s.mu.Unlock()
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go receive(c)
		}
	}()
	return s
}

func (s *subscriber) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// TestRunPublishes: not one message is lost, though a PUB drops what it has before the SUB has subscribed.
func TestRunPublishes(t *testing.T) {
	sub := newSubscriber(t, "rates", "orders")
	p := silent("zeromq-pub", bench.Request{Path: "/orders", Body: "{{id}}"})
	require.NoError(t, bench.Probe(t.Context(), p, sub.address))
	executed := func(context.Context) (ids []string, err error) {
		assert.Eventually(t, func() bool { return len(sub.all()) >= 40 }, 10*time.Second, time.Millisecond)
		for _, one := range sub.all() {
			id, is := strings.CutPrefix(one, "orders|")
			assert.True(t, is, one)
			ids = append(ids, id)
		}
		return ids, nil
	}
	r, err := bench.Run(t.Context(), p, bench.Options{Address: sub.address, Executed: executed})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 40, OK: 40}, r.Counts)
	assert.Equal(t, 40, r.Executed.Executed)
	assert.Zero(t, r.Executed.Lost+r.Executed.Doubled)
	assert.Equal(t, "PUB /orders", r.Request)
}

func TestRunPublishesWhatNobodyWants(t *testing.T) {
	sub := newSubscriber(t, "orders")
	p := silent("zeromq-pub", bench.Request{Body: "rates {{id}}", Timeout: bench.Duration(50 * time.Millisecond)})
	p.Rate, p.Log = 10, nil
	r, err := bench.Run(t.Context(), p, bench.Options{Address: sub.address})
	require.NoError(t, err)
	assert.Equal(t, bench.Counts{Sent: 2, Failed: 2}, r.Counts)
	assert.Equal(t, 2, r.NeverSent)
	assert.Contains(t, r.Errors[0].Text, `the SUB has not asked for messages that begin with "rates `)
	assert.Contains(t, r.Errors[0].Text, `it has asked for ["orders"]`)
	assert.Empty(t, sub.all())
}
