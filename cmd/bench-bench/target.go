package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
)

// completion is between which two times the target gave a reply to the kernel, by its own clock.
type completion struct{ from, to int64 }

// completions is what the target completed, and when.
type completions struct {
	mu sync.Mutex
	at map[int]completion // nil: nobody asks
}

func (c *completions) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/log" {
		c.mu.Lock()
		defer c.mu.Unlock()
		for id, at := range c.at {
			_, _ = fmt.Fprintln(w, id, at.from, at.to) // who reads it sees that some is missing
		}
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	id, err := strconv.Atoi(string(raw))
	w.Header().Set("Content-Length", "5")
	_, _ = w.Write([]byte("done\n"))
	one := completion{from: time.Now().UnixNano()}
	_ = http.NewResponseController(w).Flush() // who waits for the reply sees that it does not come
	one.to = time.Now().UnixNano()
	if err != nil || c.at == nil {
		return
	}
	c.mu.Lock()
	c.at[id] = one
	c.mu.Unlock()
}

func targetCommand() *cobra.Command {
	logs := false
	cmd := &cobra.Command{
		Use:    "target",
		Short:  "The target of the loads: it prints its address, and ends with its standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := new(net.ListenConfig).Listen(c.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(c.OutOrStdout(), "http://"+l.Addr().String()); err != nil {
				return err
			}
			done := &completions{}
			if logs {
				done.at = map[int]completion{}
			}
			go func() {
				_ = (&http.Server{Handler: http.HandlerFunc(done.serve), ReadHeaderTimeout: time.Minute}).Serve(l)
			}()
			_, err = io.Copy(io.Discard, os.Stdin)
			return err
		},
	}
	cmd.Flags().BoolVar(&logs, "log", false, "note when each request was completed: of a long load that takes memory, and the collector time")
	return cmd
}

// target is a target in a process of its own.
type target struct {
	address string
	cmd     *exec.Cmd
	in      io.Closer
}

func startTarget(ctx context.Context, flags ...string) (*target, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"target"}, flags...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &target{cmd: cmd, in: in}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.close()
		return nil, fmt.Errorf("the target did not start: %w", err)
	}
	t.address = strings.TrimSpace(line)
	return t, nil
}

func (t *target) close() {
	_ = t.in.Close() // it ends with it
	_ = t.cmd.Wait()
}

// log is when the target completed each request.
func (t *target) log(ctx context.Context) (map[int]completion, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.address+"/log", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	out := map[int]completion{}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		var id int
		var at completion
		if _, err := fmt.Sscan(lines.Text(), &id, &at.from, &at.to); err != nil {
			return nil, fmt.Errorf("the target's log says %q: %w", lines.Text(), err)
		}
		out[id] = at
	}
	return out, lines.Err()
}
