package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/parley-run/parley/bench/figures"
)

const (
	countedTarget = 1.03
	countedRate   = 0.97
)

// statistics compares a server that counts, times and saves with one that does not: the echo of a service in Go, which does so
// little that what statistics cost shows most.
func statistics(ctx context.Context, o options) (s figures.Section, err error) {
	dir, err := o.scratch("statistics-")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	login := echoLogin()
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer collector.Close()
	var arms []*arm
	pids := []int{os.Getpid()}
	for _, one := range []struct {
		name string
		args []string
	}{
		{"parley, statistics off", []string{"--dir", filepath.Join(dir, "off"), "--no-statistics"}},
		{"parley, statistics on", []string{"--dir", filepath.Join(dir, "on")}},
		{"parley, statistics on, spans of one request in ten", []string{"--dir", filepath.Join(dir, "traced"), "--traces", collector.URL}},
	} {
		var at address
		server, err := startChild(ctx, &at, append([]string{"serve-echo"}, one.args...)...)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, server.close()) }()
		pids = append(pids, server.pid())
		arms = append(arms, &arm{
			name: one.name, address: at.Address, pid: server.pid(), request: requestOf(http.MethodPost, at.Address, echoPath, echoBody, login),
		})
	}
	if err := sameReplies(ctx, arms...); err != nil {
		return s, err
	}
	others := newForeign(pids...)
	p := paceOf(o)
	if err := compare(ctx, arms, p, others); err != nil {
		return s, err
	}
	return statisticsSection(arms[0], arms[1], arms[2], p, others), nil
}

func statisticsSection(off, on, traced *arm, p pace, others *foreign) figures.Section {
	s := figures.Section{Title: fmt.Sprintf("the echo of a service in Go, with statistics and without, asked by %d connections in turns of %s", connections, p.turn)}
	s.Figures = append(
		s.Figures,
		figures.Median("statistics.off", off.name, off.rates, "requests/s"),
		figures.Median("statistics.on", on.name, on.rates, "requests/s"),
		figures.Median("statistics.ratio", "ratio of requests/s, on to off", figures.Ratios(on.rates, off.rates), "").AtLeast(countedRate),
		figures.Median("tracing.ratio", "ratio of requests/s, with spans of one in ten to without", figures.Ratios(traced.rates, on.rates), ""),
	)
	if len(off.costs) > 0 && len(on.costs) > 0 {
		s.Figures = append(
			s.Figures,
			figures.Median("statistics.off_cpu", "CPU of a request, statistics off", off.costs, "us"),
			figures.Median("statistics.on_cpu", "CPU of a request, statistics on", on.costs, "us"),
			figures.Median("statistics.cpu_ratio", "ratio of CPU, on to off", figures.Ratios(on.costs, off.costs), "").AtMost(countedTarget),
		)
	}
	if len(traced.costs) > 0 && len(on.costs) > 0 {
		s.Figures = append(s.Figures, figures.Median("tracing.cpu_ratio", "ratio of CPU, with spans of one in ten to without", figures.Ratios(traced.costs, on.costs), ""))
	}
	s.Notes = []string{"counted and timed: the service, the channel and the server; a save every 10 s is part of it"}
	own, foreign, known := others.shares()
	if known {
		s.Notes = append(s.Notes, fmt.Sprintf("of the CPUs all that is measured here took %.0f %%, other processes %.0f %%", own*100, foreign*100))
	}
	if foreign > noisy {
		s.Notes = append(s.Notes, "other processes took so much that the ratio of requests/s says little; measure again when they have ended")
	}
	return s
}
