package balancer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

// channels are idempotent and not, some within others.
func channels() []balancer.Route {
	return []balancer.Route{
		{Path: "/warm"},
		{Methods: []string{"POST", "PUT"}, Path: "/rates/{id}", Idempotent: true},
		{Path: "/rates/today"},
		{Methods: []string{"POST"}, Path: "/rates/last", Idempotent: true},
		{Path: "/a b/{x}/{y}", Idempotent: true},
		{Path: "/exact", Idempotent: true},
		{Methods: []string{"DELETE"}, Path: "/exact"},
		{Path: "/slash/", Idempotent: true},
		{Path: "/{any}"},
		{Path: "/files/{rest...}", Idempotent: true},
		{Path: "/files/{folder}/locked"},
		{Methods: []string{"PUT"}, Path: "/files/old/{rest...}"},
	}
}

func TestIdempotentChannelIsRepeated(t *testing.T) {
	rows := []struct {
		method, path string
		again        bool
	}{
		{"POST", "/rates/1", true},
		{"PUT", "/rates/1?x=/rates/today", true},
		{"POST", "/rates/last", true},
		{"POST", "/rates/J%20D", true},
		{"POST", "/a%20b/1/2", true},
		{"PATCH", "/exact", true},
		{"POST", "/slash/", true},
		{"POST", "/files/a/b/c", true},
		{"POST", "/files/a", true},
		{"POST", "/files/old/a", true},

		{"PATCH", "/rates/1", false},
		{"POST", "/rates/today", false},
		{"POST", "/rates/toda%79", false},
		{"POST", "/rates/1/2", false},
		{"POST", "/rates/1%2F2", true},
		{"POST", "/rates/", false},
		{"POST", "/a%20b/1%2F2", false},
		{"DELETE", "/exact", false},
		{"POST", "/slash", false},
		{"POST", "/files/", false},
		{"POST", "/files/a/locked", false},
		{"PUT", "/files/old/a/b", false},
		{"POST", "/other", false},
		{"POST", "/", false},
	}
	one, two := backend.New(t, nil, nil), backend.New(t, nil, drop)
	b, srv := front(t, never, one, two)
	b.SetRoutes(channels())
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	for _, row := range rows {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			met := 0
			for i := range 4 {
				id := fmt.Sprint(t.Name(), i)
				a := do(t, srv.Client(), row.method, srv.URL+row.path, "hello", "X-Id", id)
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
	b.SetRoutes(nil)
	assert.True(t, slices.ContainsFunc(make([]int, 4), func(int) bool {
		return do(t, srv.Client(), "POST", srv.URL+"/exact", "hello").status == 502
	}), "it is not idempotent any more")
}

func TestBigBodyIsNotRepeated(t *testing.T) {
	one, two := backend.New(t, nil, drop), backend.New(t, nil, drop)
	b, srv := front(t, never, one, two)
	b.SetRoutes(channels())
	waitState(t, b, "server1", "up")
	waitState(t, b, "server2", "up")
	a := do(t, srv.Client(), "POST", srv.URL+"/exact", strings.Repeat("x", 200_000), "X-Id", "1")
	assert.Equal(t, 502, a.status)
	assert.Equal(t, 1, one.Handled()["1"]+two.Handled()["1"], "more than is kept cannot be sent again")
}

func TestRepeatsAreInOneOrder(t *testing.T) {
	all := channels()
	want := balancer.Repeats(all)
	var paths []string
	for _, r := range want {
		paths = append(paths, strings.TrimSpace(strings.Join(r.Methods, ",")+" "+r.Path))
	}
	assert.Equal(t, []string{
		"/files/{rest...}", "PUT /files/old/{rest...}", "/a b/{x}/{y}", "/files/{folder}/locked", "POST,PUT /rates/{id}", "/exact", "DELETE /exact", "POST /rates/last", "/rates/today", "/slash/",
	}, paths, "wide before narrow, any method before its own, and none that changes nothing")
	slices.Reverse(all)
	assert.True(t, balancer.SameRoutes(want, balancer.Repeats(all)))
	all[0].Idempotent = true
	assert.False(t, balancer.SameRoutes(want, balancer.Repeats(all)))
	require.Empty(t, balancer.Repeats([]balancer.Route{{Path: "/x"}}))
}
