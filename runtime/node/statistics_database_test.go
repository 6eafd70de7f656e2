package node_test

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/folder"
)

// TestStatisticsInADatabaseOfTheirOwn has them in a PostgreSQL that nothing else is in. Without it services are answered as before, and the
// catalog can be changed.
func TestStatisticsInADatabaseOfTheirOwn(t *testing.T) {
	p, err := fixtures.StartPostgres(t.Context(), "")
	if errors.Is(err, fixtures.ErrNoPostgres) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "postgres") {
		t.Skip(err)
	}
	require.NoError(t, err)
	closed := false
	t.Cleanup(func() {
		if !closed {
			require.NoError(t, p.Close())
		}
	})
	g, _ := statsGround(t, func(c *folder.Cluster) { c.Statistics.Database = p.URL() })
	status, _, body := g.ask("server1", "/outer")
	require.Equal(t, http.StatusOK, status, body)
	var out ranks
	require.Eventually(t, func() bool {
		require.NoError(t, g.call("server2", "parley.stats.slowest", map[string]any{}, &out))
		return len(out.Items) == 2
	}, time.Minute, 50*time.Millisecond)
	assert.EqualValues(t, 2, out.AllUsage)
	assert.NoFileExists(t, g.folder.StatsDB())

	require.NoError(t, p.Close())
	closed = true
	status, _, body = g.ask("server1", "/outer")
	require.Equal(t, http.StatusOK, status, body)
	require.NoError(t, g.define("channel_rest:\n  - {name: Again, service: stats.outer, url_path: /again}\n"))
	status, _, body = g.ask("server1", "/again")
	require.Equal(t, http.StatusOK, status, body)
}
