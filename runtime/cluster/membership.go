package cluster

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

// Config is what a server brings to its cluster.
type Config struct {
	Name    string // unique in the cluster
	Address string // host:port of its channels
	Admin   string // host:port of its admin API
	Table   *Table
	Hints   Hints // nil: none
	// Follow makes the newest revision serve here and says whether that was a change. One call at a time.
	Follow func(ctx context.Context) (changed bool, err error)
	// State is what serves here. Called from several goroutines.
	State func() State
	Log   *slog.Logger
	Now   func() time.Time // time.Now
}

// Membership is one server's place in its cluster: it follows the others' changes and tells them of its own.
type Membership struct {
	cfg       Config
	startedAt time.Time
	hint      chan int64 // the newest revision to tell others; room for one

	turn      chan struct{} // holds one token: whoever has it may write the row. An older state never replaces a newer one
	left      bool          // the row is removed; of whoever has the turn
	unwritten bool          // the row could not be written, which was logged; likewise

	mu       sync.Mutex
	draining bool
	problem  string // of Follow, told in the row and logged once
}

// New is a server's membership. It has no row until Run, or Announce.
func New(c Config) *Membership {
	if c.Hints == nil {
		c.Hints = NoHints{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	m := &Membership{cfg: c, startedAt: c.Now(), hint: make(chan int64, 1), turn: make(chan struct{}, 1)}
	m.turn <- struct{}{}
	return m
}

// Run keeps this server in the cluster until ctx ends, then removes its row. A database or carrier of hints
// that is down is logged and tried again; only a row that could not be removed from a database that is there is an error.
func (m *Membership) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { m.beat(ctx) })
	all.Go(func() { m.follow(ctx) })
	all.Go(func() { m.publish(ctx) })
	all.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	err := m.atTurn(ctx, func() error {
		m.left = true
		return m.cfg.Table.remove(ctx, m.row())
	})
	if away := new(database.Away); errors.As(err, &away) {
		m.cfg.Log.Warn("row not removed: the others wait for this server for 6 s more", "err", err)
		return nil
	}
	return err
}

// Announce tells the cluster that this server's state changed: it writes the row before it returns, and sends
// the hint in the background. Called after each change that began here; Run does so itself for others' changes.
func (m *Membership) Announce(ctx context.Context) {
	m.mu.Lock()
	latest(m.hint, m.cfg.State().Revision) // first: the others start while the row is written
	m.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing) // others wait for it, whoever asked
	defer cancel()
	m.write(ctx)
}

// Leave marks this server as one that nobody waits for, though it still follows: the first step of a planned stop.
func (m *Membership) Leave(ctx context.Context) {
	m.mu.Lock()
	m.draining = true
	m.mu.Unlock()
	m.write(ctx)
}

// write brings this server's row up to date. Failing is no fault of the caller's: the next heartbeat tries again.
func (m *Membership) write(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	_ = m.atTurn(ctx, func() error {
		if m.left {
			return nil
		}
		err := m.cfg.Table.write(ctx, m.row())
		switch {
		case errors.Is(err, context.Canceled):
		case err != nil && !m.unwritten:
			m.cfg.Log.Warn("row not written: soon nobody waits for this server", "err", err)
			m.unwritten = true
		case err == nil && m.unwritten:
			m.cfg.Log.Info("row written again")
			m.unwritten = false
		}
		return nil
	})
}

// atTurn runs do while nobody else writes the row.
func (m *Membership) atTurn(ctx context.Context, do func() error) error {
	select {
	case <-m.turn:
		defer func() { m.turn <- struct{}{} }()
		return do()
	case <-ctx.Done():
		return &database.Away{Where: "of the servers' table", Err: ctx.Err()} // it does not answer whoever has the turn
	}
}

func (m *Membership) row() Member {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.cfg.State()
	return Member{
		Name: m.cfg.Name, Address: m.cfg.Address, Admin: m.cfg.Admin, PID: os.Getpid(), StartedAt: m.startedAt, Draining: m.draining,
		Revision: now.Revision, Hash: now.Hash, Quarantined: now.Quarantined, Problem: m.problem,
	}
}

func (m *Membership) beat(ctx context.Context) {
	ticks := time.NewTicker(heartbeat)
	defer ticks.Stop()
	for {
		m.write(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

func (m *Membership) publish(ctx context.Context) {
	lost := false // which was logged
	for {
		select {
		case <-ctx.Done():
			return
		case revision := <-m.hint:
			limited, cancel := context.WithTimeout(ctx, poll) // older than a poll, a hint is of no use
			err := m.cfg.Hints.Publish(limited, revision)
			cancel()
			switch {
			case ctx.Err() != nil:
			case err != nil && !lost:
				m.cfg.Log.Warn("hints are not sent: the others follow by polling", "revision", revision, "err", err)
				lost = true
			case err == nil && lost:
				m.cfg.Log.Info("hints are sent again", "revision", revision)
				lost = false
			}
		}
	}
}

func (m *Membership) follow(ctx context.Context) {
	hints := m.cfg.Hints.Subscribe(ctx)
	ticks := time.NewTicker(poll)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case revision, ok := <-hints:
			if !ok {
				hints = nil
				continue
			}
			if revision <= m.cfg.State().Revision {
				continue // one's own, or one that a poll was faster than
			}
		case <-ticks.C:
		}
		changed, err := m.cfg.Follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if m.note(err) || changed {
			m.write(ctx)
		}
	}
}

// note remembers why this server cannot follow and says whether that is news.
func (m *Membership) note(err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	if problem == m.problem {
		return false
	}
	m.problem = problem
	if err != nil {
		m.cfg.Log.Error("cannot follow the catalog", "err", err)
	} else {
		m.cfg.Log.Info("follows the catalog again")
	}
	return true
}
