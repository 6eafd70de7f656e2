package password

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	workedOn  = 2           // checks at a time: each takes 19 MiB and a core
	waiting   = 64          // checks that wait for a place; more are refused
	ofOne     = 16          // checks of one address, worked on or not: who guesses from there leaves room for others
	rightKept = time.Minute // that what was right is remembered
	maxKept   = 10_000      // of what is remembered
)

// ErrBusy is the error of a check that found too many before it.
var ErrBusy = errors.New("too many passwords are being checked")

// Checks bounds what checking passwords costs: two are worked on at a time, some more may wait, not all of them of one
// address; what is asked several times at once is worked on once, and what was right within the last minute costs a microsecond. Nothing of it can be turned back into a password. The zero value is ready to use,
// from many goroutines.
type Checks struct {
	once  sync.Once
	key   []byte        // of this process alone: what is remembered is no use to anybody else
	slots chan struct{} // a place for each check that is worked on
	queue chan struct{} // a place for each check, worked on or not

	mu     sync.Mutex
	flight map[[sha256.Size]byte]*flight   // checks that are worked on or wait, by the keyed hash of their parts
	placed map[string]int                  // places in the queue, by address
	right  map[[sha256.Size]byte]time.Time // keyed hash of what was right, until when it counts
	wrong  map[[sha256.Size]byte]*failures // by the keyed hash of who failed
}

// Do is what work says of parts, which are all that its answer depends on: a definition's hash, a user, a password. Its
// errors are ErrBusy and those of ctx.
func (c *Checks) Do(ctx context.Context, work func() bool, parts ...string) (bool, error) {
	return c.DoFor(ctx, Who{}, work, parts...)
}

// Who asks for a check. The zero value is nobody in particular.
type Who struct {
	User []string // a definition and a user; nil: no wrong answer is held against anybody
	From string   // the address; empty: it is not known
}

// flight is one check, which all wait for that ask the same at the same time.
type flight struct {
	done  chan struct{}
	right bool
	err   error // where there is one, it is that of who asked first
}

// DoFor is Do for who. Where the last answers for that user at that address were no, the error is a *TooSoonError, and
// nothing is worked on; what was right within the last minute is right all the same.
func (c *Checks) DoFor(ctx context.Context, who Who, work func() bool, parts ...string) (bool, error) {
	c.once.Do(func() {
		c.key, c.slots, c.queue = make([]byte, 32), make(chan struct{}, workedOn), make(chan struct{}, workedOn+waiting)
		c.right, c.wrong = map[[sha256.Size]byte]time.Time{}, map[[sha256.Size]byte]*failures{}
		c.flight, c.placed = map[[sha256.Size]byte]*flight{}, map[string]int{}
		_, _ = rand.Read(c.key) // never fails, by its contract
	})
	sum := c.sum(parts)
	var by *[sha256.Size]byte
	if who.User != nil {
		one := c.sum(append(slices.Clone(who.User), who.From))
		by = &one
	}
	for {
		if c.wasRight(sum) {
			return true, nil
		}
		if err := c.waits(by); err != nil {
			return false, err
		}
		f, first := c.join(sum)
		if first {
			defer c.land(sum, f) // whatever becomes of the check, nobody waits for it for ever
			f.err = ErrBusy
			f.right, f.err = c.check(ctx, by, who.From, work)
			return f.right, f.err
		}
		select {
		case <-f.done:
			if f.err == nil || errors.Is(f.err, ErrBusy) {
				return f.right, f.err
			} // else that one has left, or must wait
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// join is the check of those parts that is under way, or else a new one.
func (c *Checks) join(sum [sha256.Size]byte) (f *flight, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f = c.flight[sum]
	if f == nil {
		f, first = &flight{done: make(chan struct{})}, true
		c.flight[sum] = f
	}
	return f, first
}

// land gives a check's answer to all that wait for it.
func (c *Checks) land(sum [sha256.Size]byte, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flight, sum)
	if f.err == nil && f.right {
		c.keep(sum)
	}
	close(f.done)
}

// check has its turn in the queue, and works.
func (c *Checks) check(ctx context.Context, by *[sha256.Size]byte, from string, work func() bool) (bool, error) {
	if !c.place(from) {
		return false, ErrBusy
	}
	defer c.leave(from)
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
	if err := c.waits(by); err != nil { // by now: others guessed at the same time
		return false, err
	}
	right := work()
	c.note(by, right)
	return right, nil
}

// place says whether an address may have one more place in the queue, and takes it.
func (c *Checks) place(from string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from != "" && c.placed[from] >= ofOne {
		return false
	}
	c.placed[from]++
	return true
}

func (c *Checks) leave(from string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placed[from]--; c.placed[from] == 0 {
		delete(c.placed, from)
	}
}

func (c *Checks) wasRight(sum [sha256.Size]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, there := c.right[sum]
	return there && time.Now().Before(until)
}

// keep remembers what was right; c.mu is held.
func (c *Checks) keep(sum [sha256.Size]byte) {
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
