package balancer

// Totals are what a balancer counts over all servers. Counts begin when it starts; HAProxy's begin anew when it is
// loaded anew.
type Totals struct {
	Requests int64 `json:"requests"`  // that came in
	Errors   int64 `json:"errors"`    // of them, those that the balancer answered itself: no server did
	Retried  int64 `json:"retried"`   // times that a request went to another server
	Waiting  int64 `json:"waiting"`   // requests that wait for a server now
	InFlight int64 `json:"in_flight"` // requests that servers work on now
}

// Totals are the counts of now.
func (b *Balancer) Totals() Totals {
	t := Totals{Requests: b.asked.Load(), Errors: b.refused.Load(), Retried: b.retried.Load(), Waiting: b.waiting.Load()}
	for _, s := range b.servers {
		t.InFlight += s.inFlight.Load()
	}
	return t
}
