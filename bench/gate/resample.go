package gate

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Characteristic is how often a gate says what, of one sort of candidate: verdicts made anew from kept cycles, drawn with
// replacement.
type Characteristic struct {
	Label        string  `json:"label"`
	Noise        string  `json:"noise"`
	Kept         int     `json:"kept"`       // real cycles behind it
	Others       float64 `json:"others_cpu"` // CPU that all else on the machine took meanwhile, in cores: the median; -1: not known
	Mean         float64 `json:"mean"`       // of the ratios
	Spread       float64 `json:"spread"`
	Fail         float64 `json:"fail"` // shares of all verdicts
	Pass         float64 `json:"pass"`
	Inconclusive float64 `json:"inconclusive"`
	Cycles       float64 `json:"cycles"` // to a verdict, on average
	Naive        float64 `json:"naive"`  // share of failures of who runs one build after the other and fails from NaiveBound on
}

// NaiveBound is the ratio from which the naive comparison fails.
const NaiveBound = 1.03

// verdicts is how many are made of each sort.
const verdicts = 10_000

// Resample makes verdicts anew from the cycles of each label and noise.
func Resample(cycles []Cycle, m Margins, seed uint64) []Characteristic {
	groups := map[[2]string][]Cycle{}
	for _, c := range cycles {
		if c.Void == "" && len(c.Routes) > 0 {
			key := [2]string{c.Label, c.Noise}
			groups[key] = append(groups[key], c)
		}
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	random := rand.New(rand.NewPCG(seed, 1))
	var out []Characteristic
	for _, key := range keys {
		out = append(out, characteristic(groups[key], m, random))
	}
	return out
}

func characteristic(kept []Cycle, m Margins, random *rand.Rand) Characteristic {
	c := Characteristic{Label: kept[0].Label, Noise: kept[0].Noise, Kept: len(kept)}
	x := make([]float64, len(kept))
	others := make([]float64, len(kept))
	naive := 0
	for i, one := range kept {
		x[i], others[i] = one.Primary(), one.Others
		if sequentially(one) > NaiveBound {
			naive++
		}
	}
	slices.Sort(others)
	c.Others = others[len(others)/2]
	mean, spread := meanSD(x)
	c.Mean, c.Spread, c.Naive = math.Exp(mean), spread, float64(naive)/float64(len(kept))
	drawn := make([]float64, 0, MaxCycles)
	for range verdicts {
		drawn = drawn[:0]
		for {
			drawn = append(drawn, x[random.IntN(len(x))])
			d := decide(drawn, m)
			if !d.Done {
				continue
			}
			switch c.Cycles += float64(len(drawn)); d.Verdict {
			case Fail:
				c.Fail++
			case Pass:
				c.Pass++
			default:
				c.Inconclusive++
			}
			break
		}
	}
	c.Fail, c.Pass, c.Inconclusive, c.Cycles = c.Fail/verdicts, c.Pass/verdicts, c.Inconclusive/verdicts, c.Cycles/verdicts
	return c
}

// sequentially is the ratio that the naive method finds: the base's mean in the first half of the cycle, and the candidate's
// in the second.
func sequentially(c Cycle) float64 {
	var base, candidate []float64
	for _, r := range c.Routes {
		half := len(r.Blocks) / 2
		for i, b := range r.Blocks {
			if i < half {
				base = append(base, b[0])
			} else {
				candidate = append(candidate, b[1])
			}
		}
	}
	if len(base) == 0 || len(candidate) == 0 {
		return 1
	}
	a, _ := meanSD(base)
	b, _ := meanSD(candidate)
	return b / a
}

// ReadCycles reads kept cycles, one JSON object a line.
func ReadCycles(r io.Reader) (out []Cycle, err error) {
	dec := json.NewDecoder(bufio.NewReader(r))
	for {
		var c Cycle
		err := dec.Decode(&c)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("cycle %d: %w; leave out that line", len(out)+1, err)
		}
		if x := c.Primary(); c.Void == "" && (math.IsNaN(x) || math.IsInf(x, 0)) {
			return out, fmt.Errorf("cycle %d: it measured nothing, and is not void; leave out that line", len(out)+1)
		}
		out = append(out, c)
	}
}

// WriteCycle writes one line.
func WriteCycle(w io.Writer, c Cycle) error { return json.NewEncoder(w).Encode(c) }

// WriteCharacteristics writes a table for people.
func WriteCharacteristics(w io.Writer, all []Characteristic) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-12s %-8s %7s %6s %8s %7s   %6s %6s %13s %7s   %s\n", "candidate", "noise", "others", "cycles", "ratio", "spread", "FAIL", "PASS", "INCONCLUSIVE", "cycles", "naive fails")
	for _, c := range all {
		fmt.Fprintf(&b, "%-12s %-8s %7s %6d %+7.1f%% %6.1f%%   %5.1f%% %5.1f%% %12.1f%% %7.1f   %.0f%%\n", c.Label, c.Noise, cores(c.Others), c.Kept, (c.Mean-1)*100, c.Spread*100,
			c.Fail*100, c.Pass*100, c.Inconclusive*100, c.Cycles, c.Naive*100)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cores is CPU for people; unknown, a dash.
func cores(n float64) string {
	if n < 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", n)
}
