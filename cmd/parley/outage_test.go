package main_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

// deployDeadline is how long a deployment may take to say what became of it, whatever the database does: 25 s, and what a busy
// machine adds.
const deployDeadline = 25*time.Second + 20*time.Second

// TestOutagesOfPostgres restarts, kills and stops PostgreSQL again and again under requests and deployments: no request
// fails, no deployment that was acknowledged is lost, none that said it was not made is there, and all servers end alike.
func TestOutagesOfPostgres(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	all := machines(t, p, p.PasswordURL(), 3)
	end := load(t, all)
	stall := fixtures.Lasting("stall", 5*time.Second)
	acknowledged, possible := 0, map[int]bool{0: true}
	version, said := 0, map[string]int{}
	deploy := func(m *machine) error {
		version++
		start := time.Now()
		err := m.deploy(version)
		took := time.Since(start)
		assert.Less(t, took, deployDeadline, "%v", err)
		if err != nil {
			said[fmt.Sprintf("after %.0f s: %v", took.Seconds(), err)]++
		}
		switch {
		case err == nil:
			acknowledged, possible = version, map[int]bool{version: true}
		case strings.Contains(err.Error(), "nothing was changed"):
		default:
			possible[version] = true // it may be there
		}
		return err
	}
	for round := range fixtures.Times("F6", 10) {
		faults := []struct {
			name    string
			happens func() error
			mend    func() error
			lasts   time.Duration
		}{
			{"a planned restart", p.Stop, func() error { return p.Start(t.Context()) }, 0},
			{"a crash", p.Kill, func() error { return p.Start(t.Context()) }, 0},
			{"a longer outage", p.Kill, func() error { return p.Start(t.Context()) }, time.Second},
			{"a stall", p.Pause, p.Continue, stall},
		}
		fault := faults[round%len(faults)]
		t.Logf("round %d: %s", round+1, fault.name)
		busy, mended := make(chan struct{}), make(chan struct{})
		go func() { // deployments go on through it all
			defer close(busy)
			for {
				_ = deploy(all[round%3])
				select {
				case <-mended:
					return
				case <-time.After(2 * time.Millisecond):
				}
			}
		}()
		wait(t, 50*time.Millisecond)
		require.NoError(t, fault.happens())
		if fault.lasts > 0 {
			wait(t, fault.lasts)
		}
		require.NoError(t, fault.mend())
		close(mended)
		<-busy
		converge(t, all)
		got, err := all[0].asks()
		require.NoError(t, err)
		n, err := strconv.Atoi(got)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, n, acknowledged, "an acknowledged deployment is lost")
		assert.True(t, possible[n], "%d serves, of which it was said that nothing was changed", n)
		require.NoError(t, deploy(all[(round+1)%3]), "the next deployment is made")
		converge(t, all)
	}
	t.Logf("%d requests, none failed; %d deployments tried, of which were refused:", end(), version)
	for _, what := range slices.Sorted(maps.Keys(said)) {
		t.Logf("  %d times, %s", said[what], what)
	}
	assertNoPassword(t, all)
	var connections int
	rows := psql(t, p, "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'parley' AND pid <> pg_backend_pid()")
	_, err := fmt.Sscan(rows, &connections)
	require.NoError(t, err)
	assert.LessOrEqual(t, connections, 3*(8+2), "8 of each server, 2 of each machine's supervisor")
}

// psql runs a statement in p by PostgreSQL's own client.
func psql(t *testing.T, p *fixtures.Postgres, statement string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(p.Programs(), "psql"), "--no-psqlrc", "-Atc", statement, p.URL()).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

// assertNoPassword looks for the database's password in all that the machines wrote but cluster.yaml.
func assertNoPassword(t *testing.T, all []*machine) {
	t.Helper()
	for _, m := range all {
		require.NoError(t, filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || d.Name() == "cluster.yaml" {
				return err
			}
			raw, err := os.ReadFile(path)
			for _, secret := range []string{"open sesame", "open%20sesame"} {
				assert.NotContains(t, string(raw), secret, path)
			}
			return err
		}))
		assert.NotContains(t, m.ok("status"), "sesame")
	}
}

// TestADeploymentInAnOutage says what a user sees.
func TestADeploymentInAnOutage(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	all := machines(t, p, p.URL(), 2)
	m := all[0]
	file := m.file("counter.star", "def handle(self):\n    self.response.payload = 7\n")
	require.NoError(t, p.Stop())
	_, stderr, code := m.run("deploy", file)
	assert.Equal(t, 1, code)
	assert.Equal(t, "parley: catalog: the database "+m.link.Listen+"/parley cannot be used: it closed the connection; "+
		"nothing was changed, and what is deployed serves on; try again when the database is back\n", stderr)
	got, err := m.asks()
	require.NoError(t, err)
	assert.Equal(t, "0", got)
	require.Eventually(t, func() bool {
		return strings.Contains(m.ok("status"), "north1 cannot follow the catalog: catalog: the database "+m.link.Listen+"/parley cannot be used: it closed the connection")
	}, time.Minute, 100*time.Millisecond)
	assert.Contains(t, m.ok("services"), "counter", "what is deployed is listed")
	assert.Contains(t, m.ok("stats"), "counter")

	m.ok("stop")
	m.start()
	got, err = m.asks()
	require.NoError(t, err, "a server that starts meanwhile serves what it kept")
	assert.Equal(t, "0", got)
	require.Eventually(t, func() bool { return strings.Contains(m.ok("status"), "north1 cannot follow the catalog: ") }, time.Minute, 100*time.Millisecond)
	_, stderr, code = m.run("deploy", file)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "nothing was changed, and what is deployed serves on; try again when the database is back")

	m.ok("stop")
	require.NoError(t, os.WriteFile(m.f.SnapshotFile(m.name), []byte("garbage"), 0o600))
	_, stderr, code = m.run("start", "--no-restart")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, m.f.SnapshotFile(m.name)+": the file is damaged")
	assert.Contains(t, stderr, "this server starts when the database is back; servers that run serve on")

	require.NoError(t, p.Start(t.Context()))
	m.start()
	require.NoError(t, all[1].deploy(8))
	converge(t, all)
	got, err = m.asks()
	require.NoError(t, err)
	assert.Equal(t, "8", got)
}

