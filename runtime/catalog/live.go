package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// maxTries bounds how often one Apply builds when other servers keep changing the catalog first.
const maxTries = 20

// Live is the catalog as one server runs it: what serves, and the only ways to change it. Its methods may be
// called from many goroutines; changes happen one at a time.
type Live struct {
	store   Store
	builder Builder
	log     *slog.Logger
	turn    chan struct{} // holds one token: whoever has it may change what serves
	state   atomic.Pointer[state]
	problem atomic.Pointer[error] // why the store cannot be followed
	keptAt  string                // a file, or empty
	changed chan struct{}         // what serves did; room for one
}

// state is what serves and what of it does not run.
type state struct {
	snapshot *Snapshot
	faults   []Fault
}

// Fault is an object of what serves that does not run.
type Fault struct {
	Key
	Err   error
	Since int64 // revision at which this server first could not run it
}

// NewLive is a server's catalog over store; nothing serves until Start.
func NewLive(store Store, builder Builder, log *slog.Logger) *Live {
	l := &Live{store: store, builder: builder, log: log, turn: make(chan struct{}, 1), changed: make(chan struct{}, 1)}
	l.state.Store(&state{snapshot: NewSnapshot(0, nil)})
	l.turn <- struct{}{}
	return l
}

// Start makes what the store holds serve. Objects that cannot run are in Faults and in the log. Where there is a file of
// KeepIn, it serves from that if the store is away, or does not go on from it; Problem then says why. Called once, before
// anything else.
func (l *Live) Start(ctx context.Context) error {
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.release()
	kept, unusable := l.kept()
	if unusable != nil {
		l.log.Error("the catalog that was kept on this machine's disk cannot be used", "err", unusable)
	}
	snapshot, err := l.first(ctx, kept)
	switch {
	case err == nil:
		return l.run(ctx, nil, snapshot)
	case unusable != nil:
		return cannotStart(err, fmt.Sprintf("nor can the catalog that was kept on this machine's disk: %v", unusable))
	case kept == nil && l.keptAt != "":
		return cannotStart(err, "and no catalog was kept on this machine's disk yet")
	case kept == nil:
		return err
	}
	l.log.Error("serves the catalog that was kept on this machine's disk", "revision", kept.Revision, "err", err)
	l.note(err)
	return l.run(ctx, nil, kept)
}

// first is all that the store holds: not what changed since kept, so that a start mends a server whose content differs
// from the others'. ErrRestored: the store does not go on from kept.
func (l *Live) first(ctx context.Context, kept *Snapshot) (*Snapshot, error) {
	if kept != nil {
		if _, err := l.store.Load(ctx, kept); err != nil {
			return nil, err
		}
	}
	return l.store.Load(ctx, nil)
}

// cannotStart is err, of the store, of a server that has nothing else to serve.
func cannotStart(err error, why string) error {
	return &service.Error{
		Code: service.AsError(err).Code, Message: service.AsError(err).Message + ", " + why,
		Fix: "this server starts when the database is back; servers that run serve on", Err: err,
	}
}

// kept is what the file of KeepIn holds, or nil where there is none.
func (l *Live) kept() (*Snapshot, error) {
	if l.keptAt == "" {
		return nil, nil //nolint:nilnil // as said
	}
	return readKept(l.keptAt)
}

// Problem is why the store could not be followed when that was last tried, or nil. What serves is then as it was.
func (l *Live) Problem() error {
	if p := l.problem.Load(); p != nil {
		return *p
	}
	return nil
}

func (l *Live) note(err error) { l.problem.Store(&err) }

// Current is what serves: revision 0 and empty before Start.
func (l *Live) Current() *Snapshot { return l.state.Load().snapshot }

// Faults are the objects of what serves that do not run, sorted by kind and name.
func (l *Live) Faults() []Fault { return l.state.Load().faults }

// Quarantined is Faults as a map.
func (l *Live) Quarantined() map[Key]error {
	faults := l.Faults()
	out := make(map[Key]error, len(faults))
	for _, f := range faults {
		out[f.Key] = f.Err
	}
	return out
}

// Follow makes the store's revision serve if it is newer; changed says that it was. Bad objects are left
// out. A store that does not go on from what serves is refused with ErrRestored.
func (l *Live) Follow(ctx context.Context) (changed bool, err error) {
	if err := l.take(ctx); err != nil {
		return false, err
	}
	defer l.release()
	changed, err = l.follow(ctx)
	if ctx.Err() == nil {
		l.note(err)
	}
	return changed, err
}

// AcceptRestore makes what the store holds the truth for all servers though it does not go on from what serves here: an
// operator says so, by name. The revision that says it comes after least, which is the highest that any server knows.
func (l *Live) AcceptRestore(ctx context.Context, least int64, by string) (int64, error) {
	if err := l.take(ctx); err != nil {
		return 0, err
	}
	defer l.release()
	_, err := l.follow(ctx)
	if err == nil {
		return 0, service.Errorf(service.Conflict, "there is nothing to accept: this server follows the database, at revision %d", l.Current().Revision)
	}
	if !errors.Is(err, ErrRestored) {
		return 0, err
	}
	version, err := l.store.Accept(ctx, max(least, l.Current().Revision), Author(ctx, by))
	if err != nil {
		return 0, err
	}
	_, err = l.follow(ctx)
	l.note(err)
	return version.Revision, err
}

func (l *Live) follow(ctx context.Context) (bool, error) {
	current := l.Current()
	version, err := l.store.Version(ctx)
	if err != nil || version == current.Version() {
		return false, err
	}
	next, err := l.store.Load(ctx, current)
	if err != nil {
		return false, err
	}
	err = l.run(ctx, current, next)
	return err == nil, err
}

// Again builds what serves once more: something that its objects depend on has changed outside of the catalog.
func (l *Live) Again(ctx context.Context) error {
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.release()
	current := l.Current()
	return l.run(ctx, current, current)
}

// run makes next serve, without its bad objects.
func (l *Live) run(ctx context.Context, prev, next *Snapshot) error {
	built, report, err := l.builder.Build(ctx, prev, next, false)
	if err != nil {
		return fmt.Errorf("catalog: build revision %d: %w", next.Revision, err)
	}
	l.activate(built, next, report)
	return nil
}

// activate makes built serve as next and logs what of it newly does not run.
func (l *Live) activate(built Next, next *Snapshot, report Report) {
	faults := faultsOf(report, next, l.state.Load())
	built.Activate()
	l.state.Store(&state{snapshot: next, faults: faults})
	select {
	case l.changed <- struct{}{}:
	default:
	}
	for _, f := range faults {
		if f.Since == next.Revision {
			l.log.Error("object quarantined", "kind", f.Kind, "name", f.Name, "revision", next.Revision, "err", f.Err)
		}
	}
	l.log.Debug("catalog serves", "revision", next.Revision, "hash", next.Hash, "quarantined", len(faults))
}

func (l *Live) take(ctx context.Context) error {
	select {
	case <-l.turn:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("catalog: waiting for an earlier change: %w", ctx.Err())
	}
}

func (l *Live) release() { l.turn <- struct{}{} }

// pause gives the servers that came first time to finish: none at the first retry, then more each time.
func pause(ctx context.Context, try int) error {
	if try < 2 {
		return ctx.Err()
	}
	most := min(200*time.Millisecond, 2*time.Millisecond<<(try-2))
	select {
	case <-time.After(rand.N(most)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func conflict(err error) error {
	return &service.Error{
		Code: service.Conflict, Message: fmt.Sprintf("catalog: other servers changed the catalog %d times meanwhile", maxTries),
		Fix: "try again", Err: err,
	}
}
