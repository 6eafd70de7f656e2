// Package catalog says what exists: every definition and deployed service file, at one revision. It knows
// nothing of what they mean: the node, through Builder, makes them run.
package catalog

import (
	"context"
	"errors"
)

// Builder makes a snapshot run. node implements it.
type Builder interface {
	// Build prepares everything that next needs beside what runs now, off the request path. It binds no port
	// and changes nothing that serves. prev is what serves, nil at the start. strict: any fault is an error
	// (where a change begins); otherwise a bad object is left out and named in the report (where a change
	// arrives). The report names every object of next that does not run, whether next changed it or not.
	Build(ctx context.Context, prev, next *Snapshot, strict bool) (Next, Report, error)
}

// Next is a built state that does not serve yet. Exactly one of its methods is called, once.
type Next interface {
	Activate() // swap one atomic pointer; drain and close what prev alone used
	Discard()  // close what Build opened
}

// Report names the objects that could not run, and why.
type Report struct{ Quarantined map[Key]error }

// ErrRevision says that another change was committed first.
var ErrRevision = errors.New("catalog: another change came first")

// ErrRestored says that the store does not go on from what this server serves: it is older, or has another history. A
// backup was restored, or another database put in its place.
var ErrRestored = errors.New("catalog: the database was restored or replaced")

// ErrUnsaved says, of an error of Commit, that nothing was saved.
var ErrUnsaved = errors.New("catalog: nothing was saved")

// Version is where a history of changes stands.
type Version struct {
	Revision int64
	// Mark names the change that made the revision: it tells two histories apart that have come to the same revision.
	// Empty: it is not known, and any is taken for the same.
	Mark string
}

// Store keeps snapshots and their history. Safe for concurrent use, by several processes too. While its database is
// away, its errors are a *service.Error of code Unavailable that names it.
type Store interface {
	// Load is the current snapshot. prev, where not nil, saves reading what has not changed since: its
	// objects are shared. Where the store's history does not go on from prev, and no operator has accepted that, the
	// error is ErrRestored.
	Load(ctx context.Context, prev *Snapshot) (*Snapshot, error)
	// Commit saves c as the next revision after from, under that mark, with change log and audit row, in one
	// transaction that holds the cluster row; it fails with ErrRevision when the version is not from any more. Any
	// other error but ErrUnsaved may come after the change was saved: ask Has. What c.Check refuses is never saved.
	Commit(ctx context.Context, from Version, mark string, c Change) (revision int64, err error)
	// Version is the current one, cheaply: it is polled.
	Version(ctx context.Context) (Version, error)
	// Has says that the store's history holds the change that made that version. It waits for a Commit that has not
	// ended: its answer is final.
	Has(ctx context.Context, v Version) (bool, error)
	// Accept makes what the store holds the truth for all servers: as a revision after its own and after least, with
	// an audit row. Servers whose history it does not go on from then load all of it.
	Accept(ctx context.Context, least int64, by string) (Version, error)
	Close() error
}
