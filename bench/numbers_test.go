package bench

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNumbersTakeNoMemoryWhereAllAreIn adds the numbers of a long run in the order in which replies come: nearly theirs.
func TestNumbersTakeNoMemoryWhereAllAreIn(t *testing.T) {
	s, count := newNumbers(), 20*pageBits
	assert.False(t, s.has(7))
	random := rand.New(rand.NewPCG(1, 2))
	for at := 0; at < count; at += 1000 {
		for _, i := range random.Perm(min(1000, count-at)) {
			require.True(t, s.add(at+i))
		}
		require.LessOrEqual(t, len(s.pages), 2)
	}
	assert.Empty(t, s.pages)
	for _, n := range []int{0, 1, pageBits - 1, pageBits, count - 1} {
		assert.True(t, s.has(n))
		assert.False(t, s.add(n), "it is in already")
	}
	assert.False(t, s.has(count))
	assert.True(t, s.add(count+5))
	assert.False(t, s.has(count+4), "a page is used again empty")
	assert.True(t, s.has(count+5))
}

func TestBadTimes(t *testing.T) {
	b := badTimes{}
	for _, at := range []float64{1, 1.05, 1.5, 4, 9, 9.02} {
		b.add(inSeconds(at))
	}
	for name, row := range map[string]struct {
		event, next, end float64
		want             *Impact
	}{
		"until three seconds were clean": {1, 20, 20, &Impact{Bad: 4, First: 0, Recovery: 3, Recovered: true}},
		"from its own time on":           {1.2, 20, 20, &Impact{Bad: 2, First: 0.3, Recovery: 2.8, Recovered: true}},
		"not before the end":             {8, 11, 11, &Impact{Bad: 2, First: 1, Recovery: 1.02}},
		"past the next event":            {1, 1.5, 20, &Impact{Bad: 4, First: 0, Recovery: 3, Recovered: true}},
		"what is of the next event":      {8, 8.9, 20, nil},
		"nothing soon after it":          {5, 20, 20, nil},
		"nothing at all":                 {10, 20, 20, nil},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, row.want, b.after(inSeconds(row.event), inSeconds(row.next), inSeconds(row.end)))
		})
	}
}

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
