package steps_test

import (
	"context"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/run"
)

// A query that Cassandra never answers does not hold up a run that is interrupted.
func TestCassandraInterrupted(t *testing.T) {
	server := startCassandra(t)
	server.asked = make(chan struct{}, 1)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		<-server.asked
		interrupt()
	}()
	began := time.Now()
	done, err := run.Features(ctx, run.Options{
		Paths: []string{"a.feature"},
		FS: fstest.MapFS{"a.feature": {Data: []byte("Feature: f\n  Scenario: s\n    Given Cassandra contact points \"127.0.0.1\"\n" +
			fmt.Sprintf("    And Cassandra port \"%d\"\n", server.port()) + "    And I connect to keyspace \"shop\" as \"db\"\n" +
			"    And I store CQL query result \"SELECT id FROM slow\" under \"x\", using \"db\", idx \"0\"\n")}},
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(began), 50*time.Second, "the driver's own limit is a minute")
	step := done.Features[0].Scenarios[0].Steps[3]
	require.NotNil(t, step.Failure)
	assert.Equal(t, "the run was interrupted while this step ran", step.Failure.What)
	t.Log(time.Since(began))
}
