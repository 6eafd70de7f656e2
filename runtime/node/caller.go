package node

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// mostHops is how many load-balancers a request may have come through.
const mostHops = 16

// caller is the address, host:port, of whoever sent a request: of those who passed it on, the last one who is no trusted
// proxy. What X-Forwarded-For says comes without a port, which is 0 then.
func caller(r *http.Request, proxies []netip.Prefix) string {
	hops := r.Header["X-Forwarded-For"]
	if len(hops) == 0 {
		return r.RemoteAddr
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !isProxy(at.Addr(), proxies) {
		return r.RemoteAddr
	}
	best := r.RemoteAddr
	for range mostHops {
		var last string
		if hops, last = cutLast(hops); last == "" {
			return best
		}
		a, err := netip.ParseAddr(last)
		if err != nil {
			return best
		}
		if best = net.JoinHostPort(a.Unmap().String(), "0"); !isProxy(a, proxies) {
			return best
		}
	}
	return best
}

func isProxy(a netip.Addr, proxies []netip.Prefix) bool {
	a = a.Unmap()
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// cutLast takes the last element of the lists in a header's values.
func cutLast(values []string) (rest []string, last string) {
	for len(values) > 0 {
		end := len(values) - 1
		before, element, found := cutLastComma(values[end])
		if element = strings.TrimSpace(element); !found {
			if values = values[:end]; element == "" {
				continue
			}
			return values, element
		}
		values = append(slices.Clone(values[:end]), before)
		if element != "" {
			return values, element
		}
	}
	return nil, ""
}

func cutLastComma(s string) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, ','); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}
