package main

import (
	"cmp"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

// toldInLogs are the messages that say what befell a server.
func toldInLogs() []string {
	return []string{"server is down", "server is up", "server died", "server started", "server stopped", "server is started anew", "server is ready", "deployed"}
}

var (
	logTime  = regexp.MustCompile(`"?time"?[=:]"?([0-9T:.+Z-]+)"?`)
	logText  = regexp.MustCompile(`"?msg"?[=:](?:"([^"]*)"|(\S+))`)
	logAbout = regexp.MustCompile(`"?server"?[=:]"?([^" ,}]+)`)
)

// logged is when a line of a log was written, and what it says, where that is worth showing.
func logged(line string) (time.Time, string, bool) {
	at, said := logTime.FindStringSubmatch(line), logText.FindStringSubmatch(line)
	if at == nil || said == nil {
		return time.Time{}, "", false
	}
	t, err := time.Parse(time.RFC3339Nano, at[1])
	text := said[1] + said[2]
	if err != nil || !slices.Contains(toldInLogs(), text) {
		return time.Time{}, "", false
	}
	if about := logAbout.FindStringSubmatch(line); about != nil {
		text += ": " + about[1]
	}
	return t, text, true
}

// toldByHAProxy is such a line of HAProxy's.
var toldByHAProxy = regexp.MustCompile(`^(\S+) Server [^/ ]+/(\S+) is (UP|DOWN)(?:, reason: ([^,]*))?`)

// loggedByHAProxy is when HAProxy saw a server come or go.
func loggedByHAProxy(line string) (time.Time, string, bool) {
	said := toldByHAProxy.FindStringSubmatch(line)
	if said == nil {
		return time.Time{}, "", false
	}
	at, err := time.Parse(time.RFC3339Nano, said[1])
	text := "server is " + strings.ToLower(said[3]) + ": " + said[2]
	if said[4] != "" {
		text += ", " + said[4]
	}
	return at, text, err == nil
}

// mostLogged is how many lines of logs a report shows.
const mostLogged = 40

// clusterLog is what the cluster's own logs say of the time of the run: those of its servers and of what starts them, HAProxy's and
// the container engine's.
func clusterLog(c *fixtures.Cluster, zero time.Time, duration float64) []bench.LogLine {
	var out []bench.LogLine
	add := func(at time.Time, from, text string) {
		if s := at.Sub(zero).Seconds(); s >= 0 && s <= duration {
			out = append(out, bench.LogLine{At: float64(int(s*1000)) / 1000, From: from, Text: text})
		}
	}
	read := func(from, text string, logged func(line string) (time.Time, string, bool)) {
		for line := range strings.Lines(text) {
			if at, said, ok := logged(strings.TrimSpace(line)); ok {
				add(at, from, said)
			}
		}
	}
	files, _ := filepath.Glob(filepath.Join(c.Dir(), "logs", "*.log")) // the pattern is well formed
	texts := map[string]string{}
	for _, file := range files {
		if raw, err := os.ReadFile(file); err == nil {
			texts[strings.TrimSuffix(filepath.Base(file), ".log")] = string(raw)
		}
	}
	for n := 1; n <= c.Servers(); n++ {
		if text, err := c.Logs(n); err == nil {
			texts[c.ServerName(n)] = text
		}
	}
	for from, text := range texts {
		read(from, text, logged)
	}
	if text, err := c.BalancerLog(); err == nil {
		read("haproxy", text, loggedByHAProxy)
	}
	if events, err := c.EngineLog(zero); err == nil {
		for _, e := range events {
			add(e.At, "engine", e.Text)
		}
	}
	slices.SortStableFunc(out, func(a, b bench.LogLine) int {
		return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.From, b.From))
	})
	return out[:min(len(out), mostLogged)]
}
