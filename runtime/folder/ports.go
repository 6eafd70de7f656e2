package folder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Port is an address that the cluster listens on.
type Port struct {
	Address string // host:port
	Owner   string // what it is wanted for, such as "the balancer"
	Key     string // in cluster.yaml, such as balancer.address
	Option  string // of quickstart create, such as --balancer-port
	path    []any  // Key, in steps
	private bool   // only this machine may call it
	admin   bool   // it is an admin API: others may call it where it has TLS and a password
}

// Ports are all addresses that the cluster listens on, in the order they are opened.
func (c *Cluster) Ports() []Port {
	var ports []Port
	if c.Supervised() {
		ports = append(ports, Port{c.Supervisor.Admin, "the supervisor's admin API", "supervisor.admin", "--admin-port", []any{"supervisor", "admin"}, true, true})
	}
	if c.Supervised() && c.Balancer.Kind != ExternalBalancer { // else there is none, or somebody else listens there
		ports = append(ports, Port{c.Balancer.Address, "the balancer", "balancer.address", "--balancer-port", []any{"balancer", "address"}, false, false})
		if page := c.Balancer.HAProxy.Stats; c.Balancer.Kind == HAProxyBalancer && page != "" {
			ports = append(ports, Port{page, "HAProxy's statistics page", "balancer.haproxy.stats", "--stats-port", []any{"balancer", "haproxy", "stats"}, false, false})
		}
	}
	if c.Redis.URL == "" {
		ports = append(ports, Port{c.Redis.Embedded, "the embedded Redis", "redis.embedded", "--redis-port", []any{"redis", "embedded"}, true, false})
	}
	for i, s := range c.Servers {
		ports = append(ports,
			Port{s.Address, s.Name, fmt.Sprintf("servers[%d].address", i), "--server-port", []any{"servers", i, "address"}, false, false},
			Port{s.Admin, "the admin API of " + s.Name, fmt.Sprintf("servers[%d].admin", i), "--admin-port", []any{"servers", i, "admin"}, true, true})
	}
	return ports
}

// CheckFree is an error where somebody listens on p already, or nobody can. It names the port and what it is
// wanted for.
func (p Port) CheckFree(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", p.Address)
	if err == nil {
		return l.Close()
	}
	host, port, splitErr := net.SplitHostPort(p.Address)
	if splitErr != nil {
		return err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %s on %s is in use, and wanted for %s", port, host, p.Owner)
	}
	return fmt.Errorf("port %s on %s cannot be opened for %s: %w", port, host, p.Owner, err)
}
