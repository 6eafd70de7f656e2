package outconn

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
)

// GuardError is a connection that was not made: its address came from outside, and is of this machine or of a network
// behind it.
type GuardError struct{ Address netip.Addr }

func (e *GuardError) Error() string {
	return fmt.Sprintf("%s is %s, which an address from outside may not lead to", e.Address, whatIs(e.Address))
}

// Guard is for net.Dialer.ControlContext, of connections whose host no configuration names: it came with a reply or a
// request. It refuses addresses that are not public, but for those in allow. It sees the address that is dialled, so that
// no name can mean one address when it is checked and another when it is used.
func Guard(allow []netip.Prefix) func(ctx context.Context, network, address string, _ syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return &net.AddrError{Err: "it is no address that a guarded connection may be made to", Addr: address}
		}
		ip := at.Addr().Unmap().WithZone("")
		if slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			return nil
		}
		if whatIs(inner(ip)) != "" {
			return &GuardError{inner(ip)}
		}
		return nil
	}
}

// inner is the IPv4 address within an IPv6 one that a gateway would take out of it: NAT64 and 6to4.
func inner(ip netip.Addr) netip.Addr {
	raw := ip.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(ip):
		return netip.AddrFrom4([4]byte(raw[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(ip):
		return netip.AddrFrom4([4]byte(raw[2:6]))
	}
	return ip
}

// whatIs says what an address is that is not public, and is empty for one that is. The ranges are those of IANA's
// special-purpose registries; clouds answer for a machine's credentials at some of them.
func whatIs(ip netip.Addr) string {
	switch {
	case ip.IsLoopback(), ip.IsUnspecified():
		return "this machine"
	case ip.IsLinkLocalUnicast():
		return "link-local, as clouds' metadata are"
	case ip.IsPrivate():
		return "of a private network"
	case ip.IsMulticast():
		return "for many"
	}
	if ip == netip.AddrFrom4([4]byte{168, 63, 129, 16}) { // Azure's, on every machine of it
		return "a cloud's own, which knows its machines' secrets"
	}
	for _, one := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "fec0::/10", "::/96", "::ffff:0:0:0/96",
	} {
		if netip.MustParsePrefix(one).Contains(ip) {
			return "of a reserved range"
		}
	}
	return ""
}

// ParseAddresses reads addresses and CIDRs, such as 10.0.0.0/8.
func ParseAddresses(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			ip, ipErr := netip.ParseAddr(text)
			if ipErr != nil {
				return nil, fmt.Errorf("%q is no address and no CIDR such as 10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
