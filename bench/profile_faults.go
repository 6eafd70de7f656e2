package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

type profileFault struct{ path, message string }

// faults is all that is wrong with the profile, which has its defaults and the files that it names.
func (p *Profile) faults() []profileFault {
	var out []profileFault
	add := func(path, format string, args ...any) {
		out = append(out, profileFault{path, fmt.Sprintf(format, args...)})
	}
	p.loadFaults(add)
	if p.Workers < 0 {
		add("$.workers", "workers must be more than 0")
	}
	if p.Protocol != "" && !slices.Contains(protocols(), p.Protocol) {
		add("$.protocol", "protocol %q is not known; there are %s%s", p.Protocol, strings.Join(protocols(), ", "), meant(p.Protocol, protocols()))
	}
	p.requestFaults(add)
	for i, f := range p.Feeders {
		if f.CSV == "" {
			add(fmt.Sprintf("$.feeders[%d]", i), "a feeder needs csv, the file of its rows")
		}
	}
	if p.OTLP != "" {
		if problem := CheckOTLP(p.OTLP); problem != "" {
			add("$.otlp", "otlp: %s", problem)
		}
	}
	if p.Log != nil && p.Log.KVDBList == "" {
		add("$.executed", "executed needs kvdb_list, the key of the list where the service records ids")
	}
	if p.Log == nil && (p.Expect.Lost != nil || p.Expect.Doubled != nil) {
		add("$.expect", "lost and doubled can be told only with executed: say where the service records ids")
	}
	for _, most := range []struct {
		name string
		n    *int
	}{{"failed", p.Expect.Failed}, {"unknown", p.Expect.Unknown}, {"lost", p.Expect.Lost}, {"doubled", p.Expect.Doubled}} {
		if most.n != nil && *most.n < 0 {
			add("$.expect."+most.name, "%s is at most %d: that can never hold", most.name, *most.n)
		}
	}
	for i := range p.Expect.Terms {
		p.termFaults(&p.Expect.Terms[i], func(format string, args ...any) { add(fmt.Sprintf("$.expect[%d]", i), format, args...) })
	}
	p.eventFaults(add)
	return out
}

func (p *Profile) loadFaults(add func(path, format string, args ...any)) {
	if len(p.Phases) == 0 {
		switch {
		case p.Users < 0 || p.Users > maxUsers:
			add("$.users", "users must be 1 to %d", maxUsers)
		case p.Users > 0 && p.Rate != 0:
			add("$.users", "a load has a rate or users, not both")
		case p.Users == 0 && (!(p.Rate > 0) || math.IsInf(p.Rate, 0)): // NaN too
			add("$.rate", "rate must be more than 0 requests a second")
		}
		if p.Duration <= 0 {
			add("$.duration", "duration must be more than 0")
		}
		if n := p.Rate * (p.Duration.Std().Seconds() + p.Warmup.Std().Seconds()); n > maxRequests && !math.IsInf(p.Rate, 0) {
			add("$.rate", "rate times duration is %s requests; at most %d are allowed", many(n), maxRequests)
		}
	} else {
		p.phaseFaults(add)
	}
	for _, one := range []struct {
		name string
		d    Duration
	}{{"duration", p.Duration}, {"warmup", p.Warmup}} {
		if one.d.Std() > maxDuration && (one.name != "duration" || len(p.Phases) == 0) {
			add("$."+one.name, "%s is %s; at most %s is allowed", one.name, one.d, maxDuration)
		}
	}
	if p.Think > 0 && !p.closed() {
		add("$.think", "think goes with users: a load with a rate sends when requests are due")
	}
}

func (p *Profile) phaseFaults(add func(path, format string, args ...any)) {
	if p.Rate != 0 || p.Users != 0 {
		add("$.phases", "the phases say how much is sent: leave out rate and users beside them")
	}
	before := 0
	seen := map[string]bool{}
	var sum Duration
	total, tooLong := 0.0, false
	for i, ph := range p.specs() {
		at := fmt.Sprintf("$.phases[%d]", i)
		ph.faults(func(field, format string, args ...any) {
			add(at+field, "%s: "+format, append([]any{ph.Name}, args...)...)
		})
		before = len(seen)
		if seen[ph.Name] = true; len(seen) == before {
			add(at+".name", "two phases are called %q", ph.Name)
		}
		if (ph.Users != 0) != (p.Phases[0].Users != 0) {
			add(at, "%s: a load is a closed loop in all its phases or in none", ph.Name)
		}
		n := ph.highest() * ph.Duration.Std().Seconds()
		if n > maxRequests {
			add(at, "%s is up to %s requests; at most %d are allowed", ph.Name, many(n), maxRequests)
		}
		if ph.Duration.Std() > maxDuration {
			tooLong = true
			add(at+".duration", "%s: duration is %s; at most %s is allowed", ph.Name, ph.Duration, maxDuration)
		}
		if i == 0 {
			total += ph.highest() * p.Warmup.Std().Seconds()
		}
		total += n
		sum = addUp(sum, ph.Duration)
	}
	if sum.Std() > maxDuration && !tooLong {
		add("$.phases", "the phases take %s; at most %s is allowed", sum, maxDuration)
	}
	if total > maxRequests {
		add("$.phases", "with the warm-up all phases are up to %s requests; at most %d are allowed", many(total), maxRequests)
	}
	if p.Duration != sum {
		add("$.duration", "duration is %s and the phases take %s: leave it out", p.Duration, sum)
	}
}

