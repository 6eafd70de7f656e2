package ratelimit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

// Counter counts. A window begins with the first request of a key, and ends its length later.
type Counter interface {
	// Count notes one request of key, and says how many there were in the window that runs, this one included, and when
	// that window ends.
	Count(ctx context.Context, key string, window time.Duration) (n int, left time.Duration, err error)
}

// Limit is one limit, ready to be asked.
type Limit struct {
	config Config
	rules  []rule
	name   string
	key    string // of its counts: name and a hash of what it is, so that a changed limit begins anew
	exact  Counter
	local  Counter
}

// New makes a limit of its config, spec being how the catalog keeps it. exact counts for all servers, local for this one;
// where exact fails, local goes on.
func New(name string, spec []byte, c Config, exact, local Counter) (*Limit, error) {
	sum := sha256.Sum256(append([]byte(name+"\x00"), spec...))
	l := &Limit{config: c, name: name, key: hex.EncodeToString(sum[:12]), exact: exact, local: local}
	for _, text := range c.Limits {
		r, err := parseRule(text)
		if err != nil {
			return nil, err
		}
		l.rules = append(l.rules, r)
	}
	return l, nil
}

// Covers says whether the limit is about that service behind that channel, whoever calls.
func (l *Limit) Covers(channel, serviceName string) bool {
	return l.config.IsActive && fits(l.config.Channels, channel) && fits(l.config.Services, serviceName)
}

// NeedsCaller says whether the limit can only be asked once it is known who calls.
func (l *Limit) NeedsCaller() bool { return len(l.config.Security) > 0 || l.config.Per == perUser }

// Channels and Security are the names that the limit is about, patterns among them.
func (l *Limit) Channels() []string { return l.config.Channels }

// Security: see Channels.
func (l *Limit) Security() []string { return l.config.Security }

func fits(patterns []string, name string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return kind.Matches(p, name) })
}

// Wrap is next for as many requests as the limits allow. Those that are about somebody else are left out.
func Wrap(next service.Handler, limits []*Limit, channel, serviceName string) service.Handler {
	if len(limits) == 0 {
		return next
	}
	return service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		for _, l := range limits {
			if err := l.take(ctx, req, channel, serviceName); err != nil {
				return nil, err
			}
		}
		return next.Handle(ctx, req)
	})
}

// take counts a request, and refuses it where there were too many.
func (l *Limit) take(ctx context.Context, req *service.Request, channel, serviceName string) error {
	if len(l.config.Security) > 0 && (req.Principal == nil || !fits(l.config.Security, req.Principal.Definition)) {
		return nil
	}
	address := addressOf(req.Remote)
	i := slices.IndexFunc(l.rules, func(r rule) bool { return !r.from.IsValid() || r.from.Contains(address) })
	if i < 0 {
		e := service.Errorf(service.Denied, "you are not allowed to access this resource from where you are")
		e.Err = fmt.Errorf("rate limit %q: no rule fits the address %q", l.name, req.Remote)
		return e
	}
	r := l.rules[i]
	if r.limit == unlimited {
		return nil
	}
	key := l.countOf(req, address, i, channel, serviceName)
	n, left, err := l.count(ctx, key, r.window)
	if err != nil {
		return err
	}
	if n <= r.limit {
		return nil
	}
	seconds := max(1, int((left+time.Second-1)/time.Second))
	e := service.Errorf(service.TooMany, "too many requests: the limit is %s", r)
	e.Fix = fmt.Sprintf("try again in %d s", seconds)
	e.Err = fmt.Errorf("rate limit %q", l.name)
	e.Header = map[string][]string{"Retry-After": {strconv.Itoa(seconds)}}
	return e
}

func (l *Limit) count(ctx context.Context, key string, window time.Duration) (int, time.Duration, error) {
	if l.config.Exact {
		if n, left, err := l.exact.Count(ctx, key, window); err == nil {
			return n, left, nil
		} else if ctx.Err() != nil {
			return 0, 0, err
		}
	}
	return l.local.Count(ctx, key, window)
}

// countOf names the count that a request belongs to.
func (l *Limit) countOf(req *service.Request, address netip.Addr, rule int, channel, serviceName string) string {
	parts := []string{l.key, strconv.Itoa(rule), "", "", "", ""}
	if len(l.config.Channels) > 0 {
		parts[2] = channel
	}
	if len(l.config.Services) > 0 {
		parts[3] = serviceName
	}
	if len(l.config.Security) > 0 {
		parts[4] = req.Principal.Definition
	}
	switch {
	case l.config.Per == perAddress:
		parts[5] = shared(address).String()
	case l.config.Per == perUser && req.Principal != nil:
		parts[5] = req.Principal.Definition + "\x00" + req.Principal.Name
	case l.config.Per == perUser:
		parts[5] = "\x00" + shared(address).String() // nobody known: where it comes from is all there is
	}
	sum := sha256.Sum256([]byte(strings.Join(parts[2:], "\x00")))
	return parts[0] + ":" + parts[1] + ":" + hex.EncodeToString(sum[:12])
}

// shared is the address as one caller has it: of IPv6 a caller has a network of 64 bits.
func shared(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}

// addressOf is the address in host:port. An invalid one fits * alone.
func addressOf(remote string) netip.Addr {
	if ap, err := netip.ParseAddrPort(remote); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(remote)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
