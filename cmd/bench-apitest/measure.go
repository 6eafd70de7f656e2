package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/parley-run/parley/bench/figures"
)

// The targets.
const (
	oneTarget    = 30  // ms of a whole process that runs one scenario
	manyTarget   = 0.5 // s of one that runs 1,000, with one worker
	memoryTarget = 200 // MB of one that runs 10,000
	megabyte     = 1 << 20
	perFile      = 100 // scenarios
)

// arm is a command that runs the same scenarios in its own way.
type arm struct {
	name, what string
	command    []string
	seconds    []float64
	resident   []float64 // MB, at most
}

// measure runs all arms in turns.
func measure(ctx context.Context, apitest string, rounds int) (_ figures.Section, err error) {
	server := httptest.NewServer(http.HandlerFunc(echo))
	defer server.Close()
	dir, err := os.MkdirTemp("", "bench-apitest-")
	if err != nil {
		return figures.Section{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	self, err := os.Executable()
	if err != nil {
		return figures.Section{}, err
	}
	folders := map[int]string{}
	for _, n := range []int{1, 1000, 10000} {
		folders[n] = filepath.Join(dir, fmt.Sprint(n))
		if err := generate(folders[n], n); err != nil {
			return figures.Section{}, err
		}
	}
	version := &arm{name: "version", what: "apitest version: the process alone", command: []string{apitest, "version"}}
	one := &arm{name: "one", what: "one scenario, the whole process", command: []string{apitest, "run", folders[1]}}
	many := &arm{name: "thousand", what: "1,000 scenarios, one worker", command: []string{apitest, "run", folders[1000], "--parallel", "1"}}
	wide := &arm{name: "thousand.parallel", what: "the same, as many workers as CPUs", command: []string{apitest, "run", folders[1000]}}
	godog := &arm{name: "thousand.godog", what: "the same under godog with 9 steps, one worker", command: []string{self, "godog", folders[1000]}}
	large := &arm{name: "ten_thousand", what: "10,000 scenarios", command: []string{apitest, "run", folders[10000]}}
	for round := range rounds + 1 {
		for _, a := range []*arm{version, one, many, wide, godog, large} {
			if a == large && round > 2 {
				continue
			}
			if err := a.run(ctx, server.URL, round > 0); err != nil {
				return figures.Section{}, err
			}
		}
	}
	section := figures.Section{Title: "one POST and 3 assertions a scenario, against an echo server"}
	add := func(f figures.Figure) { section.Figures = append(section.Figures, f) }
	add(figures.Median("apitest.version", version.what, scaled(version.seconds, 1000), "ms"))
	add(figures.Median("apitest.one", one.what, scaled(one.seconds, 1000), "ms").AtMost(oneTarget))
	add(figures.Median("apitest.thousand", many.what, many.seconds, "s").AtMost(manyTarget))
	add(figures.Median("apitest.thousand.parallel", wide.what, wide.seconds, "s"))
	add(figures.Median("apitest.thousand.godog", godog.what, godog.seconds, "s"))
	add(figures.Median("apitest.thousand.ratio", "time, as a share of godog's", figures.Ratios(many.seconds, godog.seconds), ""))
	add(figures.Median("apitest.ten_thousand", large.what, large.seconds, "s"))
	add(figures.Of("apitest.ten_thousand.resident", "resident memory of that, at most", slices.Max(large.resident), "MB").AtMost(memoryTarget))
	section.Notes = []string{"the first run of each arm is not counted"}
	return section, nil
}

func scaled(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v * by
	}
	return out
}

// run runs the arm's command once.
func (a *arm) run(ctx context.Context, address string, counts bool) error {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, a.command[0], a.command[1:]...)
	c.Env = append(os.Environ(), "ECHO="+address)
	c.Stdout, c.Stderr = &out, &out
	began := time.Now()
	err := c.Run()
	took := time.Since(began)
	if err != nil {
		text := out.Bytes()
		return fmt.Errorf("%s: %w\n%s", strings.Join(a.command, " "), err, text[max(0, len(text)-2000):])
	}
	if !counts {
		return nil
	}
	a.seconds = append(a.seconds, took.Seconds())
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		a.resident = append(a.resident, float64(usage.Maxrss)*1024/megabyte) // Linux tells KiB
	}
	return nil
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, r.Body)
}

// generate writes n scenarios into feature files of a folder.
func generate(dir string, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for first := 1; first <= n; first += perFile {
		var text strings.Builder
		fmt.Fprintf(&text, "Feature: Echo from %d\n", first)
		for i := first; i < first+perFile && i <= n; i++ {
			fmt.Fprintf(&text, scenario, i)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.feature", first)), []byte(text.String()), 0o600); err != nil {
			return err
		}
	}
	return nil
}

const scenario = `
  Scenario: Customer %[1]d
    Given address "$ECHO"
    And URL path "/echo"
    And HTTP method "POST"
    And format "JSON"
    And request is "{"customer": %[1]d, "type": "A"}"
    When the URL is invoked
    Then status is "200"
    And JSON Pointer "/customer" is an integer "%[1]d"
    And JSON Pointer "/type" is "A"
`
