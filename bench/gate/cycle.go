package gate

import (
	"math"
	"slices"
	"time"
)

// Cycle is one start of both servers and what was measured then: the raw data of a gate, kept so that verdicts can be made
// anew from it.
type Cycle struct {
	At        time.Time `json:"at"`
	Label     string    `json:"label,omitempty"` // of a self-test: what was done to the candidate
	Noise     string    `json:"noise,omitempty"` // of a self-test: what else ran
	Routes    []Route   `json:"routes"`
	Base      Arm       `json:"base"`
	Candidate Arm       `json:"candidate"`
	Generator float64   `json:"generator_cpu"` // CPU that the generator took, in cores
	Others    float64   `json:"others_cpu"`    // CPU that all else on the machine took, in cores; -1: not known
	Void      string    `json:"void,omitempty"`
}

// Route is what one request took of both servers.
type Route struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`
	X      float64 `json:"x"` // mean over blocks of ln(candidate/base), of the trimmed means
	// Times of each block in microseconds: the mean of the faster three quarters, base and candidate in turn.
	Blocks [][2]float64 `json:"blocks_us"`
	P50    float64      `json:"p50_ratio"`
	Mean   float64      `json:"mean_ratio"`
	P99    float64      `json:"p99_ratio"`
}

// Arm is one of the two servers in one cycle.
type Arm struct {
	Requests int     `json:"requests"`
	Errors   int     `json:"errors"`
	P50      float64 `json:"p50_us"`
	P99      float64 `json:"p99_us"`
	CPU      float64 `json:"cpu_us"`  // a request; -1: not known
	Allocs   float64 `json:"allocs"`  // a request; -1: not known
	Bytes    float64 `json:"bytes"`   // allocated a request; -1: not known
	RSS      float64 `json:"rss_mib"` // the most that was resident; -1: not known
}

// Primary is the cycle's one number: the routes' by weight.
func (c Cycle) Primary() float64 {
	sum, weights := 0.0, 0.0
	for _, r := range c.Routes {
		sum, weights = sum+r.X*r.Weight, weights+r.Weight
	}
	return sum / weights
}

// keptShare is how many of a block's times count: the faster ones. What a neighbour does to the others says nothing.
const keptShare = 0.75

// trimmed is the mean of the faster three quarters of times.
func trimmed(times []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(times))
	sorted = sorted[:max(1, int(math.Ceil(float64(len(sorted))*keptShare)))]
	return meanOf(sorted)
}

func meanOf(times []time.Duration) float64 {
	sum := 0.0
	for _, t := range times {
		sum += float64(t)
	}
	return sum / float64(len(times)) / float64(time.Microsecond)
}

// quantile of times, in microseconds.
func quantile(times []time.Duration, q float64) float64 {
	sorted := slices.Sorted(slices.Values(times))
	if len(sorted) == 0 {
		return 0
	}
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[i]) / float64(time.Microsecond)
}

// pairs are the times of one route, block by block.
type pairs struct {
	blocks [][2]float64
	now    [2][]time.Duration // the block that runs
	all    [2][]time.Duration
	name   string
	weight float64
}

// leastPairs is how many times of each server make a block.
const leastPairs = 8

func (p *pairs) add(arm int, took time.Duration) {
	p.now[arm] = append(p.now[arm], took)
	p.all[arm] = append(p.all[arm], took)
}

// end ends a block; one with too few times goes on.
func (p *pairs) end() {
	if len(p.now[0]) < leastPairs || len(p.now[1]) < leastPairs {
		return
	}
	p.blocks = append(p.blocks, [2]float64{trimmed(p.now[0]), trimmed(p.now[1])})
	p.now[0], p.now[1] = p.now[0][:0], p.now[1][:0]
}

func (p *pairs) route() Route {
	r := Route{Name: p.name, Weight: p.weight, Blocks: p.blocks}
	for _, b := range p.blocks {
		r.X += math.Log(b[1] / b[0])
	}
	r.X /= float64(len(p.blocks))
	for i, b := range r.Blocks { // what is kept of them says no more than they know
		r.Blocks[i] = [2]float64{tenths(b[0]), tenths(b[1])}
	}
	r.P50 = quantile(p.all[1], 0.5) / quantile(p.all[0], 0.5)
	r.P99 = quantile(p.all[1], 0.99) / quantile(p.all[0], 0.99)
	r.Mean = meanOf(p.all[1]) / meanOf(p.all[0])
	return r
}

func tenths(us float64) float64 { return math.Round(us*10) / 10 }
