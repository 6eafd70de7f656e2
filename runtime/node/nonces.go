package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parley-run/parley/runtime/service"
)

// maxNonces is how many nonces a server remembers by itself, about 10 MB.
const maxNonces = 100_000

// askTime is how long Redis may take to say whether it knows a nonce.
const askTime = time.Second

// nonces are what may come once only. The cluster's Redis remembers them for all servers, and each server what itself has
// seen: that alone counts while Redis is away, for otherwise nobody could log in who uses nonces.
type nonces struct {
	mu   sync.Mutex
	seen map[string]time.Time // until when
	next time.Time            // before when nothing of seen is over
}

// add says whether key was not there; full: there is no place for it.
func (n *nonces) add(key string, now time.Time, during time.Duration) (fresh, full bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if until, there := n.seen[key]; there && now.Before(until) {
		return false, false
	}
	if len(n.seen) >= maxNonces && !now.Before(n.next) {
		n.forget(now)
	}
	if len(n.seen) >= maxNonces {
		return true, true
	}
	if n.seen == nil {
		n.seen = map[string]time.Time{}
	}
	until := now.Add(during)
	n.seen[key] = until
	if n.next.IsZero() || until.Before(n.next) {
		n.next = until
	}
	return true, false
}

// forget drops what is over.
func (n *nonces) forget(now time.Time) {
	n.next = time.Time{}
	for key, until := range n.seen {
		switch {
		case !now.Before(until):
			delete(n.seen, key)
		case n.next.IsZero() || until.Before(n.next):
			n.next = until
		}
	}
}

// once says whether key comes for the first time on any server, within a time. While Redis is away it says so for this
// server alone; what it cannot remember at all it does not let in.
func (n *Node) once(ctx context.Context, key string, during time.Duration) (bool, error) {
	fresh, full := n.nonces.add(key, time.Now(), during)
	if !fresh {
		return false, nil
	}
	if n.outage.reason() == "" {
		asked, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		err := n.redis.SetArgs(asked, "parley:"+n.folder.Cluster.Name+":once:"+key, 1, redis.SetArgs{Mode: "NX", TTL: max(during, time.Millisecond)}).Err()
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, redis.Nil):
			return false, nil
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
	}
	if full {
		return false, service.Errorf(service.Unavailable, "too many nonces to remember while the cluster's Redis is away; try again")
	}
	return true, nil
}
