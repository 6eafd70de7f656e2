package bench

import (
	"maps"
	"slices"
	"time"
)

// badStep is how finely the times of requests that went wrong are kept.
const badStep = 100 * time.Millisecond

// clean is how long nothing may go wrong until an event counts as over.
const clean = 3 * time.Second

// badTimes is when requests were due that did not end ok, by steps: how many, the first and the last of each.
type badTimes map[int]badTime

type badTime struct {
	count       int
	first, last time.Duration
}

func (b badTimes) add(offset time.Duration) {
	step := int(offset / badStep)
	one, there := b[step]
	if !there || offset < one.first {
		one.first = offset
	}
	one.last = max(one.last, offset)
	one.count++
	b[step] = one
}

// after is what went wrong after an event that began then, or nil. What began to go wrong only after the next event began, where there
// is one before the end, is of that one.
func (b badTimes) after(event, next, end time.Duration) *Impact {
	var out *Impact
	last := event
	for _, step := range slices.Sorted(maps.Keys(b)) {
		one := b[step]
		if one.last < event {
			continue
		}
		if one.first-last > clean || out == nil && one.first >= next {
			break
		}
		if out == nil {
			out = &Impact{First: seconds(max(0, one.first-event))}
		}
		out.Bad += one.count
		last = one.last
	}
	if out != nil {
		out.Recovery, out.Recovered = seconds(last-event), end-last >= clean
	}
	return out
}
