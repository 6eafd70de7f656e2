package ratelimit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/ratelimit"
	"github.com/parley-run/parley/runtime/service"
)

// clock is a time that stands still until it is moved.
type clock struct{ at time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time { return c.at }

// limited is a service behind one limit.
func limited(t *testing.T, raw string, exact, local ratelimit.Counter) service.Handler {
	t.Helper()
	config, err := ratelimit.Parse([]byte(raw))
	require.NoError(t, err)
	l, err := ratelimit.New("Test", []byte(raw), config, exact, local)
	require.NoError(t, err)
	require.True(t, l.Covers("Channel", "service"))
	ok := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) { return &service.Response{}, nil })
	return ratelimit.Wrap(ok, []*ratelimit.Limit{l}, "Channel", "service")
}

// statuses asks once for each remote address.
func statuses(t *testing.T, h service.Handler, remotes ...string) (out []int) {
	t.Helper()
	for _, remote := range remotes {
		user, address, known := strings.Cut(remote, "@")
		req := &service.Request{Remote: remote}
		if known {
			req.Remote, req.Principal = address, &service.Principal{Definition: "Partners", Name: user}
		}
		_, err := h.Handle(t.Context(), req)
		status := 200
		if err != nil {
			status = service.AsError(err).HTTPStatus()
		}
		out = append(out, status)
	}
	return out
}

func TestLimits(t *testing.T) {
	const a, b, c = "10.1.1.1:1", "10.2.2.2:2", "192.0.2.1:3"
	for _, row := range []struct {
		name, limit string
		remotes     []string
		want        []int
	}{
		{"together", `{"limits": ["2/s"]}`, []string{a, b, c}, []int{200, 200, 429}},
		{"each address", `{"limits": ["1/m"], "per": "address"}`, []string{a, b, a, c}, []int{200, 200, 429, 200}},
		{"by network", `{"limits": ["10.1.0.0/16 = 2/s", "10.0.0.0/8 = 1/s"]}`, []string{a, a, a, b, b, c}, []int{200, 200, 429, 200, 429, 403}},
		{"by address", `{"limits": ["192.0.2.1 = *", "* = 1/h"]}`, []string{c, c, c, a, b}, []int{200, 200, 200, 200, 429}},
		{"each user", `{"limits": ["1/d"], "per": "user"}`, []string{"joe@" + a, "joe@" + b, "jim@" + a, c, c}, []int{200, 429, 200, 200, 429}},
		{"of a definition", `{"limits": ["1/s"], "security": ["Part*"]}`, []string{a, a, "joe@" + a, "jim@" + a}, []int{200, 200, 200, 429}},
		{"of another definition", `{"limits": ["1/s"], "security": ["Others"]}`, []string{"joe@" + a, "joe@" + a}, []int{200, 200}},
		{"an IPv6 network is one caller", `{"limits": ["1/s"], "per": "address"}`, []string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::1]:1"}, []int{200, 429, 200}},
		{"IPv4 in IPv6", `{"limits": ["10.0.0.0/8 = 1/s"]}`, []string{"[::ffff:10.1.1.1]:1"}, []int{200}},
		{"no address", `{"limits": ["10.0.0.0/8 = 1/s"]}`, []string{"nowhere"}, []int{403}},
	} {
		t.Run(row.name, func(t *testing.T) {
			local := ratelimit.NewLocal(newClock().now)
			assert.Equal(t, row.want, statuses(t, limited(t, row.limit, local, local), row.remotes...))
		})
	}
}

func TestAWindowEnds(t *testing.T) {
	at := newClock()
	local := ratelimit.NewLocal(at.now)
	h := limited(t, `{"limits": ["2/m"], "exact": false}`, nil, local)
	assert.Equal(t, []int{200, 200, 429}, statuses(t, h, "10.0.0.1:1", "10.0.0.1:1", "10.0.0.1:1"))
	at.at = at.at.Add(41 * time.Second)
	_, err := h.Handle(t.Context(), &service.Request{Remote: "10.0.0.1:1"})
	refused := service.AsError(err)
	assert.EqualError(t, refused, "too many requests: the limit is 2/m; try again in 19 s")
	assert.Equal(t, map[string][]string{"Retry-After": {"19"}}, refused.Header)
	at.at = at.at.Add(19 * time.Second)
	assert.Equal(t, []int{200, 200, 429}, statuses(t, h, "10.0.0.1:1", "10.0.0.1:1", "10.0.0.1:1"))
}

