package rest

import (
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// Kept keeps replies of some weight by numbers, for tests.
type Kept struct{ k *kept }

// NewKept keeps them for so long and within so many bytes.
func NewKept(life time.Duration, limit int64) Kept { return Kept{newKept(life, limit)} }

// Put keeps one of size bytes; its own cost comes on top.
func (k Kept) Put(key byte, size int, now time.Time) {
	k.k.put(replyKey{key}, &reply{sent: service.Response{Raw: make([]byte, size)}}, now)
}

// Get is the size of what is kept, -1 where nothing is.
func (k Kept) Get(key byte, now time.Time) int {
	if r := k.k.get(replyKey{key}, now); r != nil {
		return len(r.sent.Raw)
	}
	return -1
}

// Holds is how many are kept, and how many bytes they weigh.
func (k Kept) Holds() (n int, weight int64) {
	k.k.mu.RLock()
	defer k.k.mu.RUnlock()
	return k.k.order.Len(), k.k.weight
}
