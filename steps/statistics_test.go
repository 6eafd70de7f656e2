package steps_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps"
)

// statisticsRows run one after the other on one cluster, whose statistics they add to.
func statisticsRows() []thenRow {
	const (
		before = "Given I store \"x\" under \"x\"\n"
		failed = "Given URL path \"/demo/failing\"\nWhen the URL is invoked\n"
		slow   = "Given requests of service \"demo.looping\" that take 100 ms or longer are kept\nAnd URL path \"/demo/looping\"\nWhen the URL is invoked\n"
		kept   = "Given one of 1 request of service \"demo.failing\" is kept\n" + failed
	)
	return []thenRow{
		{before, `service "demo.failing" is the slowest of the last year`, "no service was called in the last year"},
		{before, `the last hour has 0 requests of service "demo.failing"`, ""},
		{failed, `the last hour has 1 request of service "demo.failing"`, ""},
		{before, `the last hour has 2 requests of channel "Failing"`, "another number of requests of channel \"Failing\" was counted\n  expected: 2\n  got:      1"},
		{before, `the last week has 1 request of server "server1"`, ""},
		{before, `the last minute has 1 failed request of service "demo.failing"`, ""},
		{before, `the last day has 0 failed requests of service "demo.failing"`, "another number of failed requests"},
		{before, `service "demo.failing" is the slowest of the last month`, ""},
		{before, `service "demo.failing" is the most used of the last year`, ""},
		{before, `service "demo.looping" is the most used of the last year`, "another service is the most used"},
		{before, `the last request is among the slow requests of service "demo.looping"`, "nothing was sent yet"},
		{slow, `the last request is among the slow requests of service "demo.looping"`, ""},
		{failed, `the last request is among the slow requests of service "demo.looping"`, "is not among the slow ones"},
		{before, `what was kept of service "demo.failing" contains "error"`, "nothing was kept of service"},
		{kept, `what was kept of service "demo.failing" is 1 request`, ""},
		{before, `what was kept of service "demo.failing" is 2 requests`, "another number of requests of service \"demo.failing\" was kept"},
		{before, `what was kept of service "demo.failing" contains "error"`, ""},
		{before, `what was kept of service "demo.failing" contains "nothing such"`, "does not contain it"},
		{before, `what was kept of service "demo.failing" does not contain "nothing such"`, ""},
		{before, `what was kept of service "demo.failing" does not contain "error"`, "contains it"},
	}
}

func TestThenOfStatistics(t *testing.T) {
	binary, err := fixtures.Binary()
	if err != nil {
		binary, err = fixtures.Build(t.Context(), t.TempDir())
	}
	require.NoError(t, err)
	background := "Given a cluster of 1 server\n    And service file \"failing.star\" is deployed\n    And service file \"looping.star\" is deployed\n    And definitions from \"errors.yaml\""
	checkRows(t, statisticsRows(), background, steps.Options{Spec: fixtures.Spec{Binary: binary}})
}