func TestAChangedLimitBeginsAnew(t *testing.T) {
	local := ratelimit.NewLocal(newClock().now)
	assert.Equal(t, []int{200, 429}, statuses(t, limited(t, `{"limits": ["1/h"]}`, local, local), "10.0.0.1:1", "10.0.0.1:1"))
	assert.Equal(t, []int{200, 200, 429}, statuses(t, limited(t, `{"limits": ["2/h"]}`, local, local), "10.0.0.1:1", "10.0.0.1:1", "10.0.0.1:1"))
	assert.Equal(t, []int{429}, statuses(t, limited(t, `{"limits": ["1/h"]}`, local, local), "10.0.0.1:1"), "the old one is where it was")
}

func TestRedisCountsForAll(t *testing.T) {
	server := miniredis.RunT(t)
	at := newClock()
	logs := &strings.Builder{}
	log := slog.New(slog.NewTextHandler(logs, nil))
	servers := make([]service.Handler, 3)
	for i := range servers {
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
		t.Cleanup(func() { _ = client.Close() })
		servers[i] = limited(t, `{"limits": ["4/m"]}`, ratelimit.NewRedis(client, "bank", log, at.now), ratelimit.NewLocal(at.now))
	}
	var got []int
	for i := range 9 {
		got = append(got, statuses(t, servers[i%3], "10.0.0.1:1")...)
	}
	assert.Equal(t, []int{200, 200, 200, 200, 429, 429, 429, 429, 429}, got)
	server.FastForward(time.Minute)
	assert.Equal(t, []int{200}, statuses(t, servers[0], "10.0.0.1:1"), "the window has ended")

	server.SetError("LOADING")
	got = nil
	for range 5 {
		got = append(got, statuses(t, servers[0], "10.0.0.1:1")...)
	}
	assert.Equal(t, []int{200, 200, 200, 200, 429}, got, "each server counts for itself")
	assert.Equal(t, 1, strings.Count(logs.String(), "Redis does not count"), "one line, not one a request")
	server.SetError("")
	at.at = at.at.Add(2 * time.Second)
	assert.Equal(t, []int{200, 200, 200, 429}, statuses(t, servers[0], "10.0.0.1:1", "10.0.0.1:1", "10.0.0.1:1", "10.0.0.1:1"), "one was counted before")
	assert.Contains(t, logs.String(), "for all servers again")
}

// failing is a Counter that cannot count.
type failing struct{}

func (failing) Count(context.Context, string, time.Duration) (int, time.Duration, error) {
	return 0, 0, errors.New("no route to host")
}

func TestAWithoutRedisEachServerCounts(t *testing.T) {
	h := limited(t, `{"limits": ["1/m"]}`, failing{}, ratelimit.NewLocal(newClock().now))
	assert.Equal(t, []int{200, 429}, statuses(t, h, "10.0.0.1:1", "10.0.0.1:1"))
}

func TestManyAddressesTakeBoundedMemory(t *testing.T) {
	at := newClock()
	local := ratelimit.NewLocal(at.now)
	h := limited(t, `{"limits": ["1/d"], "per": "address"}`, local, local)
	refused := 0
	for i := range 100_100 {
		remote := fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		if statuses(t, h, remote)[0] == 429 {
			refused++
		}
	}
	assert.Equal(t, 99, refused, "those for whom there is no room share one count")
	at.at = at.at.Add(25 * time.Hour)
	assert.Equal(t, []int{200, 200}, statuses(t, h, "172.16.0.1:1", "172.16.0.2:1"), "what has ended makes room")
}

func TestBadLimits(t *testing.T) {
	for _, row := range []struct{ raw, want string }{
		{`{}`, `limits: missing; expected a list such as ["10/s"] or ["10.0.0.0/8 = 100/s", "* = 10/m"]`},
		{`{"limits": ["10"]}`, `limits: "10": expected a number of requests in a second, minute, hour or day, such as 10/s, 100/m, 500/h or 1000/d, or *`},
		{`{"limits": ["0/s"]}`, `limits: "0/s": expected a number of requests in a second, minute, hour or day, such as 10/s, 100/m, 500/h or 1000/d, or *`},
		{`{"limits": ["10.0.0.0/99 = 1/s"]}`, `limits: "10.0.0.0/99 = 1/s": "10.0.0.0/99" is no address: expected one such as 10.1.2.3 or 10.0.0.0/8, or *`},
		{`{"limits": ["1/s"], "per": "adress"}`, `per: expected together, address or user, not "adress"`},
		{`{"limit": ["1/s"]}`, `limit: unknown key; did you mean "limits"?`},
	} {
		_, err := ratelimit.Parse([]byte(row.raw))
		assert.EqualError(t, err, row.want)
	}
}
