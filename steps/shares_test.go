package steps_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps"
)

func TestStepsThatUseWhatAFileSharesSaySo(t *testing.T) {
	topics := map[string]bool{"mocks": true, "Redis": true, "cluster": true, "deploy": true, "channels": true, "statistics": true, "load": true}
	seen := map[string]bool{}
	for _, s := range steps.Table() {
		seen[s.Topic] = true
		want := topics[s.Topic] || s.Pattern == `the URL is invoked on server {n}`
		assert.Equal(t, want, s.Shares, "%s: %s", s.Topic, s.Pattern)
	}
	for topic := range topics {
		assert.True(t, seen[topic], topic)
	}
}
