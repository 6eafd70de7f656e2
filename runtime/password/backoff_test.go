package password_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/password"
)

// try checks a password of who, and says how long it must wait.
func try(t *testing.T, p *password.Checks, right bool, given string, who ...string) (answer bool, wait time.Duration) {
	t.Helper()
	answer, err := p.DoFor(t.Context(), password.Who{User: who}, func() bool { return right }, append(who, given)...)
	var soon *password.TooSoonError
	if errors.As(err, &soon) {
		return answer, soon.Wait
	}
	require.NoError(t, err)
	return answer, 0
}

func TestEachFurtherWrongPasswordWaitsTwiceAsLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		wrong := func(who ...string) time.Duration {
			_, wait := try(t, &p, false, "wrong", who...)
			return wait
		}
		for range 6 {
			assert.Zero(t, wrong("Basic", "joe", "10.0.0.1"))
		}
		for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
			assert.Equal(t, wait*time.Second, wrong("Basic", "joe", "10.0.0.1"))
			_, until := try(t, &p, true, "right", "Basic", "joe", "10.0.0.1")
			assert.Equal(t, wait*time.Second, until, "a right one waits too: nobody can know before")
			time.Sleep(wait * time.Second)
			assert.Zero(t, wrong("Basic", "joe", "10.0.0.1"))
		}
		for _, other := range [][]string{{"Basic", "jim", "10.0.0.1"}, {"Basic", "joe", "10.0.0.2"}, {"Other", "joe", "10.0.0.1"}} {
			answer, wait := try(t, &p, true, "right", other...)
			assert.True(t, answer, other)
			assert.Zero(t, wait)
		}
		time.Sleep(5 * time.Minute)
		answer, _ := try(t, &p, true, "right", "Basic", "joe", "10.0.0.1")
		assert.True(t, answer)
		for range 6 {
			assert.Zero(t, wrong("Basic", "joe", "10.0.0.1"), "a right one ends it")
		}
		answer, wait := try(t, &p, true, "right", "Basic", "joe", "10.0.0.1")
		assert.True(t, answer, "what was right within the minute is right while others guess")
		assert.Zero(t, wait)
		assert.NotZero(t, wrong("Basic", "joe", "10.0.0.1"))
		time.Sleep(15 * time.Minute)
		for range 6 {
			assert.Zero(t, wrong("Basic", "joe", "10.0.0.1"), "forgotten")
		}
	})
}

func TestManyAtOnceAreNotMoreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		var mu sync.Mutex
		worked, refused := 0, 0
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				_, err := p.DoFor(t.Context(), password.Who{User: []string{"joe"}}, func() bool {
					time.Sleep(10 * time.Millisecond)
					mu.Lock()
					worked++
					mu.Unlock()
					return false
				}, fmt.Sprint(i))
				if err != nil {
					mu.Lock()
					refused++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		assert.LessOrEqual(t, worked, 7, "and one that was worked on beside the sixth")
		assert.Equal(t, 60, worked+refused)
	})
}

func TestWhoFailedIsRememberedWithinBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p password.Checks
		for range 6 {
			try(t, &p, false, "wrong", "the last one")
		}
		for i := range 30_000 {
			try(t, &p, false, "wrong", fmt.Sprint(i))
		}
		assert.LessOrEqual(t, p.Failed(), 10_000)
		assert.GreaterOrEqual(t, p.Failed(), 9_000)
	})
}
