package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/fixtures"
)

// holdCommand is the process that holds a cluster: `apitest cluster up` starts it, and it ends when it is told to.
func holdCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "hold NAME",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var spec fixtures.Spec
			if err := json.NewDecoder(cmd.InOrStdin()).Decode(&spec); err != nil {
				return err
			}
			return hold(cmd.Context(), args[0], spec)
		},
	}
}

// hold starts a cluster, makes it known, and closes it when ctx ends.
func hold(ctx context.Context, name string, spec fixtures.Spec) error {
	folder, err := openHeld()
	if err != nil {
		return err
	}
	lock, taken, err := folder.lock(name)
	if err != nil {
		return err
	}
	if taken {
		return &exit{code: exitFailed, err: fmt.Errorf("a cluster %q is up already; take it down: apitest cluster down %s", name, name)}
	}
	defer func() { _ = lock.Close() }()
	begin := time.Now()
	cluster, err := fixtures.Start(ctx, spec)
	if err != nil {
		return &exit{code: exitFailed, err: err}
	}
	err = folder.write(describeHeld(name, cluster, time.Since(begin)))
	if err == nil {
		<-ctx.Done()
	}
	if err := errors.Join(err, cluster.Close()); err != nil {
		return &exit{code: exitFailed, err: err}
	}
	return folder.forget(name)
}

const (
	upTime   = 5 * time.Minute // images may have to be pulled
	downTime = 90 * time.Second
	lookTime = 10 * time.Millisecond
)

// startHolder starts the process that holds a cluster, and returns when the cluster is up.
func (f heldFolder) startHolder(ctx context.Context, name string, spec fixtures.Spec) (held, error) {
	if up, err := f.isUp(name); err != nil || up {
		if up {
			err = fmt.Errorf("a cluster %q is up already; take it down: apitest cluster down %s, or give another --name", name, name)
		}
		return held{}, err
	}
	if err := f.forget(name); err != nil { // what a holder left that was killed
		return held{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return held{}, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return held{}, err
	}
	log, err := os.OpenFile(f.file(name, ".log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return held{}, err
	}
	defer func() { _ = log.Close() }()
	holder := exec.Command(self, "cluster", "hold", name) //nolint:noctx // it outlives this command
	holder.Stdin, holder.Stdout, holder.Stderr = strings.NewReader(string(text)), log, log
	holder.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := holder.Start(); err != nil {
		return held{}, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = holder.Wait()
	}()
	ctx, cancel := context.WithTimeout(ctx, upTime)
	defer cancel()
	ticks := time.NewTicker(lookTime)
	defer ticks.Stop()
	for {
		if h, err := f.read(name); err == nil {
			return h, nil
		}
		select {
		case <-ended:
			said, _ := os.ReadFile(f.file(name, ".log"))
			return held{}, errors.Join(errors.New(strings.TrimPrefix(strings.TrimSpace(string(said)), "apitest: ")), f.forget(name))
		case <-ctx.Done():
			_ = holder.Process.Signal(syscall.SIGTERM)
			<-ended // it takes away what it has started
			return held{}, errors.Join(fmt.Errorf("the cluster %q was not up in time: %w", name, ctx.Err()), f.forget(name))
		case <-ticks.C:
		}
	}
}

// takeDown ends the process that holds a cluster, and returns when all of it is gone. Where that process was killed, what
// it left is removed.
func (f heldFolder) takeDown(ctx context.Context, name string) error {
	up, err := f.isUp(name)
	if err != nil {
		return err
	}
	if !up {
		return errors.Join(prune(ctx), f.forget(name))
	}
	h, err := f.read(name)
	if err != nil {
		return fmt.Errorf("the cluster %q is being started or taken down: %w", name, err)
	}
	if err := syscall.Kill(h.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending the process %d, which holds the cluster %q: %w", h.PID, name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, downTime)
	defer cancel()
	ticks := time.NewTicker(lookTime)
	defer ticks.Stop()
	for {
		if up, err := f.isUp(name); err != nil || !up {
			said, _ := os.ReadFile(f.file(name, ".log"))
			if len(said) > 0 {
				err = errors.Join(err, errors.New(strings.TrimSpace(string(said))))
			}
			return errors.Join(err, f.forget(name))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the process %d, which holds the cluster %q, does not end: %w", h.PID, name, ctx.Err())
		case <-ticks.C:
		}
	}
}

// prune removes what fixtures have left whose owner died.
func prune(ctx context.Context) error {
	err := fixtures.Prune(ctx, "")
	if engine := fixtures.PruneEngine(ctx); !errors.Is(engine, fixtures.ErrNoEngine) {
		err = errors.Join(err, engine)
	}
	return err
}
