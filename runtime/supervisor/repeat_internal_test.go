package supervisor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRepeatSaysWhatIsWrongOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := []error{errors.New("a"), errors.New("a"), nil, errors.New("a"), errors.New("b"), errors.New("b")}
		ctx, cancel := context.WithCancel(t.Context())
		var said []string
		began := time.Now()
		repeat(ctx, time.Second, func(context.Context) error {
			if len(faults) == 0 {
				cancel()
				return ctx.Err() // of the end nobody is told
			}
			fault := faults[0]
			faults = faults[1:]
			return fault
		}, func(err error) { said = append(said, err.Error()) })
		assert.Equal(t, []string{"a", "a", "b"}, said)
		assert.Equal(t, 7*time.Second, time.Since(began))
	})
}
