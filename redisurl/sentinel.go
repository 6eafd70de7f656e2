package redisurl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	// fresh is how long the sentinels' answer holds: in an outage each command dials, and they are not to be asked by each.
	// It is also how long the first answer waits for others.
	fresh = 50 * time.Millisecond
	// announced is how long it holds that a sentinel has told of a failover: the others may not know of it yet.
	announced = 2 * time.Second
)

// sentinels know which server is the primary, and tell when another is. All are asked at once and what most say counts:
// one that is on the machine that died does not hold up the others, and one that is cut off from them is outvoted.
type sentinels struct {
	target  *Target
	dialer  dialer
	clients []*redis.SentinelClient

	turn    chan struct{} // holds one token: whoever has it may ask
	watched sync.Once
	all     sync.WaitGroup  // the goroutines
	ctx     context.Context //nolint:containedctx // ends with the client: what runs is of no request
	stop    context.CancelFunc

	mu      sync.Mutex
	closed  bool
	primary string    // host:port; empty: not known yet
	until   time.Time // when to ask again
	conns   map[*tracked]struct{}
}

// tracked is a connection to the server that was the primary when it was made.
type tracked struct {
	wrapped
	address string
}

func newSentinels(t *Target, d dialer) *sentinels {
	s := &sentinels{target: t, dialer: d, turn: make(chan struct{}, 1), conns: map[*tracked]struct{}{}}
	s.turn <- struct{}{}
	s.ctx, s.stop = context.WithCancel(context.Background())
	for _, address := range t.addresses {
		s.clients = append(s.clients, redis.NewSentinelClient(&redis.Options{
			Addr: address, Dialer: attempt(d.dial), Username: t.options.sentinelUser, Password: t.options.sentinelPass,
			MaxRetries: -1, DialTimeout: d.timeout, DialerRetries: 1, ReadTimeout: d.timeout, WriteTimeout: d.timeout,
			ContextTimeoutEnabled: true, PoolSize: 2, PoolTimeout: d.timeout, Protocol: 2, DisableIdentity: true,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		}))
	}
	return s
}

// dial connects to the primary.
func (s *sentinels) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	s.watched.Do(s.watch)
	address, err := s.ask(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := s.dialer.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := &tracked{address: address, wrapped: wrapped{Conn: conn, below: conn}}
	if inner, ok := conn.(wrapped); ok {
		t.below = inner.below
	}
	t.gone = func() { s.forget(t) }
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.primary != address || s.closed { // another took over meanwhile
		_ = conn.Close()
		return nil, &Unreachable{Why: address + ": it is not the primary any more", Err: net.ErrClosed}
	}
	s.conns[t] = struct{}{}
	return t, nil
}

func (s *sentinels) forget(t *tracked) {
	s.mu.Lock()
	delete(s.conns, t)
	s.mu.Unlock()
}

// ask is the primary's host:port.
func (s *sentinels) ask(ctx context.Context) (string, error) {
	select {
	case <-s.turn:
		defer func() { s.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", &Unreachable{Why: s.none("no answer in time"), Err: ctx.Err()}
	}
	s.mu.Lock()
	known, holds := s.primary, time.Now().Before(s.until)
	s.mu.Unlock()
	if holds {
		return known, nil
	}
	address, err := s.vote(ctx)
	if err != nil {
		return "", err
	}
	return s.heard(address), nil
}

// vote is the host:port that most sentinels name.
func (s *sentinels) vote(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.dialer.timeout)
	defer cancel()
	type answer struct {
		address string
		err     error
	}
	answers := make(chan answer, len(s.clients))
	for _, c := range s.clients {
		if !s.begin() {
			return "", net.ErrClosed
		}
		go func() {
			defer s.all.Done()
			pair, err := c.GetMasterAddrByName(ctx, s.target.master).Result()
			if err == nil && len(pair) != 2 {
				err = fmt.Errorf("it answers %d words", len(pair))
			}
			if err != nil {
				answers <- answer{err: err}
				return
			}
			answers <- answer{address: net.JoinHostPort(pair[0], pair[1])}
		}()
	}
	var faults []error
	votes := map[string]int{}
	best := ""
	var enough <-chan time.Time
	for range s.clients {
		select {
		case a := <-answers:
			if a.err != nil {
				faults = append(faults, a.err)
				continue
			}
			if votes[a.address]++; votes[a.address] > votes[best] {
				best = a.address
			}
			if votes[best] > len(s.clients)/2 {
				return best, nil
			}
			if enough == nil {
				enough = time.After(fresh)
			}
		case <-enough:
			return best, nil
		case <-ctx.Done():
			faults = append(faults, ctx.Err())
		}
	}
	if best != "" {
		return best, nil
	}
	return "", s.refused(faults)
}

// begin counts a goroutine in, unless all is closed.
func (s *sentinels) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.all.Add(1)
	}
	return !s.closed
}

// refused says why no sentinel named a primary. That one does not know the name is worth more than that others are away.
func (s *sentinels) refused(faults []error) error {
	var whys []string
	for _, err := range faults {
		if errors.Is(err, redis.Nil) {
			// redis.Nil is no cause to carry on: to a caller it means that a key has no value.
			return &Unreachable{Why: fmt.Sprintf("the sentinels know no primary of the name %q", s.target.master), Err: errors.New("no such primary")}
		}
		if why := s.target.Hide(Reason(err)); !slices.Contains(whys, why) {
			whys = append(whys, why)
		}
	}
	return &Unreachable{Why: s.none(strings.Join(whys, ", ")), Err: errors.Join(faults...)}
}

func (s *sentinels) none(why string) string { return "no sentinel names the primary: " + why }

// heard takes in what the sentinels answered, unless one has told of a failover meanwhile, and gives what holds.
func (s *sentinels) heard(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); !now.Before(s.until) {
		s.primary, s.until = address, now.Add(fresh)
	}
	return s.primary
}

// switched takes in that a sentinel told of a failover. Connections to another server end at once: it may be one that
// hangs, or one that does not know yet that it is the primary no more.
func (s *sentinels) switched(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.primary, s.until = address, time.Now().Add(announced)
	for t := range s.conns {
		if t.address != address {
			delete(s.conns, t)
			_ = t.Conn.Close()
		}
	}
}

// watch listens to all sentinels until all is closed.
func (s *sentinels) watch() {
	for _, c := range s.clients {
		if !s.begin() {
			return
		}
		go func() {
			defer s.all.Done()
			sub := c.Subscribe(s.ctx, "+switch-master")
			defer func() { _ = sub.Close() }() // nothing more is wanted of it
			messages := sub.Channel()
			for {
				select {
				case <-s.ctx.Done():
					return
				case m, ok := <-messages:
					if !ok {
						return
					}
					// mymaster 127.0.0.1 6379 127.0.0.1 6380: the old one, then the new one
					if words := strings.Fields(m.Payload); len(words) == 5 && words[0] == s.target.master {
						s.switched(net.JoinHostPort(words[3], words[4]))
					}
				}
			}
		}()
	}
}

func (s *sentinels) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	var err error
	for _, c := range s.clients {
		err = errors.Join(err, c.Close())
	}
	s.all.Wait()
	return err
}
