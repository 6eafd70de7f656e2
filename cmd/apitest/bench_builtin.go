package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

//go:embed profiles/*.yaml
var builtIn embed.FS

// recordService is what the built-in profiles call.
const recordService = "bench.record"

// builtInNames are the profiles that need no file.
func builtInNames() []string { return []string{"failover", "hot-deploy", "statistics"} }

// isBuiltIn says whether the argument names a profile of ours and no file.
func isBuiltIn(name string) bool {
	if !slices.Contains(builtInNames(), name) {
		return false
	}
	_, err := os.Stat(name)
	return err != nil
}

func builtInProfile(name string) (bench.Profile, error) {
	raw, err := builtIn.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return bench.Profile{}, err
	}
	return bench.ParseProfile(name, raw)
}

// runBuiltIn starts a cluster, runs the profile against it, asks it for what it saw itself, and ends it.
func runBuiltIn(ctx context.Context, name string, f *benchFlags, log io.Writer) (res *bench.Result, err error) {
	p, err := builtInProfile(name)
	if err != nil {
		return nil, err
	}
	binary, err := fixtures.Binary()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	cluster, err := fixtures.Start(ctx, fixtures.Spec{Servers: f.servers, Source: fixtures.Source(f.source), Binary: binary})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	_, _ = fmt.Fprintf(log, "a cluster of %d servers (%s) is up after %.1f s\n", cluster.Servers(), f.source, time.Since(began).Seconds())
	l := &loaded{cluster: cluster, samples: true}
	if err := deployRecord(ctx, l); err != nil {
		return nil, err
	}
	before, err := counted(ctx, cluster)
	if err != nil {
		return nil, err
	}
	o := bench.Options{
		Address: cluster.Address(), Do: l.Do, Down: l.Down,
		Executed: func(ctx context.Context) ([]string, error) { return l.List(ctx, p.Log.KVDBList) },
		Progress: newProgress(log),
	}
	res, err = bench.Run(ctx, p, o)
	if err != nil || res == nil {
		return res, err
	}
	res.Log = clusterLog(cluster, res.Started, res.Duration)
	return res, ownStatistics(ctx, cluster, res, before, name == "statistics")
}

// deployRecord deploys the service that the built-in profiles call.
func deployRecord(ctx context.Context, l *loaded) error {
	definitions, err := l.cluster.Put("bench.yaml", []byte(
		"channel_rest:\n  - {name: Record, service: "+recordService+", url_path: /bench/record, method: POST, data_format: json}\n"))
	if err != nil {
		return err
	}
	if err := l.cluster.Import(ctx, nil, definitions); err != nil {
		return err
	}
	service, err := l.file("record/v1/record.star")
	if err != nil {
		return err
	}
	_, err = l.cluster.Deploy(ctx, service)
	return err
}

// counted is what the servers' statistics say of the service.
func counted(ctx context.Context, c *fixtures.Cluster) (fixtures.ServiceStats, error) {
	all, err := c.Stats(ctx)
	if err != nil {
		return fixtures.ServiceStats{}, err
	}
	for _, s := range all {
		if s.Service == recordService {
			return s, nil
		}
	}
	return fixtures.ServiceStats{Service: recordService}, nil
}

// ownStatistics puts what the servers counted beside what was sent. Where that must agree, it is one more expectation: also the
// requests of the warm-up were served.
func ownStatistics(ctx context.Context, c *fixtures.Cluster, res *bench.Result, before fixtures.ServiceStats, must bool) error {
	want := int64(res.Sent+res.Warmup.Sent) + before.Count
	now, err := counted(ctx, c)
	for until := time.Now().Add(5 * time.Second); must && err == nil && now.Count < want && time.Now().Before(until); {
		now, err = counted(ctx, c) // servers write their counts once in a while
	}
	if err != nil {
		return fmt.Errorf("ask the servers for their statistics: %w", err)
	}
	res.Services = append(res.Services, bench.ServiceCount{
		Service: now.Service, Requests: now.Count - before.Count, Errors: now.Errors - before.Errors,
		Mean: now.MeanMS, P50: now.P50MS, P95: now.P95MS, P99: now.P99MS, Max: now.MaxMS,
	})
	if must {
		res.Expect(fmt.Sprintf("the servers count %d requests of %s", want-before.Count, recordService), fmt.Sprint(now.Count-before.Count), now.Count == want)
	}
	return nil
}

// Down says whether the balancer gives the server no requests.
func (l *loaded) Down(ctx context.Context, server string) (bool, error) {
	status, err := l.cluster.Status(ctx)
	if err != nil {
		return false, err
	}
	for _, s := range status.Servers {
		if s.Name == server {
			return s.State != "up", nil
		}
	}
	return false, fmt.Errorf("the cluster has no server %s", server)
}

// toldInLogs are the messages that say what befell a server.
func toldInLogs() []string {
	return []string{"server is down", "server is up", "server died", "server started", "server stopped", "server is started anew", "ready", "deployed"}
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

// clusterLog is what the cluster's own logs say of the time of the run.
func clusterLog(c *fixtures.Cluster, zero time.Time, duration float64) []bench.LogLine {
	texts := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(c.Dir(), "logs", "*.log")) // the pattern is well formed
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
	var out []bench.LogLine
	for from, text := range texts {
		for line := range strings.Lines(text) {
			at, said, ok := logged(strings.TrimSpace(line))
			if s := at.Sub(zero).Seconds(); ok && s >= 0 && s <= duration {
				out = append(out, bench.LogLine{At: float64(int(s*1000)) / 1000, From: from, Text: said})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b bench.LogLine) int {
		if a.At != b.At {
			return map[bool]int{true: -1, false: 1}[a.At < b.At]
		}
		return strings.Compare(a.From, b.From)
	})
	return out[:min(len(out), 40)]
}