// TestAServerThatIsCutOff cuts one machine off from the database, in two ways, and lets it back.
func TestAServerThatIsCutOff(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	all := machines(t, p, p.URL(), 3)
	away := all[1]
	cut := fixtures.Lasting("cut", 8*time.Second)
	for round := range fixtures.Times("F8", 2) {
		black := round%2 == 1
		t.Run(fmt.Sprintf("round %d, black hole %v", round+1, black), func(t *testing.T) {
			end := load(t, all)
			before := converge(t, all).Revision
			if black {
				for _, way := range []string{"upstream", "downstream"} {
					_, err := away.link.Toxics.AddToxicJson(strings.NewReader(
						fmt.Sprintf(`{"name": %q, "type": "timeout", "stream": %q, "attributes": {"timeout": 0}}`, way, way)))
					require.NoError(t, err)
				}
				assert.IsType(t, &toxics.TimeoutToxic{}, away.link.Toxics.GetToxic("upstream").Toxic)
			} else {
				away.link.Stop()
			}
			start := time.Now()
			n := 100 * (round + 1)
			stdout, stderr, code := all[0].run("deploy", all[0].file("counter.star", fmt.Sprintf("def handle(self):\n    self.response.payload = %d\n", n)))
			if code != 0 { // north2 still counted
				assert.Equal(t, "parley: not served by north2\n", stderr)
				assert.Contains(t, stdout, "north2  does NOT serve it: lagging: it is at revision")
			}
			assert.Less(t, time.Since(start), deployDeadline)
			err := away.deploy(n + 1)
			require.ErrorContains(t, err, "the database "+away.link.Listen+"/parley cannot be used: ")
			require.ErrorContains(t, err, "nothing was changed")
			wait(t, cut-time.Since(start))
			require.NoError(t, all[2].deploy(n+2), "whoever is silent does not count")
			require.Eventually(t, func() bool { return strings.Contains(all[0].ok("status"), "north2     silent") }, time.Minute, 100*time.Millisecond)
			got, err := away.asks()
			require.NoError(t, err, "it serves on")
			assert.NotEqual(t, strconv.Itoa(n+2), got)
			if black {
				require.NoError(t, away.link.Toxics.RemoveToxic(t.Context(), "upstream"))
				require.NoError(t, away.link.Toxics.RemoveToxic(t.Context(), "downstream"))
			} else {
				require.NoError(t, away.link.Start())
			}
			assert.Equal(t, before+2, converge(t, all).Revision)
			got, err = away.asks()
			require.NoError(t, err)
			assert.Equal(t, strconv.Itoa(n+2), got)
			require.NoError(t, away.deploy(n+3), "and changes again")
			end()
		})
	}
}

// TestADatabaseThatIsRestored restores an older backup while servers run: they refuse it until an operator accepts.
func TestADatabaseThatIsRestored(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	all := machines(t, p, p.URL(), 2)
	require.NoError(t, all[0].deploy(1))
	backup := filepath.Join(t.TempDir(), "parley.dump")
	for round := range fixtures.Times("F17", 1) {
		base := 10 * (round + 1)
		require.NoError(t, all[0].deploy(base))
		before := converge(t, all)
		program(t, p, "pg_dump", "--format=custom", "--file="+backup, p.URL())
		require.NoError(t, all[0].deploy(base+1))
		require.NoError(t, all[1].deploy(base+2))
		newest := converge(t, all)
		end := load(t, all)
		program(t, p, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname="+p.URL(), backup)
		for _, m := range all {
			require.Eventually(t, func() bool {
				return strings.Contains(m.ok("status"), "was restored or replaced: it is at revision "+strconv.FormatInt(before.Revision, 10)+
					", this server at "+strconv.FormatInt(newest.Revision, 10)+"; if that is on purpose, say so with: parley catalog accept-restore")
			}, time.Minute, 100*time.Millisecond, "%s", m.name)
			got, err := m.asks()
			require.NoError(t, err)
			assert.Equal(t, strconv.Itoa(base+2), got, "what servers know serves on")
			_, stderr, code := m.run("deploy", m.file("counter.star", "def handle(self):\n    pass\n"))
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "parley catalog accept-restore")
		}
		assert.Contains(t, all[1].ok("catalog", "accept-restore"), "The database is accepted as it is, at revision "+strconv.FormatInt(newest.Revision+1, 10))
		after := converge(t, all)
		assert.Equal(t, newest.Revision+1, after.Revision)
		assert.Equal(t, before.Hash, after.Hash, "what the backup held")
		for _, m := range all {
			got, err := m.asks()
			require.NoError(t, err)
			assert.Equal(t, strconv.Itoa(base), got)
		}
		_, stderr, code := all[0].run("catalog", "accept-restore")
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, "there is nothing to accept")
		require.NoError(t, all[0].deploy(base+3))
		end()
	}
}

// program runs one of PostgreSQL's programs.
func program(t *testing.T, p *fixtures.Postgres, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(p.Programs(), name), args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
}
