// Package ratelimit bounds how often channels, services and security definitions are called, by whom and from where: in
// one server, or exactly so over a whole cluster.
package ratelimit

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/kind"
)

// Config is one limit of the catalog. Its name is its object's.
type Config struct {
	IsActive bool     `json:"is_active" doc:"an inactive limit bounds nothing"`
	Channels []string `json:"channels" names:"channels" doc:"names of the channels, each with a count of its own; a * stands for any characters; empty: all, in one count"`
	Services []string `json:"services" names:"services" doc:"names of the services, each with a count of its own; a * stands for any characters; empty: all, in one count"`
	Security []string `json:"security" names:"security" doc:"names of the security definitions whose callers it is about, each with a count of its own; a * stands for any characters; empty: all callers, in one count"`
	Limits   []string `json:"limits" kind:"required" doc:"how many requests in what time, such as 10/s, 500/h or * for as many as there are; where it depends on the address: ADDRESS = LIMIT, such as 10.0.0.0/8 = 100/s; the first that fits holds, and an address that none fits is refused"`
	Per      string   `json:"per" choices:"together,address,user" doc:"who shares a count: together (all), address (each address has its own) or user (each caller has its own)"`
	Exact    bool     `json:"exact" doc:"true: one count for all servers, kept in Redis; false: each server counts for itself"`
}

// What Per may be.
const (
	together   = "together"
	perAddress = "address"
	perUser    = "user"
)

// KindName is the key of config files under which limits stand.
const KindName = "rate_limit"

// Kind describes limits as objects of the catalog.
func Kind() kind.Info {
	return kind.Info{Name: KindName, Doc: "how often channels, services and security definitions may be called", Fields: kind.Describe(defaults())}
}

func defaults() Config { return Config{IsActive: true, Per: together, Exact: true} }

// Parse reads a limit's config. Its errors are kind.Faults.
func Parse(raw []byte) (Config, error) { return kind.Decode(raw, defaults()) }

// Check finds all that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if len(c.Limits) == 0 {
		faults.Add("limits", `missing; expected a list such as ["10/s"] or ["10.0.0.0/8 = 100/s", "* = 10/m"]`)
	}
	for _, text := range c.Limits {
		if _, err := parseRule(text); err != nil {
			faults.Add("limits", "%v", err)
		}
	}
	if c.Per != together && c.Per != perAddress && c.Per != perUser {
		faults.Add("per", "expected %s, %s or %s, not %q", together, perAddress, perUser, c.Per)
	}
	return faults
}

// rule is one of a limit's lines.
type rule struct {
	from   netip.Prefix // zero: any address
	limit  int          // requests in window; -1: as many as there are
	window time.Duration
}

const unlimited = -1

// parseRule reads LIMIT, or ADDRESS = LIMIT.
func parseRule(text string) (rule, error) {
	source, limit, found := strings.Cut(text, "=")
	if !found {
		source, limit = "*", text
	}
	source, limit = strings.TrimSpace(source), strings.TrimSpace(limit)
	var r rule
	if source != "*" {
		prefix, err := parsePrefix(source)
		if err != nil {
			return r, fmt.Errorf("%q: %q is no address: expected one such as 10.1.2.3 or 10.0.0.0/8, or *", text, source)
		}
		r.from = prefix
	}
	if limit == "*" {
		r.limit = unlimited
		return r, nil
	}
	number, unit, _ := strings.Cut(limit, "/")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	window, known := windows()[strings.TrimSpace(unit)]
	if err != nil || n < 1 || !known {
		return r, fmt.Errorf("%q: expected a number of requests in a second, minute, hour or day, such as 10/s, 100/m, 500/h or 1000/d, or *", text)
	}
	r.limit, r.window = n, window
	return r, nil
}

func windows() map[string]time.Duration {
	return map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
}

func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		return p.Masked(), err
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// String is the rule's limit, such as 10/s.
func (r rule) String() string {
	for unit, window := range windows() {
		if window == r.window {
			return strconv.Itoa(r.limit) + "/" + unit
		}
	}
	return "*"
}
