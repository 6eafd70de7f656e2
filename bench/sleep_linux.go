package bench

import (
	"syscall"
	"time"
)

// nearly is from when on a wait is left to the kernel's own timers. Go's, in a process with nothing to do, are late by up to a
// millisecond: its wait for the network counts in those.
const nearly = 2 * time.Millisecond

// grain is the shortest wait: at thousands of requests a second each wake-up sends a few, at half the cost.
const grain = 500 * time.Microsecond

// sleepExactly sleeps to within about 0.1 ms, and not less than a grain.
func sleepExactly(d time.Duration) {
	d = max(d, grain)
	until := time.Now().Add(d)
	if d > nearly {
		time.Sleep(d - nearly*3/4)
	}
	for left := time.Until(until); left > 0; left = time.Until(until) {
		ts := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&ts, nil) // a signal may end it early
	}
}
