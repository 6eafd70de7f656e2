package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// Apply makes c serve here and saves it, or leaves everything as it was: it builds the changed catalog beside
// what serves, saves c and swaps. It returns the revision that holds c; where c changes nothing, that is the
// current one. Where another server's change comes first, c is built again on top of it. ctx counts until c
// is saved; what is saved always serves.
func (l *Live) Apply(ctx context.Context, c Change) (int64, error) {
	return l.ApplyTo(ctx, func(*Snapshot) (Change, error) { return c, nil })
}

// ApplyTo is Apply of a change that depends on what serves: of is asked again where another server's change comes first.
func (l *Live) ApplyTo(ctx context.Context, of func(now *Snapshot) (Change, error)) (int64, error) {
	if err := l.take(ctx); err != nil {
		return 0, err
	}
	defer l.release()
	var err error
	for try := range maxTries {
		if try > 0 {
			if err := pause(ctx, try); err != nil {
				return 0, fmt.Errorf("catalog: retry a change: %w", err)
			}
			if _, err := l.follow(ctx); err != nil {
				return 0, err
			}
		}
		var c Change
		if c, err = of(l.Current()); err == nil {
			c = c.asked(ctx)
			err = c.Check()
		}
		if err != nil {
			return 0, err
		}
		var revision int64
		if revision, err = l.try(ctx, c); !errors.Is(err, ErrRevision) {
			return revision, err
		}
	}
	return 0, conflict(err)
}

// try applies c to what serves. ErrRevision: another change came first, and nothing has happened.
func (l *Live) try(ctx context.Context, c Change) (int64, error) {
	current := l.Current()
	effective := c.against(current, l.Quarantined())
	if effective.empty() {
		// Nothing to do is true only of the newest revision.
		version, err := l.store.Version(ctx)
		if err == nil && version != current.Version() {
			err = ErrRevision
		}
		return version.Revision, err
	}
	next := current.With(current.Revision+1, effective)
	next.Mark = newMark()
	built, report, err := l.buildStrictly(ctx, current, next)
	if err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		built.Discard()
		return 0, fmt.Errorf("catalog: apply: %w", err)
	}
	revision, err := l.store.Commit(ctx, current.Version(), next.Mark, effective)
	switch {
	case err == nil:
		l.activate(built, next, report)
		return revision, nil
	case errors.Is(err, ErrRevision), errors.Is(err, ErrUnsaved):
		built.Discard()
		return 0, err
	default:
		return l.settle(ctx, current, next, built, report, err)
	}
}

// buildStrictly builds next and refuses every fault but those of objects that did not run before and that
// next leaves as they were: a change must not be refused for what it does not touch.
func (l *Live) buildStrictly(ctx context.Context, current, next *Snapshot) (Next, Report, error) {
	known := l.Quarantined()
	built, report, err := l.builder.Build(ctx, current, next, len(known) == 0)
	if err != nil {
		return nil, report, err
	}
	faults := maps.Clone(report.Quarantined)
	maps.DeleteFunc(faults, func(key Key, _ error) bool {
		_, old := known[key]
		return old && current.Get(key.Kind, key.Name) == next.Get(key.Kind, key.Name)
	})
	if len(faults) > 0 {
		built.Discard()
		return nil, report, NewRefusal(faults)
	}
	return built, report, nil
}

// settle ends a try whose Commit failed without saying whether next was saved: the store knows.
func (l *Live) settle(ctx context.Context, current, next *Snapshot, built Next, report Report, cause error) (int64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settlePatience)
	defer cancel()
	saved, err := l.has(ctx, next.Version())
	switch {
	case err != nil:
		built.Discard()
		return 0, &service.Error{
			Code: service.Unavailable, Message: unclear(cause) + ": whether the change was saved is not known",
			Fix: "look with parley status and parley services when the database is back; to make the same change again does no harm",
			Err: errors.Join(cause, err),
		}
	case !saved:
		built.Discard()
		if known := service.AsError(cause); known.Code == service.Unavailable {
			return 0, &service.Error{Code: known.Code, Message: known.Message + ", while a change was saved: nothing was changed", Fix: "try again", Err: cause}
		}
		return 0, cause
	}
	// Others may have come since.
	l.activate(built, next, report)
	if _, err := l.follow(ctx); err != nil {
		l.log.Warn("a change was saved, but not what others changed since", "revision", next.Revision, "err", err)
	}
	return next.Revision, nil
}

// settlePatience is how long a change waits to learn whether it was saved: longer than PostgreSQL lets a transaction be
// that was cut off, and than it takes to restart.
const settlePatience = 8 * time.Second

// has asks the store until it answers, or ctx ends.
func (l *Live) has(ctx context.Context, v Version) (bool, error) {
	const again = 200 * time.Millisecond
	for {
		saved, err := l.store.Has(ctx, v)
		if err == nil || service.AsError(err).Code != service.Unavailable {
			return saved, err
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(again):
		}
	}
}

// unclear is cause, of a store that broke off while it saved.
func unclear(cause error) string {
	if known := new(service.Error); errors.As(cause, &known) {
		return known.Message
	}
	return "catalog: the database went away while it saved"
}

// faultsOf sorts what report names. An object that did not run before and is unchanged keeps its Since.
func faultsOf(report Report, next *Snapshot, before *state) []Fault {
	var out []Fault
	for _, key := range slices.SortedFunc(maps.Keys(report.Quarantined), Key.Compare) {
		f := Fault{Key: key, Err: report.Quarantined[key], Since: next.Revision}
		for _, old := range before.faults {
			if old.Key == key && before.snapshot.Get(key.Kind, key.Name) == next.Get(key.Kind, key.Name) {
				f.Since = old.Since
			}
		}
		out = append(out, f)
	}
	return out
}
