package node

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/parley-run/parley/runtime/channel"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/openapi"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// description is the OpenAPI document of a state's REST channels, made when somebody first asks for it.
type description struct {
	once sync.Once
	raw  []byte
	err  error
}

func (d *description) of(s *state) ([]byte, error) {
	d.once.Do(func() {
		info := openapi.Info{
			Title: s.node.folder.Cluster.Name, Version: strconv.FormatInt(s.snapshot.Revision, 10), Names: s.node.names, Conventions: &s.names.rules,
		}
		d.raw, d.err = openapi.Document(info, s.operations())
	})
	return d.raw, d.err
}

// operations are the active REST channels whose services are deployed.
func (s *state) operations() []openapi.Operation {
	var out []openapi.Operation
	for key, c := range s.channels {
		base, e := c.config.Common(), c.entry()
		if key.Kind != channelrest.Kind().Name || !base.IsActive || e == nil || s.routes.faults[key] != nil {
			continue
		}
		mounted, ok := c.built.(channel.HTTP)
		if !ok {
			continue
		}
		at := mounted.Route()
		methods := at.Methods
		if o, ok := mounted.(channel.Optional); ok {
			methods = o.Allowed()
		}
		out = append(out, openapi.Operation{
			Channel: key.Name, Service: e.Name, Doc: e.Doc, Path: strings.Replace(at.Path, "...}", "}", 1), Methods: methods, Format: base.DataFormat, Shape: e.Shape,
			Security: c.described(),
		})
	}
	return out
}

// described are the channel's security definitions for OpenAPI; none where anybody may call.
func (c *boundChannel) described() []openapi.Security {
	out := make([]openapi.Security, len(c.guards))
	for i, g := range c.guards {
		out[i].Name = g.object.Name
		if d, ok := g.definition.(security.Described); ok {
			out[i].Scheme = d.Scheme()
		}
	}
	return out
}

// serveOpenAPI answers with the document.
func (n *Node) serveOpenAPI(w http.ResponseWriter, r *http.Request) {
	channelrest.SkipBody(w, r)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		n.fail(w, r, service.Errorf(service.NotAllowed, "the method %s is not allowed at %s; allowed: GET, HEAD", r.Method, r.URL.Path))
		return
	}
	s := n.enter()
	defer s.leave()
	raw, err := s.description.of(s)
	if err != nil {
		n.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set(n.names.CIDHeader, service.NewCID())
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(raw) // fails where the client has gone
	}
}
