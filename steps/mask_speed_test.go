package steps_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps"
)

// A run may meet a new secret in each of its scenarios: the time for one must not grow with those there are.
func TestManySecretsAreMaskedInTime(t *testing.T) {
	m := &steps.Mask{}
	began := time.Now()
	for i := range 10_000 {
		secret := fmt.Sprintf("eyJhbGciOi%06d.a-long-token", i*7919%1_000_003)
		m.Add("token", secret)
		if i%10 == 0 {
			assert.Equal(t, "Authorization: Bearer *** eyJhbGci", m.Text("Authorization: Bearer "+secret+" eyJhbGci"))
		}
	}
	assert.Less(t, time.Since(began), 90*time.Second) // far more than it takes; building all anew each time takes minutes
	t.Log(time.Since(began))
}
