package bench

import "sync/atomic"

// Traffic counts the requests of a run while it goes. It may be read from any goroutine.
type Traffic struct{ begun, ended atomic.Int64 }

// Begun is how many requests have begun.
func (t *Traffic) Begun() int64 { return t.begun.Load() }

// UnderWay is how many have begun and neither got a reply's header nor failed yet.
func (t *Traffic) UnderWay() int64 {
	ended := t.ended.Load() // before those that began: never below 0
	return t.begun.Load() - ended
}

// Count counts what was under way at any moment from now until the function that it gives is called, which gives the number.
func (t *Traffic) Count() func() int {
	ended := t.ended.Load()
	return func() int { return int(t.begun.Load() - ended) }
}
