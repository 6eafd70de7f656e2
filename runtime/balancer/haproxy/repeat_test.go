package haproxy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

// channels are idempotent and not, some within others. Their names are those that HAProxy gives a meaning, too.
func channels() []balancer.Route {
	return []balancer.Route{
		{Path: "/warm"},
		{Methods: []string{"POST", "PUT"}, Path: "/rates/{id}", Idempotent: true},
		{Path: "/rates/today"},
		{Path: "/a%20b/{x}/{y}", Idempotent: true},
		{Path: "/it's.$HOME'#\\", Idempotent: true},
		{Path: "/%C3%A9", Idempotent: true},
		{Path: "/exact", Idempotent: true},
		{Methods: []string{"DELETE", "X'$#"}, Path: "/exact"},
		{Path: "/slash/", Idempotent: true},
		{Path: "/files/{rest...}", Idempotent: true},
		{Path: "/files/{folder}/locked"},
	}
}

func TestIdempotentChannelIsRepeated(t *testing.T) {
	rows := []struct {
		method, path string
		again        bool
	}{
		{"POST", "/rates/1", true},
		{"PUT", "/rates/1?x=/rates/today", true},
		{"POST", "/rates/J%20D", true},
		{"POST", "/a%20b/1/2", true},
		{"POST", "/it's.$HOME'%23%5C", true},
		{"PATCH", "/exact", true},
		{"POST", "/slash/", true},
		{"POST", "/files/a/b/c", true},

		{"PATCH", "/rates/1", false},
		{"POST", "/rates/today", false},
		{"POST", "/rates/toda%79", false},
		{"POST", "/rates/1/2", false},
		{"POST", "/rates/1%2f2", false},
		{"POST", "/a%20b/1%2F2", false},
		{"POST", "/rates/", false},
		{"POST", "/its.$HOME'%23%5C", false},
		{"POST", "/it'sx$HOME'%23%5C", false},
		{"POST", "/%C3%A9", false},
		{"DELETE", "/exact", false},
		{"POST", "/slash", false},
		{"POST", "/files/a/locked", false},
		{"POST", "/other", false},
	}
	one, two := backend.New(t, nil, nil), backend.New(t, nil, drop(false))
	f := newFront(t, nil, one, two)
	require.NoError(t, f.SetRoutes(context.Background(), channels()))
	f.waitState("server1", balancer.Up)
	f.waitState("server2", balancer.Up)
	for _, row := range rows {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			client := newClient(t)
			met := 0
			for i := range 4 {
				id := fmt.Sprint(t.Name(), i)
				a := do(t, client, row.method, f.url+row.path, "hello", "X-Id", id)
				here, there := one.Handled()[id], two.Handled()[id]
				met += there
				switch {
				case row.again:
					assert.Equal(t, 200, a.status)
					assert.Equal(t, "hello", a.body)
					assert.Equal(t, 1, here)
				case there == 0:
					assert.Equal(t, 200, a.status)
				default:
					assert.Equal(t, 502, a.status)
					assert.Equal(t, "unknown", a.header.Get("X-Parley-Outcome"))
					assert.Zero(t, here, "handled once")
				}
			}
			assert.Positive(t, met, "the server that dies was met")
		})
	}
}

func TestHAProxyIsLoadedAnewOnlyForOtherRoutes(t *testing.T) {
	f := newFront(t, nil, backend.New(t, nil, nil))
	pid := func() int {
		_, worker := f.pids()
		return worker
	}
	before := pid()
	require.NoError(t, f.SetRoutes(context.Background(), []balancer.Route{{Path: "/x"}}))
	assert.Equal(t, before, pid(), "none is idempotent: nothing changes")
	require.NoError(t, f.SetRoutes(context.Background(), []balancer.Route{{Path: "/x", Idempotent: true}}))
	after := pid()
	assert.NotEqual(t, before, after)
	require.NoError(t, f.SetRoutes(context.Background(), []balancer.Route{{Path: "/y"}, {Path: "/x", Idempotent: true}}))
	assert.Equal(t, after, pid())
}
