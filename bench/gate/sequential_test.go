package gate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestOperatingCharacteristics holds the boundaries to what they are for: at most 1 in 100 fails at the tolerated ratio, at
// most 5 in 100 pass at the one to be caught, whatever the spread of cycles.
func TestOperatingCharacteristics(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const trials = 4000
	for _, spread := range []float64{0.003, 0.01, 0.02, 0.04} {
		for _, row := range []struct {
			slower, leastFail, mostFail, mostPass float64
		}{
			{0, 0, 0.005, 1},
			{0.01, 0, 0.013, 1},
			{0.05, 0.945, 1, 0.055},
			{0.10, 0.999, 1, 0.001},
		} {
			count := map[Verdict]float64{}
			for range trials {
				var x []float64
				for {
					x = append(x, math.Log1p(row.slower)+spread*random.NormFloat64())
					if d := decide(x, DefaultMargins()); d.Done {
						count[d.Verdict]++
						break
					}
				}
			}
			name := fmt.Sprintf("%+.0f %%, spread %.1f %%", row.slower*100, spread*100)
			assert.LessOrEqual(t, count[Fail]/trials, row.mostFail, name)
			assert.GreaterOrEqual(t, count[Fail]/trials, row.leastFail, name)
			assert.LessOrEqual(t, count[Pass]/trials, row.mostPass, name)
		}
	}
}

func TestDecide(t *testing.T) {
	same := func(n int, v float64) (x []float64) {
		for i := range n {
			x = append(x, v+1e-6*float64(i%2))
		}
		return x
	}
	for _, row := range []struct {
		name string
		x    []float64
		want Verdict
		done bool
	}{
		{"before the first look", same(4, 0), Inconclusive, false},
		{"between looks", same(6, 0), Inconclusive, false},
		{"as fast", same(5, 0), Pass, true},
		{"faster", same(5, -0.2), Pass, true},
		{"slower", same(5, 0.06), Fail, true},
		{"not a digit of difference", []float64{0, 0, 0, 0, 0}, Pass, true},
		{"wild", []float64{-0.5, 0.5, -0.5, 0.5, 0}, Inconclusive, false},
		{"wild to the end", append(same(12, -0.5), same(12, 0.5)...), Inconclusive, true},
	} {
		d := decide(row.x, DefaultMargins())
		assert.Equal(t, row.want, d.Verdict, row.name)
		assert.Equal(t, row.done, d.Done, row.name)
	}
	d := decide([]float64{math.Log(1.02), math.Log(1.04)}, DefaultMargins())
	assert.InDelta(t, 1.03, d.Ratio, 0.001)
	assert.Less(t, d.Low, d.Ratio)
	assert.Greater(t, d.High, d.Ratio)
}

func TestStudentAbove(t *testing.T) {
	for _, row := range []struct {
		t    float64
		df   int
		want float64
	}{{0, 4, 0.5}, {2.776, 4, 0.025}, {-2.776, 4, 0.975}, {3.747, 4, 0.01}, {1.711, 24, 0.05}, {12.706, 1, 0.025}} {
		assert.InDelta(t, row.want, studentAbove(row.t, row.df), 0.0001, "%v, %d degrees of freedom", row.t, row.df)
	}
}

func TestHolm(t *testing.T) {
	routes := []Compare{{P: 0.04}, {P: 0.01}, {P: 0.03}}
	holm(routes)
	assert.InDeltaSlice(t, []float64{0.06, 0.03, 0.06}, []float64{routes[0].P, routes[1].P, routes[2].P}, 1e-9)
}

func TestMargins(t *testing.T) {
	for _, bad := range []Margins{{-0.01, 0.05}, {0.05, 0.05}, {0.01, 0}, {math.NaN(), 0.05}, {0.01, math.Inf(1)}} {
		assert.ErrorContains(t, bad.Check(), "expected 0 <= tolerated < caught", "%v", bad)
	}
	assert.NoError(t, DefaultMargins().Check())
}
