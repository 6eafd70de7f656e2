package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	runtime "github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/database"
)

const (
	leaseName = "chaos"
	leaseTTL  = 500 * time.Millisecond
	hearMost  = 30 * time.Second
	oneWrite  = "INSERT INTO chaos_writes (holder, token) VALUES ($1, $2)"
)

// pausedHolder is F9: the process that holds a lease stands still until another has it, and goes on: what it was about to
// write is refused. The processes are of this command; the servers' own lease is left alone but for once.
func pausedHolder() check {
	return check{
		name: "F9", title: "the holder of a lease paused past it, and resumed", needs: "postgres", prove: "what is written carries no token",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			p, c, err := e.onPostgres(ctx)
			if err != nil {
				return nil, err
			}
			defer func() { err = errors.Join(endOf(c, err), p.Close()) }() //nolint:contextcheck // it is closed whatever ctx says
			conn, err := pgx.Connect(ctx, p.URL())
			if err != nil {
				return nil, err
			}
			defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
			if _, err := conn.Exec(ctx, "CREATE TABLE chaos_writes (id BIGSERIAL, holder TEXT, token BIGINT)"); err != nil {
				return nil, err
			}
			n := e.times("F9", 10)
			if e.sabotage {
				n = min(n, 2)
			}
			o := &outcome{done: fmt.Sprintf("%d pauses", n)}
			if err := e.takeTurns(ctx, o, p.URL(), n); err != nil {
				return o, err
			}
			var writes, backwards int
			if err := conn.QueryRow(ctx, `SELECT COUNT(*), COUNT(CASE WHEN token < before THEN 1 END) FROM
				(SELECT token, LAG(token) OVER (ORDER BY id) AS before FROM chaos_writes) AS all_of_them`).Scan(&writes, &backwards); err != nil {
				return o, err
			}
			if writes <= n || backwards > 0 {
				o.fault("of %d writes %d carry an older token than one before", writes, backwards)
			}
			if e.sabotage {
				return o, nil
			}
			o.done += ", and of a server"
			return o, c.pauseSweeper(ctx, o)
		},
	}
}

// takeTurns pauses whichever of two processes has the lease, n times.
func (e *env) takeTurns(ctx context.Context, o *outcome, where string, n int) error {
	one, err := startHolder(ctx, "one", where, e.sabotage)
	if err != nil {
		return err
	}
	defer one.end()
	if _, err := one.hear("wrote"); err != nil {
		return err
	}
	two, err := startHolder(ctx, "two", where, e.sabotage)
	if err != nil {
		return err
	}
	defer two.end()
	for range n {
		if err := one.signal(syscall.SIGSTOP); err != nil {
			return err
		}
		if _, err := two.hear("wrote"); err != nil { // it has the lease, under a token of its own
			return err
		}
		if err := one.signal(syscall.SIGCONT); err != nil {
			return err
		}
		said, err := one.hear("refused", "done")
		if err != nil {
			return err
		}
		if strings.HasPrefix(said, "done") {
			o.fault("a process that was paused wrote on, and was not refused: %s", said)
		}
		one, two = two, one
	}
	return nil
}

// pauseSweeper pauses the server that has the servers' own lease. Another takes it, under a higher token.
func (c *cluster) pauseSweeper(ctx context.Context, o *outcome) error {
	before, err := c.sweeper(ctx, 0)
	if err != nil {
		return err
	}
	n, err := c.Number(before.Holder)
	if err != nil {
		return err
	}
	if err := c.Pause(ctx, n); err != nil {
		return err
	}
	after, err := c.sweeper(ctx, n)
	if err = errors.Join(err, c.Resume(ctx, n)); err != nil {
		return err
	}
	if after.Token <= before.Token || after.Holder == before.Holder {
		o.fault("%s had the lease under token %d, then %s under %d", before.Holder, before.Token, after.Holder, after.Token)
	}
	return c.same(ctx, o)
}

type leased struct {
	Name, Holder string
	Token        int64
}

// sweeper is the lease of who forgets servers that are gone, once another server than number not has it.
func (c *cluster) sweeper(ctx context.Context, not int) (found leased, err error) {
	ask := 1
	if not == 1 {
		ask = 2
	}
	waited := until(ctx, func() bool {
		var all []leased
		if err = c.call(ctx, ask, "parley.cluster.leases", struct{}{}, &all); err != nil {
			return false
		}
		for _, one := range all {
			if one.Name == "sweep" && one.Holder != "" && one.Holder != c.ServerName(not) {
				found = one
				return true
			}
		}
		err = errors.New("nobody has it")
		return false
	})
	if waited != nil {
		return found, fmt.Errorf("the lease of the servers: %w", errors.Join(waited, err))
	}
	return found, nil
}

// holder is a process that writes under the lease whenever it has it.
type holder struct {
	cmd  *exec.Cmd
	said chan string
}

func startHolder(ctx context.Context, name, where string, bare bool) (*holder, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	h := &holder{cmd: exec.CommandContext(ctx, self, "hold", name, where, fmt.Sprintf("--bare=%t", bare)), said: make(chan string, 1000)}
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(h.said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			h.said <- lines.Text()
		}
	}()
	return h, nil
}

func (h *holder) end() {
	_ = h.cmd.Process.Kill() // it may have ended
	_ = h.cmd.Wait()
}

func (h *holder) signal(s syscall.Signal) error { return h.cmd.Process.Signal(s) }

// hear waits until the process says one of the words.
func (h *holder) hear(words ...string) (string, error) {
	patience := time.After(hearMost)
	for {
		select {
		case line, open := <-h.said:
			if !open {
				return "", fmt.Errorf("a holder of the lease ended, and never said any of %q", words)
			}
			for _, word := range words {
				if strings.HasPrefix(line, word+" ") {
					return line, nil
				}
			}
		case <-patience:
			return "", fmt.Errorf("no holder of the lease said any of %q within %s", words, hearMost)
		}
	}
}

// holderCommand is such a process.
func holderCommand() *cobra.Command {
	var bare bool
	c := &cobra.Command{
		Use: "hold NAME URL", Hidden: true, Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return hold(c.Context(), c.OutOrStdout(), args[0], args[1], bare)
		},
	}
	c.Flags().BoolVar(&bare, "bare", false, "write without the token")
	return c
}

// hold writes under the lease as often as it can, and says what became of that, until ctx ends. It is careless: it looks at no
// context, as one that stood still between the look and the write.
func hold(ctx context.Context, out io.Writer, name, where string, bare bool) error {
	db, err := database.OpenPostgres(where, database.Options{Durable: true, Connections: 2})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	say := func(what string, token int64) { _, _ = fmt.Fprintln(out, what, token) } // who does not listen any more has ended
	leases := runtime.NewLeases(db)
	leases.Hold(ctx, leaseName, name, leaseTTL, slog.New(slog.DiscardHandler), func(held context.Context, lease runtime.Lease) {
		for told := false; ctx.Err() == nil; {
			late := held.Err() != nil
			write := func(ctx context.Context, tx database.Conn) error {
				_, err := tx.ExecContext(ctx, oneWrite, name, lease.Token)
				return err
			}
			if bare {
				err = db.Write(context.WithoutCancel(ctx), write)
			} else {
				err = leases.Write(context.WithoutCancel(ctx), lease, write)
			}
			switch {
			case errors.Is(err, runtime.ErrLost):
				say("refused", lease.Token)
				return
			case err == nil && bare && late:
				say("done", lease.Token)
				return
			case err == nil && !told:
				told = true
				say("wrote", lease.Token)
			}
		}
	})
	return nil
}
