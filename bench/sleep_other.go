//go:build !linux

package bench

import "time"

// alarm sleeps as exactly as Go's timers do.
type alarm struct{}

func newAlarm() *alarm { return &alarm{} }

func (*alarm) close() {}

func (*alarm) sleep(d time.Duration) { time.Sleep(d) }
