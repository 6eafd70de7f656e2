package password

import (
	"crypto/sha256"
	"fmt"
	"time"
)

const (
	free        = 5                // wrong answers that cost nothing
	firstWait   = time.Second      // after one more; each further one doubles it
	longestWait = 5 * time.Minute  // and no more than that
	forgotten   = 15 * time.Minute // after the last wrong answer
	maxFailed   = 10_000           // that are remembered
)

// TooSoonError is the error of a check for one whose last ones were wrong.
type TooSoonError struct{ Wait time.Duration }

func (e *TooSoonError) Error() string {
	return fmt.Sprintf("the last passwords of this user at this address were wrong; the next one is checked in %s", e.Wait.Round(time.Second))
}

// failures are the wrong answers in a row for one.
type failures struct {
	count int
	last  time.Time
	next  time.Time // before which nothing is checked
}

// waits is a *TooSoonError where that one must wait.
func (c *Checks) waits(by *[sha256.Size]byte) error {
	if by == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.wrong[*by]; f != nil {
		if wait := time.Until(f.next); wait > 0 {
			return &TooSoonError{wait}
		}
	}
	return nil
}

// note takes in what was answered.
func (c *Checks) note(by *[sha256.Size]byte, right bool) {
	if by == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if right {
		delete(c.wrong, *by)
		return
	}
	now := time.Now()
	f := c.wrong[*by]
	if f == nil || now.Sub(f.last) >= forgotten {
		c.makeRoom(now)
		f = &failures{}
		c.wrong[*by] = f
	}
	f.count++
	f.last = now
	if beyond := f.count - free; beyond > 0 {
		f.next = now.Add(min(firstWait<<min(beyond-1, 20), longestWait))
	}
}

// makeRoom lets go of what has been forgotten, and, where that is not enough, of some: each is worth a few checks, and to
// get there takes ten thousand.
func (c *Checks) makeRoom(now time.Time) {
	if len(c.wrong) < maxFailed {
		return
	}
	for by, f := range c.wrong {
		if now.Sub(f.last) >= forgotten {
			delete(c.wrong, by)
		}
	}
	for by := range c.wrong {
		if len(c.wrong) <= maxFailed-maxFailed/10 {
			break
		}
		delete(c.wrong, by)
	}
}
