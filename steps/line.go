package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Line is a line of a scenario bound to the step that it means: made once, run often, by many scenarios at once.
type Line struct {
	m     *match
	later *Line // what an event of a load does; nil: this is none
}

// Bind finds the step that a line means. The error is an *UnknownError, or an *AmbiguousError.
func (v *Vocabulary) Bind(kind Kind, text string) (*Line, error) {
	m, err := v.find(kind, text)
	if err != nil {
		return nil, err
	}
	l := &Line{m: m}
	if m.row.Pattern == eventPattern || m.row.Pattern == conditionPattern {
		l.later, err = v.bindEvent(m.params[1])
	}
	return l, err
}

// Step is what the line means.
func (l *Line) Step() Step { return l.m.row.Step }

// retryEvery is the pause between two tries of a step that may take its time.
const retryEvery = 50 * time.Millisecond

// Run does what the line says. The error is, or wraps, a *Failure where something is not as it should be; whatever it
// is, [Explain] tells all that is known about it.
func (l *Line) Run(ctx context.Context, w *World) error {
	if !l.m.row.plans {
		if err := w.runLoad(ctx); err != nil {
			return err
		}
	}
	args, err := l.args(ctx, w)
	if err != nil {
		return err
	}
	if l.m.seconds == "" {
		return l.once(ctx, w, args, false)
	}
	patience, err := Args{values: []any{l.m.seconds}}.Duration(0)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for again := false; ; again = true {
		err := l.once(ctx, w, args, again)
		if err == nil {
			return nil
		}
		if !time.Now().Add(retryEvery).Before(deadline) {
			return late(err, l.m.seconds)
		}
		if wait(ctx, retryEvery) != nil {
			return err
		}
	}
}

func (l *Line) args(ctx context.Context, w *World) (Args, error) {
	args := Args{values: make([]any, 0, len(l.m.params))}
	for _, p := range l.m.params {
		var value any = p
		if !l.m.row.Literal {
			var err error
			if value, err = w.resolve(ctx, p); err != nil {
				return args, err
			}
		}
		args.values = append(args.values, value)
	}
	return args, nil
}

// once tries a step. A step that looks at the reply is given one: the last, or where it is tried again or asks
// for other servers a new one.
func (l *Line) once(ctx context.Context, w *World, args Args, again bool) error {
	if l.later != nil {
		if l.m.row.Pattern == conditionPattern {
			return w.addConditional(args, l.later)
		}
		return w.addEvent(args, l.later)
	}
	if !l.m.row.Reply {
		return l.m.row.Do(ctx, w, args)
	}
	servers, err := w.serversOf(l.m.on)
	if err != nil {
		return err
	}
	if len(servers) == 0 {
		if again {
			if err := w.again(ctx); err != nil {
				return err
			}
		}
		return l.look(ctx, w, args)
	}
	for _, n := range servers {
		if err := w.invoke(ctx, n); err != nil {
			return fmt.Errorf("server %d: %w", n, err)
		}
		if err := l.look(ctx, w, args); err != nil {
			return fmt.Errorf("server %d: %w", n, err)
		}
	}
	return nil
}

// Looks says whether the line is a check of the last reply, which changes nothing.
func (l *Line) Looks() bool {
	return l.m.row.Reply && l.m.row.kind == Then && l.m.on == "" && !strings.HasPrefix(l.m.row.Pattern, "I store ")
}

// Check looks once at the last reply, whatever the line says of trying again: does what Looks also hold, where a check
// before it has failed? It is nil where that cannot be told.
func (l *Line) Check(ctx context.Context, w *World) error {
	args, err := l.args(ctx, w)
	if err != nil || w.reply == nil {
		return nil //nolint:nilerr // what another step has not given is not this one's fault
	}
	return l.m.row.Do(ctx, w, args)
}

func (l *Line) look(ctx context.Context, w *World, args Args) error {
	if w.reply == nil {
		return errors.New("there is no reply to look at; send the request with: When the URL is invoked")
	}
	return l.m.row.Do(ctx, w, args)
}

// serversOf are the servers that "on server 2" and the like name; none where nothing is said.
func (w *World) serversOf(on string) ([]int, error) {
	if on == "" {
		return nil, nil
	}
	c, err := w.cluster()
	if err != nil {
		return nil, err
	}
	if on == "every server" {
		var all []int
		for n := range c.Servers() {
			all = append(all, n+1)
		}
		return all, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(on, "server "))
	if err != nil {
		return nil, err
	}
	return []int{n}, nil
}
