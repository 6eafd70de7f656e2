//go:build !linux

package bench

import "time"

// sleepExactly sleeps as exactly as Go's timers do.
func sleepExactly(d time.Duration) { time.Sleep(d) }
