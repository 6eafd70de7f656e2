package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// ListService is what every API has beside its services.
const ListService = "parley.api.services"

// Listed is one service of parley.api.services.
type Listed struct {
	Name       string
	Doc        string
	Permission string
	Roles      []string `doc:"that grant the permission"`
}

func (a *API) list(context.Context, service.Runtime, struct{}) ([]Listed, error) {
	out := make([]Listed, 0, len(a.byName))
	for _, s := range a.byName {
		one := Listed{Name: s.Name, Doc: s.Doc, Permission: string(s.Needed())}
		for _, r := range RolesWith(s.Needed()) {
			one.Roles = append(one.Roles, string(r))
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Peer is another process of the cluster whose internal services an API offers too, beside its own: a server offers those of
// the supervisor, and the supervisor those of servers.
type Peer interface {
	// Ask calls an internal service there with the cluster's token, on behalf of that user; "" is whoever has the token. It is
	// called from many goroutines.
	Ask(ctx context.Context, user, service string, in, out any) error
}

const (
	peerKept = 10 * time.Second // that what a peer offers is used for without asking again
	peerTime = 2 * time.Second  // that it may take to say so
)

// offers is what a peer has.
type offers struct {
	peer Peer
	mu   sync.Mutex
	at   time.Time
	all  map[string]service.Service // as of then; one that does not answer offers what it did
}

// find is a service of the peer.
func (o *offers) find(ctx context.Context, name string) (service.Service, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.at) > peerKept {
		ctx, cancel := context.WithTimeout(ctx, peerTime)
		defer cancel()
		var listed []struct{ Name, Doc, Permission string }
		if err := o.peer.Ask(ctx, "", ListService, nil, &listed); err == nil {
			o.all = make(map[string]service.Service, len(listed))
			for _, one := range listed {
				o.all[one.Name] = service.Service{Name: one.Name, Doc: one.Doc, Permission: service.Permission(one.Permission)}
			}
		}
		o.at = time.Now()
	}
	s, ok := o.all[name]
	return s, ok
}

// find is an internal service of that name, and the peer that has it; nil: it is here.
func (a *API) find(ctx context.Context, name string) (service.Service, Peer, bool) {
	if s, ok := a.byName[name]; ok {
		return s, nil, true
	}
	for _, o := range a.offers {
		if s, ok := o.find(ctx, name); ok {
			return s, o.peer, true
		}
	}
	return service.Service{}, nil, false
}

// askPeer calls a service of a peer.
func askPeer(ctx context.Context, p Peer, by caller, name string, payload any) (any, error) {
	in, err := service.AppendJSON(nil, payload)
	if err != nil {
		return nil, service.Errorf(service.Invalid, "the input of %s: %w", name, err)
	}
	var out json.RawMessage
	if err := p.Ask(ctx, by.user, name, json.RawMessage(in), &out); err != nil {
		return nil, err
	}
	return sio.DecodeJSON(out)
}
