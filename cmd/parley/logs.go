package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/logs"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/spelling"
)

// followEvery is how often servers are asked for what they logged since.
const followEvery = 300 * time.Millisecond

// asked is what parley logs asks for.
type asked struct {
	in           logs.In
	since, until string
	follow       bool
	told         map[string]bool // of servers whose logs cannot be read
}

func logsCommand(o *options) *cobra.Command {
	a := asked{told: map[string]bool{}}
	c := &cobra.Command{
		Use:   "logs [CID]",
		Short: "What the servers logged: the newest lines, those of one request, what is added",
		Long: "What all servers of the cluster and its supervisor logged: the newest lines, or with a CID those of one request, wherever it went; with -f\n" +
			"what is added, until Ctrl-C. Secrets of definitions are masked.\n\n" +
			"Servers that run are asked, also those of other machines. Of those that do not, and of this folder, the files in DIR/logs are read.",
		Example: "  parley logs 4f2a9c1be07d5a3e68b1c240\n  parley logs -f --level warn\n  parley logs --server server1 --since 15m -n 1000",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				a.in.CID = args[0]
			}
			return o.logs(c, &a)
		},
	}
	flags := c.Flags()
	flags.BoolVarP(&a.follow, "follow", "f", false, "go on, and print what is added")
	flags.StringVar(&a.in.Server, "server", "", "lines of that server; supervisor: of the process that starts the servers")
	flags.StringVar(&a.in.Level, "level", "", "debug, info, warn or error: that, or more severe")
	flags.StringVar(&a.in.Contains, "contains", "", "lines that contain this text")
	flags.StringVar(&a.since, "since", "", "not older: 15m (back from now), 2026-11-21, 2026-11-21T17:05 (local time) or 2026-11-21T17:05:00Z")
	flags.StringVar(&a.until, "until", "", "older: likewise")
	flags.IntVarP(&a.in.Limit, "number", "n", 200, "the newest so many: 1 to 5000")
	return c
}

func (o *options) logs(c *cobra.Command, a *asked) error {
	if err := a.times(); err != nil {
		return err
	}
	if a.follow && a.until != "" {
		return usage(errors.New("-f goes on until Ctrl-C; leave out --until"))
	}
	for {
		out, err := o.readLogs(c.Context(), a.in)
		var refusal *service.Error
		switch {
		case a.follow && c.Context().Err() != nil:
			return nil
		case errors.As(err, &refusal) && (refusal.Code == service.Invalid || refusal.Code == service.NotFound):
			return usage(err)
		case err != nil:
			return err
		}
		for _, one := range out.Unread {
			if !a.told[one.Server] {
				a.told[one.Server] = true
				line(o.stderr, "parley: the log of %s is not shown: %s", orNone(one.Server), one.Error)
			}
		}
		if err := o.printLogs(c, out, a.follow); err != nil || !a.follow {
			return err
		}
		a.in.After, a.in.Since = out.Next, ""
		select {
		case <-c.Context().Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}

// times makes what people write of times what the service takes.
func (a *asked) times() error {
	for _, one := range []struct{ flag, text, key string }{{"--since", a.since, "since"}, {"--until", a.until, "until"}} {
		in := map[string]any{}
		if _, err := time.ParseDuration(one.text); err == nil {
			in[one.key] = one.text
		} else if moment(in, one.key, one.flag, one.text) != nil {
			return usage(fmt.Errorf("%s: expected a time such as 2026-11-21T17:05 or a duration such as 15m, not %q", one.flag, one.text))
		}
		text, _ := in[one.key].(string)
		if one.key == "since" {
			a.in.Since = text
		} else {
			a.in.Until = text
		}
	}
	return nil
}

// readLogs asks a server for what all of them logged. Where none runs, the files in the cluster's folder are read.
func (o *options) readLogs(ctx context.Context, in logs.In) (logs.Out, error) {
	var out logs.Out
	sent := map[string]any{
		"cid": in.CID, "since": in.Since, "until": in.Until, "level": in.Level, "contains": in.Contains, "server": in.Server, "limit": in.Limit, "after": in.After,
	}
	err := o.call(ctx, "parley.server.logs", sent, &out)
	var refusal *service.Error
	if err == nil || errors.As(err, &refusal) && refusal.Code != service.Unavailable || o.address != "" || ctx.Err() != nil {
		return out, err
	}
	f, found := o.open("")
	if found != nil {
		return out, found
	}
	return fileLogs(f).Read(ctx, in)
}

// fileLogs are the logs of a cluster's folder.
func fileLogs(f *folder.Folder) logs.Deps {
	var all []logs.Source
	add := func(name string) {
		all = append(all, logs.Source{Server: name, Read: func(_ context.Context, q logs.Query) (logs.Page, error) {
			return logs.ReadFile(f.LogFile(name), q)
		}})
	}
	for _, s := range f.Cluster.Servers {
		add(s.Name)
	}
	if f.Cluster.Supervised() {
		add("supervisor")
	}
	rules := sio.DefaultConventions()
	return logs.Deps{
		Own:  func() []logs.Source { return all },
		Mask: func() logs.Mask { return logs.NewMask(rules.IsSecret, f.Secrets()) },
		Now:  time.Now,
	}
}

// printLogs prints lines: with -f and -o json a line of JSON each.
func (o *options) printLogs(c *cobra.Command, out logs.Out, follow bool) error {
	if follow && o.output == "json" {
		enc := json.NewEncoder(c.OutOrStdout())
		enc.SetEscapeHTML(false)
		for _, l := range out.Lines {
			if err := enc.Encode(lineOf(l)); err != nil {
				return err
			}
		}
		return nil
	}
	lines := make([]logLine, len(out.Lines))
	for i, l := range out.Lines {
		lines[i] = lineOf(l)
	}
	if follow && o.output == "yaml" && len(lines) == 0 {
		return nil
	}
	return o.print(c, lines, func(w io.Writer) {
		for _, l := range out.Lines {
			line(w, "%s %-10s %-5s %s", l.At.Local().Format("2006-01-02 15:04:05.000"), l.Server, l.Level, l)
		}
		if !follow && len(lines) == 0 {
			line(w, "No such line is in the logs.")
		}
		if out.Cut && !follow {
			line(o.stderr, "parley: there is more; ask for a shorter time, or for more with -n")
		}
	})
}

// logLine is a line as -o json shows it.
type logLine struct {
	At         time.Time         `json:"at"`
	Server     string            `json:"server"`
	Level      string            `json:"level"`
	Message    string            `json:"message"`
	CID        string            `json:"cid"`
	Attributes map[string]string `json:"attributes"`
}

func lineOf(l logs.Line) logLine {
	out := logLine{At: l.At, Server: l.Server, Level: l.Level, Message: l.Message, CID: l.CID, Attributes: map[string]string{}}
	for _, a := range l.Attributes {
		out.Attributes[a.Name] = a.Value
	}
	return out
}

// nearest is ", did you mean X?", or nothing.
func nearest(name string, known []string) string {
	if near := spelling.Nearest(name, known); near != "" {
		return ", did you mean " + near + "?"
	}
	return ""
}
