package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWhatAFollowerCannotRun lets an object come to be in the catalog that no server here can run, as one of another
// release might have put it there: it is left out and named, and the rest goes on.
func TestWhatAFollowerCannotRun(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	all := machines(t, p, p.URL(), 2)
	base := converge(t, all)
	psql(t, p, fmt.Sprintf(`BEGIN;
UPDATE cluster SET revision = revision + 1, mark = 'other';
INSERT INTO objects (kind, name, spec, hash, revision) VALUES ('service_file', 'bad.star', convert_to('{"source": "def handle(self:\n"}', 'UTF8'), '', %[1]d), ('kind_of_the_next', 'x', '{}', '', %[1]d);
INSERT INTO audit (revision, who, what, at, mark) VALUES (%[1]d, 'another', 'put them', 0, 'other');
COMMIT`, base.Revision+1))
	end := load(t, all)
	require.Eventually(t, func() bool { return converge(t, all).Revision == base.Revision+1 }, time.Minute, 50*time.Millisecond)
	for _, m := range all {
		other := map[string]string{"north1": "north2", "north2": "north1"}[m.name]
		require.Eventually(t, func() bool { return strings.Contains(m.ok("status"), "  "+other+" does not run service_file bad.star") }, time.Minute, 50*time.Millisecond)
		said := m.ok("status")
		assert.Regexp(t, m.name+` does not run service_file bad\.star: bad\.star:1:`, said)
		assert.Contains(t, said, m.name+" does not run kind_of_the_next x: ")
		assert.NotContains(t, said, "other content")
	}
	require.NoError(t, all[1].deploy(5), "the rest may change")
	assert.Equal(t, "5", must(t, all[0].asks))
	_, err := all[0].deployFile("bad.star", "def handle(self):\n    pass\n")
	require.NoError(t, err)
	converge(t, all)
	assert.NotContains(t, all[1].ok("status"), "bad.star")
	end()
}

func must(t *testing.T, asks func() (string, error)) string {
	t.Helper()
	got, err := asks()
	require.NoError(t, err)
	return got
}

// TestServersThatDiffer changes the database by hand, behind the servers' backs: one that starts then serves other content
// than the rest at the same revision, which parley status says, and a restart of the others mends.
func TestServersThatDiffer(t *testing.T) {
	t.Parallel()
	p := startPostgres(t)
	all := machines(t, p, p.URL(), 3)
	base := converge(t, all)
	assert.NotContains(t, all[0].ok("status"), "other content")
	psql(t, p, `UPDATE objects SET spec = convert_to(replace(convert_from(spec, 'UTF8'), 'payload = 0', 'payload = 9'), 'UTF8') WHERE name = 'counter.star'`)
	all[2].ok("stop")
	all[2].start()
	assert.Equal(t, "9", must(t, all[2].asks))
	for _, m := range all {
		want := fmt.Sprintf("  north3: other content than north1, north2 at revision %d; restart it with parley stop and parley start", base.Revision)
		require.Eventually(t, func() bool { return strings.Contains(m.ok("status"), want) }, time.Minute, 50*time.Millisecond, want)
	}
	for _, m := range all[:2] {
		m.ok("stop")
		m.start()
		assert.Equal(t, "9", must(t, m.asks))
	}
	converge(t, all)
	assert.NotContains(t, all[0].ok("status"), "other content")
}