// many is a number of requests for people: in full where they can read it.
func many(n float64) string {
	if n < 1e15 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.0e", n)
}

// addUp is a sum that stays at the longest time there is.
func addUp(a, b Duration) Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func (p *Profile) requestFaults(add func(path, format string, args ...any)) {
	path := func(int) string { return "$.request" }
	if len(p.Requests) > 0 {
		path = func(i int) string { return fmt.Sprintf("$.requests[%d]", i) }
		if p.Request.Path != "" {
			add("$.request", "give request or requests, not both")
		}
	}
	known := []string{"id"}
	unread := false // a feeder, which has been told: nobody knows what it gives
	for _, f := range p.Feeders {
		known = append(known, f.columns...)
		unread = unread || f.rows == nil
	}
	for _, r := range p.Before {
		for name := range r.Capture {
			known = append(known, name)
		}
	}
	early := slices.Clone(known)
	for _, r := range p.requests() {
		for name := range r.Capture {
			known = append(known, name)
		}
	}
	check := func(at string, r *Request, known []string) {
		r.faults(func(field, format string, args ...any) { add(at+field, format, args...) })
		if silent(p.Protocol) && (r.Check != nil || len(r.Capture) > 0) {
			add(at, "nobody answers in %s: there is nothing to check or capture", p.Protocol)
		}
		if silent(p.Protocol) && len(r.Headers) > 0 {
			add(at+".headers", "a request in %s has no headers", p.Protocol)
		}
		for _, name := range r.names() {
			if !unread && !slices.Contains(known, name) {
				add(at, "nothing gives {{%s}}: no feeder has such a column, and no request captures it; there are %s", name, strings.Join(known, ", "))
			}
		}
	}
	seen := map[string]bool{}
	for i, r := range p.requests() {
		check(path(i), &r, known)
		if seen[r.label()] {
			add(path(i), "two requests are called %q: give each a name", r.label())
		}
		seen[r.label()] = true
	}
	for i, r := range p.Before {
		check(fmt.Sprintf("$.before[%d]", i), &r, early)
	}
}

func (p *Profile) eventFaults(add func(path, format string, args ...any)) {
	last := Duration(-1)
	for i := range p.Events {
		e, at := &p.Events[i], fmt.Sprintf("$.events[%d]", i)
		e.faults(p.Duration, func(field, format string, args ...any) { add(at+field, format, args...) })
		if e.After != "" && !slices.ContainsFunc(p.Events, func(other Event) bool { return other.Label() == e.After && other.Label() != e.Label() }) {
			var names []string
			for j := range p.Events {
				if i != j {
					names = append(names, p.Events[j].Label())
				}
			}
			add(at+".after", "there is no other event %q%s", e.After, meant(e.After, names))
		}
		if ring := p.ringOf(i); ring != nil {
			add(at+".after", "event %q never comes: %s wait for one another", e.Label(), strings.Join(ring, ", "))
		}
		if e.conditional() {
			continue
		}
		if e.At < last {
			add(at+".at", "event at %s comes after one at %s: put them in order of time", e.At, last)
		}
		last = e.At
	}
}

// ringOf are the events that wait for one another in a ring, where the one of that place is the first of them; nil: there is none.
func (p *Profile) ringOf(i int) []string {
	first := p.Events[i].Label()
	var ring []string
	for name, next := first, p.Events[i].After; next != "" && len(ring) < len(p.Events); {
		ring = append(ring, fmt.Sprintf("%q", name))
		if next == first {
			return ring
		}
		at := slices.IndexFunc(p.Events, func(e Event) bool { return e.Label() == next })
		if at < i { // it is not there, or its own ring has been told
			return nil
		}
		name, next = next, p.Events[at].After
	}
	return nil
}
