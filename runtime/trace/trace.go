// Package trace makes spans of requests: of the channel that took one, of each service that answered, of each call of an
// outgoing connection. They are of the trace that the request came with, or of one that begins with it; see W3C Trace
// Context, https://www.w3.org/TR/trace-context/.
package trace

import (
	"context"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// Kind is what side of a call a span is of. The numbers are those of OpenTelemetry's protocol.
type Kind int

// The kinds.
const (
	Internal Kind = 1 + iota // a service
	Server                   // a channel whose caller waits
	Client                   // an outgoing connection
	Producer                 // not used
	Consumer                 // a channel that takes messages
)

// Span is one span of a trace that is exported, once it has ended.
type Span struct {
	Trace  string // ID of the trace, 32 hexadecimal digits
	ID     string // 16
	Parent string // ID of the span that it is within, here or at the caller; empty: the trace begins with it
	State  string // tracestate that the request came with
	Name   string
	Kind   Kind
	Start  time.Time
	End    time.Time
	CID    string
	// Attributes say more, such as http.response.status_code. Values are string or int64.
	Attributes []Attribute
	Failed     bool
	Error      string // why
}

// Attribute is one thing that a span says.
type Attribute struct {
	Name  string
	Value any
}

// Tracer begins spans. A nil one begins none: what it wraps is given back as it is. Safe for concurrent use.
type Tracer struct {
	Ratio float64 // of traces that begin here those that are sampled, 0 to 1; of the others whoever began them decides
	Now   func() time.Time
	Ended func(Span) // takes a span that has ended; it must not wait
}

// active is where a request is: in a span that goes on, or in a trace that is not sampled.
type active struct {
	trace, span, state string
	sampled            bool
}

type activeKey struct{}

func from(ctx context.Context) *active {
	a, _ := ctx.Value(activeKey{}).(*active)
	return a
}

// Of is the trace that ctx is in, and whether it is in one: what a service's outgoing calls go by.
func Of(ctx context.Context) (service.Trace, bool) {
	a := from(ctx)
	if a == nil {
		return service.Trace{}, false
	}
	return a.passed(false), true
}

// IDs are those of the trace and of the span that ctx is in; empty: of none.
func IDs(ctx context.Context) (trace, span string) {
	if a := from(ctx); a != nil {
		return a.trace, a.span
	}
	return "", ""
}

func (a *active) passed(exact bool) service.Trace {
	flags := "-00"
	if a.sampled {
		flags = "-01"
	}
	return service.Trace{Parent: "00-" + a.trace + "-" + a.span + flags, State: a.state, Exact: exact}
}

// begin is a span within whatever ctx is in, else within what the request's headers say, else of a trace of its own.
func (t *Tracer) begin(ctx context.Context, req *service.Request, cid string) (in *active, parent string) {
	in = &active{span: service.NewSpanID()}
	if outer := from(ctx); outer != nil {
		in.trace, in.state, in.sampled = outer.trace, outer.state, outer.sampled
		return in, outer.span
	}
	if req != nil {
		given := service.TraceOf(&service.Call{}, req)
		if id, span, sampled, ok := given.Read(); ok {
			in.trace, in.state, in.sampled = id, given.State, sampled
			return in, span
		}
	}
	in.trace = service.NewTraceID(cid)
	in.sampled = t.samples(in.trace)
	return in, ""
}

// samples goes by the last 56 bits of a trace's ID, so that all who go by them decide alike.
func (t *Tracer) samples(id string) bool {
	var n uint64
	for _, c := range []byte(id[18:]) {
		d := uint64(c - '0')
		if c >= 'a' {
			d = uint64(c-'a') + 10
		}
		n = n<<4 | d
	}
	return float64(n) < t.Ratio*(1<<56)
}

// longestState is how long a tracestate is that a span tells. A longer one is passed on all the same.
const longestState = 1024

func stateOf(a *active) string {
	if len(a.state) > longestState {
		return ""
	}
	return a.state
}

// longest bounds what a span says of an error.
const longest = 1000

func (s *Span) fail(err error) {
	s.Failed = true
	if err != nil {
		s.Error = err.Error()
		if len(s.Error) > longest {
			s.Error = s.Error[:longest]
		}
	}
}
