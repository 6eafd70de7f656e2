package gate

import (
	"fmt"
	"math"
)

// Verdict is what a gate says.
type Verdict string

// The verdicts.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Inconclusive Verdict = "INCONCLUSIVE"
)

// Margins are ratios minus 1: how much slower a candidate may be, and how much slower one must be caught.
type Margins struct {
	Tolerated float64 `json:"tolerated"` // 0.01: where code lies in memory makes that much
	Caught    float64 `json:"caught"`    // 0.05
}

// DefaultMargins are those that the boundaries were simulated for.
func DefaultMargins() Margins { return Margins{Tolerated: 0.01, Caught: 0.05} }

// Check says what is wrong with the margins.
func (m Margins) Check() error {
	if !(m.Tolerated >= 0) || !(m.Caught > m.Tolerated) || m.Caught > 10 {
		return fmt.Errorf("margins: expected 0 <= tolerated < caught, such as 0.01 and 0.05, not %v and %v", m.Tolerated, m.Caught)
	}
	return nil
}

// look is one time at which the test may end. The boundaries spend the two errors, 1 % and 5 % in all, over the looks (Kim and
// DeMets, rho = 2), in units of the standard error, for a t distribution.
type look struct {
	cycles     int
	fail, pass float64
}

func looks() []look {
	return []look{{5, 8.85, 5.84}, {8, 5.10, 3.70}, {12, 3.77, 2.81}, {16, 3.27, 2.40}, {20, 2.96, 2.13}, {24, 2.76, 1.92}}
}

// MaxCycles is when the test ends at the latest.
const MaxCycles = 24

// Decision is what the test says after some cycles.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	Done    bool    `json:"-"` // no further cycle would be looked at
	Cycles  int     `json:"cycles"`
	Ratio   float64 `json:"ratio"`  // candidate/base, the geometric mean
	Low     float64 `json:"low"`    // of Ratio's 95 % interval by t
	High    float64 `json:"high"`   // likewise
	Spread  float64 `json:"spread"` // standard deviation of the cycles' ln ratios
}

// decide looks at ln ratios, one a cycle. Between looks it says to go on.
func decide(x []float64, m Margins) Decision {
	mean, sd := meanSD(x)
	se := sd / math.Sqrt(float64(len(x)))
	d := Decision{Verdict: Inconclusive, Cycles: len(x), Ratio: math.Exp(mean), Spread: sd, Done: len(x) >= MaxCycles}
	if len(x) > 1 {
		half := t975(len(x)-1) * se
		d.Low, d.High = math.Exp(mean-half), math.Exp(mean+half)
	}
	for _, l := range looks() {
		if l.cycles != len(x) {
			continue
		}
		// Cycles that are equal to the last digit have no error: they say what they say.
		se = max(se, 1e-9)
		switch {
		case (mean-math.Log1p(m.Tolerated))/se > l.fail:
			d.Verdict, d.Done = Fail, true
		case (math.Log1p(m.Caught)-mean)/se > l.pass:
			d.Verdict, d.Done = Pass, true
		}
	}
	return d
}

// exceeds says whether ln ratios are above a bound for sure, as decide fails: for what is measured beside the time.
func exceeds(x []float64, bound float64) bool {
	return len(x) > 0 && decide(x, Margins{Tolerated: bound, Caught: math.Inf(1)}).Verdict == Fail
}

func meanSD(x []float64) (mean, sd float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for _, v := range x {
		sd += (v - mean) * (v - mean)
	}
	if len(x) < 2 {
		return mean, 0
	}
	return mean, math.Sqrt(sd / float64(len(x)-1))
}

// t975 is the 97.5 % quantile of Student's t, for 1 degree of freedom and more.
func t975(df int) float64 {
	table := [...]float64{
		12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
		2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
	}
	return table[min(max(df, 1), len(table))-1]
}
