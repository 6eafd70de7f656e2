package bench

import (
	"math"
	"slices"
)

// curve is how many requests have fallen due since a phase began: a function of seconds that never falls, and its
// inverse.
type curve interface {
	hits(seconds float64) float64
	when(hits float64) float64
}

// line is a rate that changes evenly from one to another: a constant rate where they are the same.
type line struct{ from, to, seconds float64 }

func (l line) hits(t float64) float64 {
	return l.from*t + (l.to-l.from)*t*t/(2*l.seconds)
}

func (l line) when(n float64) float64 {
	if n <= 0 {
		return 0
	}
	if l.from == l.to {
		return n / l.from
	}
	// The root of the quadratic in the form that loses no digits where both rates are close.
	return 2 * n / (l.from + math.Sqrt(max(0, l.from*l.from+2*n*(l.to-l.from)/l.seconds)))
}

// wave swings around a rate, and begins at it, upwards.
type wave struct{ rate, swing, period float64 }

func (w wave) hits(t float64) float64 {
	angle := 2 * math.Pi / w.period
	return w.rate*t + w.swing/angle*(1-math.Cos(angle*t))
}

// when is by bisection: where the swing is as large as the rate, the slope is 0 once a period, and Newton's steps run off.
func (w wave) when(n float64) float64 {
	if n <= 0 {
		return 0
	}
	low := max(0, (n-w.swing*w.period/math.Pi)/w.rate)
	high := n/w.rate + 1e-9
	for high-low > 1e-9 {
		middle := (low + high) / 2
		if middle == low || middle == high {
			break
		}
		if w.hits(middle) < n {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// replay is timings that were recorded: seconds from their beginning, in order.
type replay []float64

func (r replay) hits(t float64) float64 {
	n, _ := slices.BinarySearchFunc(r, t, func(at, t float64) int {
		if at <= t {
			return -1
		}
		return 1
	})
	return float64(n)
}

func (r replay) when(n float64) float64 { return r[min(max(int(math.Round(n)), 0), len(r)-1)] }

// pieces are curves one after another.
type pieces []piece

type piece struct {
	curve
	at, first     float64 // when it begins, in seconds, and how many requests fall due before it
	seconds, hits float64
}

func (p pieces) add(c curve, seconds float64) pieces {
	next := piece{curve: c, seconds: seconds, hits: c.hits(seconds)}
	if len(p) > 0 {
		last := p[len(p)-1]
		next.at, next.first = last.at+last.seconds, last.first+last.hits
	}
	return append(p, next)
}

func (p pieces) seconds() float64 {
	last := p[len(p)-1]
	return last.at + last.seconds
}

func (p pieces) total() float64 {
	last := p[len(p)-1]
	return last.first + last.hits
}

func (p pieces) hits(t float64) float64 {
	for i := len(p) - 1; i >= 0; i-- {
		if one := p[i]; t >= one.at || i == 0 {
			return one.first + one.curve.hits(min(max(t-one.at, 0), one.seconds))
		}
	}
	return 0
}

func (p pieces) when(n float64) float64 {
	i := 0
	for i < len(p)-1 && n >= p[i+1].first-1e-9 { // a pause has no hits of its own, and is passed over
		i++
	}
	return p[i].at + p[i].curve.when(n-p[i].first)
}
