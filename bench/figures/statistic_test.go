package figures

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestQuantile(t *testing.T) {
	hundred := make([]float64, 200)
	for i := range hundred {
		hundred[i] = float64(200 - i) // 200 down to 1: the order given does not matter
	}
	for _, row := range []struct {
		name   string
		values []float64
		q      float64
		want   float64
	}{
		{"p99 of 200 is the 198th", hundred, 0.99, 198},
		{"median of an even number", hundred, 0.5, 100.5},
		{"median of an odd number", []float64{3, 1, 2}, 0.5, 2},
		{"lowest", []float64{3, 1, 2}, 0, 1},
		{"highest", []float64{3, 1, 2}, 1, 3},
		{"one", []float64{7}, 0.99, 7},
	} {
		t.Run(row.name, func(t *testing.T) { assert.InDelta(t, row.want, Quantile(row.values, row.q), 0) })
	}
	assert.True(t, math.IsNaN(Quantile(nil, 0.5)))
	values := []float64{2, 1}
	Quantile(values, 0.5)
	assert.Equal(t, []float64{2, 1}, values, "what is given stays in its order")
}

func TestRatios(t *testing.T) {
	assert.Equal(t, []float64{2, 0.5}, Ratios([]float64{4, 1, 9}, []float64{2, 2}))
	assert.Empty(t, Ratios(nil, []float64{1}))
}
