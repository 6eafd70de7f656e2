package service_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/runtime/service"
)

const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestATraceIsPassedOn(t *testing.T) {
	trace := service.TraceOf(&service.Call{}, &service.Request{Header: map[string][]string{"Traceparent": {parent}, "Tracestate": {"a=1", "b=2"}}})
	call := &service.Call{CID: "0123456789abcdef01234567", Service: "one", Trace: trace}
	out := call.Outgoing()
	assert.Equal(t, "a=1,b=2", out.State)
	assert.Regexp(t, "^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$", out.Parent)
	assert.NotContains(t, out.Parent, "00f067aa0ba902b7", "the parent is this server's")
	assert.NotEqual(t, out.Parent, call.Outgoing().Parent, "each call is a parent of its own")
	invoked := service.TraceOf(call, &service.Request{Header: map[string][]string{"Traceparent": {strings.ReplaceAll(parent, "4", "5")}}})
	assert.Equal(t, trace, invoked, "a service that is invoked by another is in its trace")
}

func TestATraceBeginsWithTheCID(t *testing.T) {
	for name, from := range map[string]string{
		"none": "", "cut off": parent[:54], "version ff": "ff" + parent[2:], "no hex": strings.Replace(parent, "4bf9", "4BF9", 1),
		"trace of zeros": "00-" + strings.Repeat("0", 32) + parent[35:], "parent of zeros": parent[:36] + strings.Repeat("0", 16) + "-01",
		"version 00 with more": parent + "-x", "no dash": strings.Replace(parent, "-", "_", 2), "more without a dash": "01" + parent[2:] + "x",
	} {
		out := (&service.Call{CID: "0123456789abcdef01234567", Trace: service.Trace{Parent: from, State: "a=1"}}).Outgoing()
		assert.Regexp(t, "^00-000000000123456789abcdef01234567-[0-9a-f]{16}-01$", out.Parent, name)
		assert.Empty(t, out.State, "of a trace that cannot be read nothing is passed on: %s", name)
	}
	assert.Regexp(t, "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$", (&service.Call{CID: "mine"}).Outgoing().Parent)
}

func TestTracesOfLaterVersionsAndOthersFlags(t *testing.T) {
	for from, flags := range map[string]string{
		parent: "01", parent[:53] + "00": "00", parent[:53] + "03": "01", parent[:53] + "0f": "01", parent[:53] + "0a": "00", "cc" + parent[2:] + "-more": "01",
	} {
		out := (&service.Call{Trace: service.Trace{Parent: from}}).Outgoing()
		assert.True(t, strings.HasPrefix(out.Parent, parent[:36]), from)
		assert.True(t, strings.HasSuffix(out.Parent, "-"+flags), from)
	}
}
