package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/supervisor"
)

// weightCommands give a server its share of the requests.
func weightCommands(o *options) []*cobra.Command {
	return []*cobra.Command{{
		Use:   "offline SERVER",
		Short: "Give a server no requests; it runs on, ready to take over (a standby)",
		Args:  cobra.ExactArgs(1),
		RunE:  func(c *cobra.Command, args []string) error { return o.weigh(c, args[0], 0) },
	}, {
		Use:   "online SERVER",
		Short: "Give a server requests again",
		Args:  cobra.ExactArgs(1),
		RunE:  func(c *cobra.Command, args []string) error { return o.weigh(c, args[0], balancer.DefaultWeight) },
	}, {
		Use:   "weight SERVER WEIGHT",
		Short: "Set a server's share of the requests: 0 to 256, 100 is usual",
		Args:  cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			weight, err := strconv.Atoi(args[1])
			if err != nil {
				return usage(fmt.Errorf("%q is no weight; expected 0 to %d", args[1], balancer.MaxWeight))
			}
			return o.weigh(c, args[0], weight)
		},
	}}
}

// weigh sets a server's weight, now and for later starts.
func (o *options) weigh(c *cobra.Command, name string, weight int) error {
	if weight < 0 || weight > balancer.MaxWeight {
		return usage(fmt.Errorf("%d is no weight; expected 0 to %d", weight, balancer.MaxWeight))
	}
	if o.address != "" {
		var servers []balancer.Status
		if err := o.callAt(c.Context(), "parley.balancer.weigh", supervisor.Weight{Server: name, Weight: weight}, &servers); err != nil {
			return err
		}
		return o.weighed(c, name, servers)
	}
	f, err := o.open("")
	if err != nil {
		return err
	}
	if _, err := f.Server(name); err != nil {
		return usage(err)
	}
	client, running, err := dialSupervisor(c.Context(), f)
	if err != nil {
		return err
	}
	if !running {
		if err := supervisor.KeepWeight(f, name, weight); err != nil {
			return err
		}
		return o.print(c, map[string]any{"server": name, "weight": weight}, func(w io.Writer) {
			line(w, "%s has the weight %d once the cluster is started", name, weight)
		})
	}
	var servers []balancer.Status
	if err := client.Call(c.Context(), "parley.balancer.weigh", supervisor.Weight{Server: name, Weight: weight}, &servers); err != nil {
		return err
	}
	return o.weighed(c, name, servers)
}

// weighed tells what the load-balancer says once the named server has another weight.
func (o *options) weighed(c *cobra.Command, name string, servers []balancer.Status) error {
	return o.print(c, servers, func(w io.Writer) {
		serving := 0
		for _, s := range servers {
			if s.Weight > 0 && s.State == balancer.Up {
				serving++
			}
			if s.Name == name {
				line(w, "%s has the weight %d; it has %d requests in flight", name, s.Weight, s.InFlight)
			}
		}
		if serving == 0 {
			line(w, "No server gets requests now: clients are answered 503. Bring one back: parley server online SERVER")
		}
	})
}
