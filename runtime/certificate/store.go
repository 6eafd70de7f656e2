package certificate

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// lookEvery is how often files are looked at, at most.
const lookEvery = time.Second

// Store keeps what Files hold, and reads them anew when they change. What cannot be used does not replace what can. It is
// for many goroutines.
type Store struct {
	what  string // whose they are, for the log
	files Files
	log   *slog.Logger

	current atomic.Pointer[Version]
	looked  atomic.Int64 // nanoseconds of the Unix time

	mu      sync.Mutex
	stamp   string // of the files that current was read from
	problem string // that was logged last
}

// Version is one reading of the files. That of a Store is another pointer after each change.
type Version struct{ Material }

// Open reads the files, whose errors name them. what says whose they are, such as `outconn "CRM"`.
func Open(what string, f Files, log *slog.Logger) (*Store, error) {
	s := &Store{what: what, files: f, log: log, stamp: f.stamp()}
	m, err := f.Load()
	if err != nil {
		return nil, err
	}
	if err := m.expired(); err != nil {
		log.Error("others will not take the certificate", "of", what, "err", err)
	}
	s.current.Store(&Version{m})
	s.looked.Store(time.Now().UnixNano())
	return s, nil
}

// Current is what holds now. It looks at the files where that was more than a second ago.
func (s *Store) Current() *Version {
	if last, now := s.looked.Load(), time.Now().UnixNano(); now-last >= int64(lookEvery) && s.looked.CompareAndSwap(last, now) {
		s.Reload(false)
	}
	return s.current.Load()
}

// Client is base for a connection that is made now: with the authority that the other side must be of, and the certificate
// to show where it asks for one.
func (s *Store) Client(base *tls.Config) *tls.Config {
	v, c := s.Current(), base.Clone()
	if v.CA != nil {
		c.RootCAs = v.CA
	}
	if v.Certificate != nil {
		c.Certificates = []tls.Certificate{*v.Certificate}
	}
	return c
}

// Reload reads the files where they have changed, or in any case where always is true. What is wrong is logged, once.
func (s *Store) Reload(always bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stamp := s.files.stamp()
	if stamp == s.stamp && !always {
		return
	}
	m, err := s.files.Load()
	if err == nil {
		err = m.expired()
	}
	if err != nil {
		// It is tried again at the next look: of two files, one may have come before the other.
		if err.Error() != s.problem {
			s.problem = err.Error()
			s.log.Error("changed certificates cannot be used; those from before stay", "of", s.what, "err", err)
		}
		return
	}
	s.problem, s.stamp = "", stamp
	s.current.Store(&Version{m})
	attrs := []any{"of", s.what}
	if m.Certificate != nil {
		leaf := m.Certificate.Leaf
		attrs = append(attrs, "subject", leaf.Subject.String(), "expires", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	s.log.Info("certificates are read anew", attrs...)
}

// Watch looks at the files until ctx ends, so that a fault shows before a client comes, and at once on SIGHUP. changed is
// called after each change; nil: nobody wants to know.
func (s *Store) Watch(ctx context.Context, changed func()) {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	known := s.current.Load()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.looked.Store(time.Now().UnixNano())
			s.Reload(false)
		case <-again:
			s.Reload(true)
		}
		if now := s.current.Load(); now != known {
			known = now
			if changed != nil {
				changed()
			}
		}
	}
}

// stamp is another text once a file holds something else. It goes by content: a file that was put in another's place may be
// of the same size, and of the same tick of the file system's clock.
func (f Files) stamp() string {
	sum := sha256.New()
	for _, one := range []string{f.Certificate, f.Key, f.CA} {
		if one == "" || inline(one) {
			continue
		}
		raw, err := os.ReadFile(one)
		if err != nil {
			raw = []byte("?")
		}
		_, _ = fmt.Fprintf(sum, "%d ", len(raw)) // a hash takes everything
		_, _ = sum.Write(raw)
	}
	return string(sum.Sum(nil))
}
