package locked_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/internal/locked"
)

func TestBuffer(t *testing.T) {
	var b locked.Buffer
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				_, _ = fmt.Fprintln(&b, "a line")
				_ = b.String()
			}
		})
	}
	all.Wait()
	assert.Equal(t, 400, b.Count("a line\n"))
	assert.Len(t, b.String(), 400*len("a line\n"))
}
