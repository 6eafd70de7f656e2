package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-run/parley/bench/figures"
)

const (
	idleTime     = 3 * time.Second
	fewRequests  = 100
	memoryTarget = 40.0 // MB
	binaryTarget = 40.0 // MB
	megabyte     = 1 << 20
)

// size measures the memory of an idle server and the commands on disk.
func size(ctx context.Context, o options) (s figures.Section, err error) {
	s.Title = fmt.Sprintf("a server that has answered %d requests of the tutorial and idled for %s; the commands on disk", fewRequests, idleTime)
	resident, err := idleMemory(ctx, o)
	if err != nil {
		return s, err
	}
	s.Figures = append(s.Figures, resident...)
	if len(resident) == 0 {
		s.Notes = append(s.Notes, "memory is not measured: this system has no /proc")
	}
	parley, err := o.parleyBinary()
	if err != nil {
		return s, err
	}
	for _, path := range []string{parley, filepath.Join(o.bin, "apitest")} {
		info, err := os.Stat(path)
		if err != nil {
			return s, err
		}
		s.Figures = append(s.Figures, figures.Of("size."+info.Name(), "the command "+info.Name(), float64(info.Size())/megabyte, "MB").AtMost(binaryTarget))
	}
	return s, nil
}

// idleMemory is what the server holds in memory; nothing where the system does not tell.
func idleMemory(ctx context.Context, o options) (found []figures.Figure, err error) {
	b, err := serveBackEnds(ctx)
	if err != nil {
		return nil, err
	}
	cluster, err := o.tutorialCluster(ctx, 1, b)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	address := hostPort(cluster.ServerAddress(1))
	w, err := dial(ctx, address, requestOf(http.MethodPost, address, tutorialPath, tutorialBody))
	if err != nil {
		return nil, err
	}
	defer w.close()
	for range fewRequests {
		if status, body, err := w.roundTrip(); err != nil || status != http.StatusOK {
			return nil, errors.Join(err, fmt.Errorf("status %d: %.300s", status, body))
		}
	}
	server, err := serverOf(ctx, cluster, 1)
	if err != nil {
		return nil, err
	}
	select {
	case <-time.After(idleTime):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	all, err := memoryOf(server.PID, "VmRSS")
	if err != nil {
		return nil, nil // no Linux
	}
	found = append(found, figures.Of("size.resident", "resident memory of the idle server", float64(all)/megabyte, "MB").AtMost(memoryTarget))
	if files, err := memoryOf(server.PID, "RssFile"); err == nil {
		found = append(found, figures.Of("size.resident_files", "of it, pages of the command's file, which processes share", float64(files)/megabyte, "MB"))
	}
	return found, nil
}
