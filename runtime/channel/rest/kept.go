package rest

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// kept holds replies, each for as long, within a bound of memory. What is full drops the oldest that nobody has asked for
// since it was kept, or since it was last spared (SIEVE; see Y. Zhang et al., NSDI 2024). Safe for concurrent use: what is
// found is found under a lock that many hold at once.
type kept struct {
	life  time.Duration
	limit int64 // bytes

	mu     sync.RWMutex
	places map[replyKey]*list.Element // of *place, in order
	order  *list.List                 // newest first, and so by when they expire
	next   *list.Element              // where dropping goes on, towards the newest; nil: at the oldest
	weight int64                      // of all, in bytes
}

type place struct {
	key   replyKey
	reply *reply
	until time.Time
	asked atomic.Bool // since it was kept, or spared
}

func newKept(life time.Duration, limit int64) *kept {
	return &kept{life: life, limit: limit, places: map[replyKey]*list.Element{}, order: list.New()}
}

// get is the reply of that key, nil where none is kept.
func (k *kept) get(key replyKey, now time.Time) *reply {
	k.mu.RLock()
	defer k.mu.RUnlock()
	at := k.places[key]
	if at == nil {
		return nil
	}
	p := at.Value.(*place)
	if !now.Before(p.until) {
		return nil
	}
	if !p.asked.Load() {
		p.asked.Store(true)
	}
	return p.reply
}

// size is how many replies are kept that have not expired, and how much memory all take.
func (k *kept) size(now time.Time) (n int, bytes int64) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for at := k.order.Front(); at != nil && now.Before(at.Value.(*place).until); at = at.Next() {
		n++
	}
	return n, k.weight
}

// clear drops all.
func (k *kept) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.places)
	k.order.Init()
	k.next, k.weight = nil, 0
}

// put keeps a reply in place of any other of its key. One that is larger than the bound is not kept.
func (k *kept) put(key replyKey, r *reply, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at := k.places[key]; at != nil {
		k.drop(at)
	}
	for oldest := k.order.Back(); oldest != nil && !now.Before(oldest.Value.(*place).until); oldest = k.order.Back() {
		k.drop(oldest)
	}
	weight := r.weight()
	if weight > k.limit {
		return
	}
	for k.weight+weight > k.limit {
		k.dropOne()
	}
	k.places[key] = k.order.PushFront(&place{key: key, reply: r, until: now.Add(k.life)})
	k.weight += weight
}

// dropOne drops the next that nobody asked for, and spares those before it once.
func (k *kept) dropOne() {
	for {
		at := k.next
		if at == nil {
			at = k.order.Back()
		}
		k.next = at.Prev()
		if !at.Value.(*place).asked.Swap(false) {
			k.drop(at)
			return
		}
	}
}

func (k *kept) drop(at *list.Element) {
	if at == k.next {
		k.next = at.Prev()
	}
	p := k.order.Remove(at).(*place)
	delete(k.places, p.key)
	k.weight -= p.reply.weight()
}
