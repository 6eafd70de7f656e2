package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps/report"
)

func TestCounts(t *testing.T) {
	r := sample()
	assert.Equal(t, report.Counts{Passed: 2, Failed: 1, Undefined: 1, Flaky: 1, Skipped: 1}, r.Scenarios())
	assert.Equal(t, report.Counts{Passed: 8, Failed: 1, Undefined: 1, Skipped: 3}, r.Steps())
	assert.Equal(t, report.Counts{Failed: 1, Flaky: 1}, r.FeatureFiles())
	assert.False(t, r.Passed())
	assert.False(t, (&report.Run{}).Passed(), "a run of nothing has not passed")
	both := report.Join(r, nil, sample())
	assert.Equal(t, 12, both.Scenarios().Total())
	assert.Equal(t, 2500*time.Millisecond, both.Took)
	assert.Equal(t, uint64(42), both.Seed)
}

func TestPassed(t *testing.T) {
	good := func() *report.Run {
		return &report.Run{Features: []*report.Feature{{Scenarios: []*report.Scenario{{Status: report.Passed}, {Status: report.Flaky}}}}}
	}
	assert.True(t, good().Passed(), "what is flaky has passed")
	for name, spoil := range map[string]func(*report.Run){
		"a fault":     func(r *report.Run) { r.Faults = []string{"a.feature:1:1: what is this"} },
		"interrupted": func(r *report.Run) { r.Interrupted = true },
		"skipped":     func(r *report.Run) { r.Features[0].Scenarios[0].Status = report.Skipped },
		"undefined":   func(r *report.Run) { r.Features[0].Scenarios[0].Status = report.Undefined },
		"failed":      func(r *report.Run) { r.Features[0].Scenarios[0].Status = report.Failed },
	} {
		r := good()
		spoil(r)
		assert.False(t, r.Passed(), name)
	}
}

func TestTitleAndLocation(t *testing.T) {
	s := &report.Scenario{Name: "Each", Path: "a.feature", Line: 31}
	assert.Equal(t, "Each", s.Title())
	s.Row = 2
	assert.Equal(t, "Each (row 2)", s.Title())
	assert.Equal(t, "a.feature:31", s.Location())
}
