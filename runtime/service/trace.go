package service

import (
	"math/rand/v2"
	"strings"
)

// Trace is the distributed trace that a request is part of, as the caller's headers say it; empty: they say nothing. See
// W3C Trace Context, https://www.w3.org/TR/trace-context/.
type Trace struct {
	Parent string // traceparent
	State  string // tracestate
	Exact  bool   // Parent is a span of this server's that is of one outgoing call, which passes it on as it is
}

// The headers of a trace, in canonical form.
const (
	TraceParent = "Traceparent"
	TraceState  = "Tracestate"
)

// TraceOf is the trace of a request: the caller's, where a service calls, else what the headers say.
func TraceOf(caller *Call, req *Request) Trace {
	if caller.Service != "" || len(req.Header) == 0 {
		return caller.Trace
	}
	if parent := req.Header[TraceParent]; len(parent) == 1 {
		return Trace{Parent: parent[0], State: strings.Join(req.Header[TraceState], ",")}
	}
	return Trace{}
}

// Outgoing is the trace as it is passed on with one outgoing call: a parent of its own in the trace that the request came
// with. Where it came with none, or with none that can be read, a trace begins, whose ID is eight zeros and the CID.
func (c *Call) Outgoing() Trace {
	if c.Trace.Exact {
		return c.Trace
	}
	span := NewSpanID()
	if id, _, flags, ok := readParent(c.Trace.Parent); ok {
		return Trace{Parent: "00-" + id + "-" + span + "-" + flags, State: c.Trace.State}
	}
	return Trace{Parent: "00-" + NewTraceID(c.CID) + "-" + span + "-01"}
}

// Read takes apart the trace: its ID, the ID of the span that it is in, and whether it is sampled. Where nothing can be read, ok
// is false.
func (t Trace) Read() (id, span string, sampled, ok bool) {
	id, span, flags, ok := readParent(t.Parent)
	return id, span, flags == "01", ok
}

// NewTraceID is the ID of a trace that begins with the request of that CID: eight zeros and the CID, so that the one leads to
// the other. A CID that is no such number gives a random one.
func NewTraceID(cid string) string {
	if len(cid) != 24 || !isHex(cid) || strings.Trim(cid, "0") == "" {
		return hex16(rand.Uint64()) + hex16(rand.Uint64()|1)
	}
	return "00000000" + cid
}

// NewSpanID is 16 random hexadecimal digits, never all zeros.
func NewSpanID() string { return hex16(rand.Uint64() | 1) }

func hex16(n uint64) string {
	var out [16]byte
	for i := range out {
		out[i] = hexDigits[n>>60]
		n <<= 4
	}
	return string(out[:])
}

// parentLength is that of a traceparent of version 00.
const parentLength = 55

// readParent takes apart a traceparent: the trace's ID, the parent's and the flags; a later version may have more after them.
func readParent(text string) (id, parent, flags string, ok bool) {
	if len(text) < parentLength || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return "", "", "", false
	}
	version, id, parent, flags := text[:2], text[3:35], text[36:52], text[53:55]
	longer := len(text) > parentLength
	switch {
	case !isHex(version) || version == "ff" || version == "00" && longer || longer && text[parentLength] != '-':
		return "", "", "", false
	case !isHex(id) || !isHex(parent) || !isHex(flags) || strings.Trim(id, "0") == "" || strings.Trim(parent, "0") == "":
		return "", "", "", false
	}
	if flags = "00"; text[54]&1 == 1 && text[54] <= '9' || strings.IndexByte("bdf", text[54]) >= 0 {
		flags = "01" // of the others version 00 knows nothing
	}
	return id, parent, flags, true
}

// isHex says whether text is hexadecimal digits in lower case.
func isHex(text string) bool { return strings.Trim(text, "0123456789abcdef") == "" }
