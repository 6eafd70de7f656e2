package rest_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/runtime/channel/rest"
)

const ownWeight = 512 // of a reply beside its bytes

func TestWhatIsAskedForStays(t *testing.T) {
	now := time.Now()
	k := rest.NewKept(time.Hour, 4*(ownWeight+100))
	for key := range byte(4) {
		k.Put(key, 100, now)
	}
	assert.Equal(t, 100, k.Get(0, now))
	assert.Equal(t, 100, k.Get(2, now))
	k.Put(4, 100, now) // drops 1
	k.Put(5, 100, now) // drops 3
	for key, want := range []int{100, -1, 100, -1, 100, 100} {
		assert.Equal(t, want, k.Get(byte(key), now), "%d", key)
	}
	n, weight := k.Holds()
	assert.Equal(t, 4, n)
	assert.Equal(t, int64(4*(ownWeight+100)), weight)
}

func TestWhatIsOnlyAskedForOnceGoesInTheEnd(t *testing.T) {
	now := time.Now()
	k := rest.NewKept(time.Hour, 2*(ownWeight+100))
	k.Put(0, 100, now)
	assert.Equal(t, 100, k.Get(0, now))
	for key := byte(1); key < 100; key++ {
		k.Put(key, 100, now)
	}
	assert.Equal(t, -1, k.Get(0, now))
	assert.Equal(t, 100, k.Get(99, now))
}

func TestWhatHasExpiredIsGone(t *testing.T) {
	now := time.Now()
	k := rest.NewKept(time.Minute, 1<<20)
	k.Put(0, 1, now)
	k.Put(1, 1, now.Add(30*time.Second))
	assert.Equal(t, 1, k.Get(0, now.Add(time.Minute-1)))
	assert.Equal(t, -1, k.Get(0, now.Add(time.Minute)))
	assert.Equal(t, 1, k.Get(1, now.Add(time.Minute)))
	k.Put(2, 1, now.Add(70*time.Second)) // drops 0, though there is room
	n, _ := k.Holds()
	assert.Equal(t, 2, n)
}

func TestOneReplyOfAKey(t *testing.T) {
	now := time.Now()
	k := rest.NewKept(time.Minute, 1000)
	k.Put(0, 1, now)
	k.Put(0, 2, now.Add(time.Second))
	assert.Equal(t, 2, k.Get(0, now.Add(time.Minute)), "its time begins anew")
	n, weight := k.Holds()
	assert.Equal(t, 1, n)
	assert.Equal(t, int64(ownWeight+2), weight)
	k.Put(0, 1000, now.Add(time.Second))
	assert.Equal(t, -1, k.Get(0, now.Add(time.Second)), "it is too large, and the one before is old")
}

func TestKeptRepliesAtOnce(t *testing.T) {
	const limit = 20 * (ownWeight + 100)
	k := rest.NewKept(time.Microsecond, limit)
	var group sync.WaitGroup
	for g := range uint64(4) {
		group.Go(func() {
			random := rand.New(rand.NewPCG(g, 1))
			for range 20_000 {
				key, size := byte(random.IntN(64)), random.IntN(200)
				if random.IntN(3) == 0 {
					k.Put(key, size, time.Now())
				} else if got := k.Get(key, time.Now()); got > 199 {
					t.Errorf("%d", got)
				}
			}
		})
	}
	group.Wait()
	n, weight := k.Holds()
	assert.LessOrEqual(t, weight, int64(limit))
	assert.LessOrEqual(t, int64(n*ownWeight), weight)
}
