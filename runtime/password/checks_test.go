package password_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/password"
)

func TestTwoChecksOfPasswordsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		var now, most, all atomic.Int64
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				right, err := p.Do(t.Context(), func() bool {
					if n := now.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(time.Second)
					now.Add(-1)
					all.Add(1)
					return false
				}, "admin", fmt.Sprint(i))
				assert.NoError(t, err)
				assert.False(t, right)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 2, most.Load())
		assert.EqualValues(t, 60, all.Load())
	})
}

func TestRightPasswordIsCheckedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		worked := 0
		check := func(answer bool, parts ...string) bool {
			right, err := p.Do(t.Context(), func() bool {
				worked++
				return answer
			}, parts...)
			assert.NoError(t, err)
			return right
		}
		for range 5 {
			assert.True(t, check(true, "admin", "right", "hash"))
		}
		assert.Equal(t, 1, worked)
		for _, parts := range [][]string{{"admin", "wrong", "hash"}, {"root", "right", "hash"}, {"admin", "right", "hash 2"}, {"adminr", "ight", "hash"}} {
			assert.False(t, check(false, parts...))
		}
		assert.Equal(t, 5, worked, "all else is work")
		assert.True(t, check(true, "admin", "right", "hash"))
		assert.Equal(t, 5, worked, "and leaves what was right")
		time.Sleep(61 * time.Second)
		assert.True(t, check(true, "admin", "right", "hash"))
		assert.Equal(t, 6, worked)
	})
}

func TestChecksBeyondTheQueueAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		var refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				_, err := p.Do(t.Context(), wrongAfter(time.Second), fmt.Sprint(i))
				if errors.Is(err, password.ErrBusy) {
					refused.Add(1)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 500-66, refused.Load())
	})
}

// TestOneAddressLeavesRoomForOthers: hundreds of guesses for hundreds of users, from one address, keep nobody out who asks from
// another one.
func TestOneAddressLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		var refused atomic.Int64
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				user := fmt.Sprint(i)
				_, err := p.DoFor(t.Context(), password.Who{User: []string{user}, From: "10.0.0.1"}, wrongAfter(time.Second), user)
				if errors.Is(err, password.ErrBusy) {
					refused.Add(1)
				}
			})
		}
		synctest.Wait()
		assert.EqualValues(t, 500-16, refused.Load())
		right, err := p.DoFor(t.Context(), password.Who{User: []string{"joe"}, From: "10.0.0.2"}, func() bool { return true }, "joe", "right")
		require.NoError(t, err)
		assert.True(t, right)
		wg.Wait()
		_, err = p.DoFor(t.Context(), password.Who{From: "10.0.0.1"}, func() bool { return true }, "jim")
		assert.NoError(t, err, "its places are free again")
	})
}

func TestSamePasswordAtOnceIsCheckedOnce(t *testing.T) {
	for _, answer := range []bool{true, false} {
		t.Run(fmt.Sprint(answer), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p password.Checks
				var worked, same atomic.Int64
				var wg sync.WaitGroup
				for range 500 {
					wg.Go(func() {
						right, err := p.DoFor(t.Context(), password.Who{User: []string{"joe"}, From: "10.0.0.1"}, func() bool {
							worked.Add(1)
							time.Sleep(time.Second)
							return answer
						}, "joe", "password")
						assert.NoError(t, err)
						if right == answer {
							same.Add(1)
						}
					})
				}
				wg.Wait()
				assert.EqualValues(t, 1, worked.Load())
				assert.EqualValues(t, 500, same.Load())
			})
		})
	}
}

// TestWhoAsksTheSameDoesNotLeaveWithTheFirst: the first one's request ends while it waits.
func TestWhoAsksTheSameDoesNotLeaveWithTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() { _, _ = p.Do(t.Context(), wrongAfter(time.Minute), fmt.Sprint(i)) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wg.Go(func() {
			_, err := p.Do(ctx, func() bool { return true }, "same")
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
		synctest.Wait()
		right, err := p.Do(t.Context(), func() bool { return true }, "same")
		require.NoError(t, err)
		assert.True(t, right)
		wg.Wait()
	})
}

func TestACheckThatPanicsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		assert.Panics(t, func() { _, _ = p.Do(t.Context(), func() bool { panic("broken") }, "joe") })
		right, err := p.Do(t.Context(), func() bool { return true }, "joe")
		require.NoError(t, err)
		assert.True(t, right)
	})
}

func TestAWaitingCheckEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() { _, _ = p.Do(t.Context(), wrongAfter(time.Minute), fmt.Sprint(i)) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.Do(ctx, func() bool { return true }, "late")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		wg.Wait()
	})
}

func TestHash(t *testing.T) {
	h := password.New("s3cret")
	assert.True(t, h.Matches("s3cret"))
	assert.False(t, h.Matches("s3cre"))
	assert.NotEqual(t, h.String(), password.New("s3cret").String(), "the salt is random")
	again, err := password.Parse(h.String())
	require.NoError(t, err)
	assert.Equal(t, h, again)
	assert.Equal(t, password.Salted("a", []byte("12345678")).String(), password.Salted("a", []byte("12345678")).String())
	for _, text := range []string{
		"", "s3cret", "$argon2i$v=19$m=8,t=1,p=1$MTIzNDU2Nzg$MTIzNDU2NzgxMjM0NTY3OA", "$argon2id$v=19$m=99999999,t=1,p=1$MTIzNDU2Nzg$MTIzNDU2NzgxMjM0NTY3OA",
		"$argon2id$v=19$m=8,t=1,p=1$MTIz$MTIzNDU2NzgxMjM0NTY3OA", "$argon2id$v=19$m=8,t=1,p=1$MTIzNDU2Nzg$MTIz",
	} {
		_, err := password.Parse(text)
		assert.Error(t, err, text)
	}
}

// wrongAfter is a check that takes so long, of the bubble's time, and fails.
func wrongAfter(d time.Duration) func() bool {
	return func() bool {
		time.Sleep(d)
		return false
	}
}
