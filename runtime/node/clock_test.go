package node

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClockOf(t *testing.T) {
	for _, row := range []struct {
		name, value string
		want        time.Duration
		fault       string
	}{
		{"none", "", 0, ""},
		{"of whoever reads it", "90s", 90 * time.Second, ""},
		{"of this one and another", "server1=1h, server2=-5m", -5 * time.Minute, ""},
		{"of another", "server1=1h", 0, ""},
		{"no time", "server1=soon", 0, `expected a time such as 90s, or server2=90s,server3=-5m, not "server1=soon"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv(clockVariable, row.value)
			now, off, err := clockOf("server2")
			if row.fault != "" {
				require.ErrorContains(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, off)
			assert.WithinDuration(t, time.Now().Add(row.want), now(), time.Second)
		})
	}
}
