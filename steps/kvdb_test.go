package steps_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// onRedis runs steps against the Redis of a URL, and gives what became of the scenario and what its failures say.
func onRedis(t *testing.T, url, lines string) (*report.Scenario, string) {
	t.Helper()
	t.Setenv("REDIS", url)
	done, err := run.Features(t.Context(), run.Options{
		Paths: []string{"redis.feature"}, Steps: steps.Options{},
		FS: fstest.MapFS{"redis.feature": {Data: []byte("Feature: Redis\n  Scenario: one\n    Given Redis \"$REDIS\"\n" + lines)}},
	})
	require.NoError(t, err)
	scenario := done.Features[0].Scenarios[0]
	var said []string
	for _, s := range scenario.Steps {
		if s.Failure != nil {
			said = append(said, s.Failure.Text())
		}
	}
	return scenario, strings.Join(said, "\n")
}

func TestRedisStepsOnEveryForm(t *testing.T) {
	const lines = `    Given the Redis list "l" holds "A,B"
    And the Redis key "k" is "7"
    Then the Redis list "l" holds "A,B"
    And the Redis list "l" has 2 elements
    And the Redis key "k" is "7"
    And the Redis key "none" does not exist
`
	check := func(t *testing.T, url string) {
		t.Helper()
		scenario, said := onRedis(t, url, lines)
		assert.Equal(t, report.Passed, scenario.Status, said)
	}
	installed := func(t *testing.T, err error) {
		t.Helper()
		if errors.Is(err, fixtures.ErrNoRedis) && !slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "redis") {
			t.Skip(err)
		}
		require.NoError(t, err)
	}
	t.Run("TLS and a user", func(t *testing.T) {
		r, err := fixtures.StartRedis(t.Context(), fixtures.RedisSpec{TLS: true, User: "alice", Password: "s3cret"})
		installed(t, err)
		t.Cleanup(func() { _ = r.Close() })
		check(t, r.URL())
	})
	t.Run("sentinels", func(t *testing.T) {
		s, err := fixtures.StartRedisSentinel(t.Context(), fixtures.SentinelSpec{Replicas: 1, Sentinels: 1})
		installed(t, err)
		t.Cleanup(func() { _ = s.Close() })
		check(t, s.URL())
	})
	t.Run("cluster", func(t *testing.T) {
		k, err := fixtures.StartRedisCluster(t.Context(), fixtures.RedisClusterSpec{})
		installed(t, err)
		t.Cleanup(func() { _ = k.Close() })
		check(t, k.URL())
	})
}

func TestRedisStepNamesWhatIsWrong(t *testing.T) {
	for _, row := range []struct{ url, says string }{
		{"redis://:s3cret@h:x", `the address of Redis: port "x" of host "h": expected 1 to 65535`},
		{"rediss://:s3cret@h?ca=/no/ca.pem", "the address of Redis: ca: open /no/ca.pem"},
		{"redis://:s3cret@127.0.0.1:1", "connection refused"},
	} {
		t.Run(row.url, func(t *testing.T) {
			scenario, said := onRedis(t, row.url, "    Then the Redis key \"k\" is \"7\"\n")
			assert.Equal(t, report.Failed, scenario.Status)
			assert.Contains(t, said, row.says)
			assert.NotContains(t, fmt.Sprintf("%+v", scenario), "s3cret")
		})
	}
}
