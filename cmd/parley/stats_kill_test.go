package main_test

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// TestAKilledServerLosesTenSecondsAtMost kills a server by SIGKILL some 10 s after its last request, of which nobody asked for
// statistics in the meantime: all is there. Half of another save later what was counted since is what is lost, and no more.
func TestAKilledServerLosesTenSecondsAtMost(t *testing.T) {
	c := start(t, 1)
	bring(t, c, "channel_rest:\n  - {name: A, service: a, url_path: /a}\n", "a.star", "def handle(self):\n    self.response.payload = 1\n")
	ask := func(n int) {
		for range n {
			res, err := http.Get(c.ServerAddress(1) + "/a")
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Equal(t, http.StatusOK, res.StatusCode)
		}
	}
	// Saves are at each tenth second by the clock. What comes during one may be in the totals of that and in the minutes of the next.
	require.Eventually(t, func() bool { s := time.Now().Unix() % 10; return s >= 1 && s <= 5 }, time.Minute, 50*time.Millisecond)
	ask(7)
	asked := time.Now()
	require.Eventually(t, func() bool { return savedCount(t, filepath.Join(c.Dir(), "stats.db"), "a") == 7 }, time.Minute, 20*time.Millisecond)
	took := time.Since(asked)
	assert.Less(t, took, 30*time.Second, "10 s, and what a busy machine adds")
	ask(2) // these are not saved yet
	require.NoError(t, c.Kill(t.Context(), 1))
	require.NoError(t, c.StartServer(t.Context(), 1))
	ask(1)
	var out struct {
		Items []struct{ Usage int64 }
	}
	cli := newCLI(t)
	cli.dir = c.Dir()
	require.Eventually(t, func() bool { // the one behind the kill may be counted a moment later
		stdout, stderr, code := cli.run("stats", "summary", "a", "--last", "hour", "--output", "json")
		require.Zero(t, code, stderr)
		require.NoError(t, json.Unmarshal([]byte(stdout), &out))
		require.Len(t, out.Items, 1)
		return out.Items[0].Usage >= 8
	}, time.Minute, 100*time.Millisecond)
	assert.Contains(t, []int64{8, 9, 10}, out.Items[0].Usage, "more than 8 where a save came between the requests and the kill")
	t.Logf("saved %s after the requests; %d of 10 are there after the kill", took.Round(time.Millisecond), out.Items[0].Usage)
}

// savedCount is how many requests of a service the file has, as any reader of it sees.
func savedCount(t *testing.T, path, service string) int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var raw []byte
	if err := db.QueryRowContext(t.Context(), "SELECT stats FROM stats WHERE service = $1", service).Scan(&raw); err != nil {
		return 0
	}
	var one struct{ Count int }
	require.NoError(t, json.Unmarshal(raw, &one))
	return one.Count
}
