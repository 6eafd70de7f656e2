// Package channel says what a channel is: something that turns bytes into requests and answers into bytes.
// One folder a kind; each knows this seam and nothing else of the runtime's insides.
package channel

import (
	"context"
	"log/slog"
	"net/http"
	"slices"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

// Base is what every channel's config holds; embed it.
type Base struct {
	IsActive   bool   `json:"is_active" doc:"an inactive channel answers as if it did not exist"`
	Service    string `json:"service" kind:"required" names:"services" doc:"name of the service that the channel exposes"`
	Security   string `json:"security" names:"security" doc:"name of the security definition whose credentials callers must show; empty: anybody may call"`
	HasRBAC    bool   `json:"has_rbac" doc:"whether of the definition's callers those alone may call whom a role allows it (rbac_role)"`
	SecUseRBAC bool   `json:"sec_use_rbac" doc:"whether callers may show the credentials of any definition of which a role allows the call, in place of one in security"`
	DataFormat string `json:"data_format" doc:"format of requests and replies: json, xml, csv, form (replies are JSON), or empty for bytes as they are"`
}

// Common is the embedded Base.
func (b Base) Common() Base { return b }

// CheckBase finds what is wrong with the Base, of which only formats are known here.
func (b Base) CheckBase(formats ...string) kind.Faults {
	var faults kind.Faults
	if b.Service == "" {
		faults.Add("service", "missing; name the service that this channel exposes")
	}
	if b.SecUseRBAC && b.Security != "" {
		faults.Add("sec_use_rbac", "roles say whose credentials hold; leave security empty, or use has_rbac")
	}
	if b.HasRBAC && b.Security == "" && !b.SecUseRBAC {
		faults.Add("has_rbac", "roles are of callers with credentials; name a definition in security, or use sec_use_rbac")
	}
	for _, f := range formats {
		if f == b.DataFormat {
			return faults
		}
	}
	faults.Add("data_format", "unknown format %q; expected one of %q", b.DataFormat, formats)
	return faults
}

// Config is a channel's config with defaults filled in.
type Config interface{ Common() Base }

// Several is a Config whose channel exposes services beside, or in place of, that of its Base.
type Several interface{ Services() []string }

// Within is a Config whose channel puts something between security and SimpleIO: it is called for each service that the
// channel exposes, each time the channel or that service was made anew, without a Handle.
type Within interface {
	Within(next service.Handler, s Exposed) service.Handler
}

// Keeper is what Within gives of a channel that keeps replies. It is used from many goroutines.
type Keeper interface {
	Kept() Keeping
	Forget() Keeping // drops all replies, and says what was kept before
}

// Keeping is what is kept of a channel's replies.
type Keeping struct {
	Replies      int
	Bytes        int64 // of memory
	Hits, Misses int64 // requests that a kept reply answered, and that the service did though replies to the like are kept
}

// Services are the names of all that a channel exposes, that of its Base first.
func Services(c Config) []string {
	var names []string
	if name := c.Common().Service; name != "" {
		names = append(names, name)
	}
	if s, ok := c.(Several); ok {
		for _, name := range s.Services() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Deps is all that a channel may use.
type Deps struct {
	Name   string
	Names  service.Names
	Log    *slog.Logger
	Secret func(field string) bool // whether an input field of the service is a secret, which no log shows; nil: none is
	Handle service.Handler         // of the Base's service: statistics, security, SimpleIO and dispatch, already wrapped; answers carry Raw

	Services []Exposed // all that Services names, in that order

	Understood func(namespace, name string) bool // whether the security definition reads a SOAP header of that name; nil: none
}

// Exposed is one service behind a channel.
type Exposed struct {
	Name   string
	Doc    string
	Shape  *service.Shape                         // nil: it declares none, or is not deployed
	Handle service.Handler                        // as Deps.Handle; one that is not deployed answers with an *Error of code NotFound
	Fields func() (input, output []service.Field) // of the Shape, each with the type that its name stands for; nil where that is

	Methods []string // the verbs that it takes; empty: all
	// Hash is the service's own say on which replies are alike; nil: it has none. See service.Hooks.RequestHash.
	Hash func(ctx context.Context, req *service.Request) (key string, keep bool, err error)
}

// Takes says whether the service takes requests of that verb.
func (e Exposed) Takes(method string) bool { return service.Service{Methods: e.Methods}.Takes(method) }

// Channel is a built channel: an HTTP, or a Runner.
type Channel any

// HTTP is a channel that the node's own HTTP listener serves. ServeHTTP is called for requests that match Route alone,
// from many goroutines.
type HTTP interface {
	http.Handler
	Route() Route
}

// Optional is an HTTP channel that answers OPTIONS, of which Route says nothing, and takes fewer methods than Route says.
type Optional interface {
	// Allowed are the methods that it takes now, without HEAD and OPTIONS; empty for all.
	Allowed() []string
	// ServeOptions answers an OPTIONS request. allow are the methods of all channels at that path.
	ServeOptions(w http.ResponseWriter, r *http.Request, allow []string)
}

// Route is where a channel lives.
type Route struct {
	Methods []string // such as GET, POST; empty for all
	Path    string   // such as /customers/{id}; names in braces take one segment, a last {name...} all that is left
	Action  string   // the SOAPAction that tells channels of one path apart; empty: none does
	// Idempotent: handling a request twice does no more than handling it once. A load-balancer may send one again where the
	// server that had it died, whatever its method.
	Idempotent bool
}

// Kind is one kind of channel: a row of the table in node/kinds.go.
type Kind struct {
	kind.Info
	Runs bool // its channels are Runners
	// Parse reads an object's config; its canonical JSON, defaults included, is what the catalog keeps.
	// Its errors are kind.Faults.
	Parse func(raw []byte) (Config, error)
	// New builds a channel from what Parse returned. It must not block or bind.
	New func(c Config, d Deps) (Channel, error)
}

// Define makes a Kind of a typed config: def holds the defaults.
func Define[C Config](name, doc string, def C, build func(C, Deps) (Channel, error)) Kind {
	return Kind{
		Info:  kind.Info{Name: name, Doc: doc, Fields: kind.Describe(def)},
		Parse: func(raw []byte) (Config, error) { return kind.Decode(raw, def) },
		New:   func(c Config, d Deps) (Channel, error) { return build(c.(C), d) },
	}
}
