package node

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

func (n *Node) cacheServices() []service.Service {
	return []service.Service{
		service.New("parley.cache.list", n.listCaches).WithDoc("the channels that keep replies, and what each server has kept").Needs(service.Read),
		service.New("parley.cache.clear", n.clearCaches).WithDoc("drops the replies that channels have kept, on all servers").Needs(service.Operate),
	}
}

// CacheIn is the input of parley.cache.list and parley.cache.clear.
type CacheIn struct {
	Channel string `sio:",optional"` // empty: all
	Local   bool   `sio:",optional"` // of this server alone
}

// CacheLine is what one server keeps of one channel.
type CacheLine struct {
	Server, Channel, Kind string
	Replies               int
	Bytes                 int64 // of memory
	Hits, Misses          int64 // requests that a kept reply answered, and that the service did
}

// Unasked is a server that could not be asked, and why.
type Unasked struct{ Server, Error string }

// CacheOut is the output of parley.cache.list, as things were, and of parley.cache.clear, as they were before.
type CacheOut struct {
	Items   []CacheLine
	Unasked []Unasked // other servers, of which nothing is known
}

func (n *Node) listCaches(ctx context.Context, _ service.Runtime, in CacheIn) (CacheOut, error) {
	return n.caches(ctx, "parley.cache.list", in, channel.Keeper.Kept)
}

func (n *Node) clearCaches(ctx context.Context, _ service.Runtime, in CacheIn) (CacheOut, error) {
	return n.caches(ctx, "parley.cache.clear", in, channel.Keeper.Forget)
}

// caches does something with all that is kept here, and has the other servers do so by the service of that name.
func (n *Node) caches(ctx context.Context, name string, in CacheIn, do func(channel.Keeper) channel.Keeping) (CacheOut, error) {
	out := CacheOut{Items: []CacheLine{}, Unasked: []Unasked{}}
	s := n.current.Load()
	names := []string{}
	for key, c := range s.channels {
		names = append(names, key.Name)
		if len(c.keepers) == 0 || in.Channel != "" && in.Channel != key.Name {
			continue
		}
		line := CacheLine{Server: n.server.Name, Channel: key.Name, Kind: key.Kind}
		for _, k := range c.keepers {
			one := do(k)
			line.Replies, line.Bytes, line.Hits, line.Misses = line.Replies+one.Replies, line.Bytes+one.Bytes, line.Hits+one.Hits, line.Misses+one.Misses
		}
		out.Items = append(out.Items, line)
	}
	if in.Channel != "" && !slices.Contains(names, in.Channel) {
		return out, unknown("no channel", in.Channel, names)
	}
	if !in.Local {
		n.peerCaches(ctx, name, in.Channel, &out)
	}
	slices.SortFunc(out.Items, func(a, b CacheLine) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Server, b.Server))
	})
	return out, nil
}

// peerCaches adds what the other servers say.
func (n *Node) peerCaches(ctx context.Context, name, of string, out *CacheOut) {
	peers := map[string]string{} // addresses of admin APIs by server
	for _, s := range n.folder.Cluster.Servers {
		peers[s.Name] = s.Admin
	}
	if members, err := n.table.Members(ctx); err == nil {
		for _, m := range members {
			if m.Counts {
				peers[m.Name] = m.Admin
			}
		}
	}
	delete(peers, n.server.Name)
	var mu sync.Mutex
	var all sync.WaitGroup
	for server, address := range peers {
		all.Go(func() {
			var said CacheOut
			err := n.callPeer(ctx, address, name, map[string]any{"channel": of, "local": true}, &said)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				out.Unasked = append(out.Unasked, Unasked{server, service.AsError(err).Message})
			}
			out.Items = append(out.Items, said.Items...)
		})
	}
	all.Wait()
	slices.SortFunc(out.Unasked, func(a, b Unasked) int { return cmp.Compare(a.Server, b.Server) })
}

// keeps notes that a chain of a channel keeps replies.
func (b *builder) keeps(of catalog.Key, h service.Handler) {
	if k, ok := h.(channel.Keeper); ok {
		b.keepers[of] = append(b.keepers[of], k)
	}
}
