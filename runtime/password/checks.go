package password

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

const (
	workedOn  = 2           // checks at a time: each takes 19 MiB and a core
	waiting   = 64          // checks that wait for a place; more are refused
	rightKept = time.Minute // that what was right is remembered
	maxKept   = 10_000      // of what is remembered
)

// ErrBusy is the error of a check that found too many before it.
var ErrBusy = errors.New("too many passwords are being checked")

// Checks bounds what checking passwords costs: two are worked on at a time, some more may wait, and what was right within
// the last minute costs a microsecond. Nothing of it can be turned back into a password. The zero value is ready to use,
// from many goroutines.
type Checks struct {
	once  sync.Once
	key   []byte        // of this process alone: what is remembered is no use to anybody else
	slots chan struct{} // a place for each check that is worked on
	queue chan struct{} // a place for each check, worked on or not

	mu    sync.Mutex
	right map[[sha256.Size]byte]time.Time // keyed hash of what was right, until when it counts
	wrong map[[sha256.Size]byte]*failures // by the keyed hash of who failed
}

// Do is what work says of parts, which are all that its answer depends on: a definition's hash, a user, a password. Its
// errors are ErrBusy and those of ctx.
func (c *Checks) Do(ctx context.Context, work func() bool, parts ...string) (bool, error) {
	return c.DoFor(ctx, nil, work, parts...)
}

// DoFor is Do for who: a definition, a user and an address, or nil for nobody in particular. Where the last answers for
// that one were no, the error is a *TooSoonError, and nothing is worked on; what was right within the last minute is right
// all the same.
func (c *Checks) DoFor(ctx context.Context, who []string, work func() bool, parts ...string) (bool, error) {
	c.once.Do(func() {
		c.key, c.slots, c.queue = make([]byte, 32), make(chan struct{}, workedOn), make(chan struct{}, workedOn+waiting)
		c.right, c.wrong = map[[sha256.Size]byte]time.Time{}, map[[sha256.Size]byte]*failures{}
		_, _ = rand.Read(c.key) // never fails, by its contract
	})
	sum := c.sum(parts)
	if c.wasRight(sum) {
		return true, nil
	}
	var by *[sha256.Size]byte
	if who != nil {
		one := c.sum(who)
		by = &one
	}
	if err := c.waits(by); err != nil {
		return false, err
	}
	select {
	case c.queue <- struct{}{}:
		defer func() { <-c.queue }()
	default:
		return false, ErrBusy
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	if c.wasRight(sum) { // by now: clients often ask several things at once
		return true, nil
	}
	if err := c.waits(by); err != nil { // by now: so do those who guess
		return false, err
	}
	right := work()
	c.note(by, right)
	if right {
		c.keep(sum)
	}
	return right, nil
}

func (c *Checks) wasRight(sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, there := c.right[sum]
	return there && time.Now().Before(until)
}

func (c *Checks) keep(sum [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.right) >= maxKept {
		for old, until := range c.right {
			if now.After(until) {
				delete(c.right, old)
			}
		}
	}
	if len(c.right) >= maxKept {
		clear(c.right) // each is worth one check
	}
	c.right[sum] = now.Add(rightKept)
}

func (c *Checks) sum(parts []string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, c.key)
	for _, part := range parts {
		_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) // so that no two lists are alike
		_, _ = mac.Write([]byte(part))
	}
	mac.Sum(out[:0])
	return out
}
