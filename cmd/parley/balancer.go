package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/supervisor"
)

// balancerStatus is the load-balancer's part of parley status, and what parley balancer prints.
type balancerStatus struct {
	Address string `json:"address"`
	URL     string `json:"url"`
	supervisor.BalancerInfo
}

func balancerCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "balancer [DIR]",
		Short: "What the load-balancer counts, over all servers and for each",
		Long: "What the load-balancer counts, over all servers and for each, since it was started; HAProxy's counts begin anew when its configuration is\n" +
			"loaded anew.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if o.address != "" {
				var status balancerStatus
				if err := o.callAt(c.Context(), "parley.balancer.stats", struct{}{}, &status.BalancerInfo); err != nil {
					return err
				}
				return o.print(c, status, status.write)
			}
			f, _, err := o.target(args)
			if err != nil {
				return err
			}
			if err := needSupervisor(f); err != nil {
				return err
			}
			client, running, err := dialSupervisor(c.Context(), f)
			if err != nil {
				return err
			}
			if !running {
				return fmt.Errorf("the cluster in %s is not running; start it: parley start %s", f.Dir, f.Dir)
			}
			status := balancerStatus{Address: f.Cluster.Balancer.Address, URL: f.BalancerURL()}
			if err := client.Call(c.Context(), "parley.balancer.stats", struct{}{}, &status.BalancerInfo); err != nil {
				return err
			}
			return o.print(c, status, status.write)
		},
	}
}

// write is all of it.
func (b balancerStatus) write(w io.Writer) {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	at := ""
	if b.URL != "" {
		at = " at " + b.URL
	}
	line(w, "The load-balancer%s (%s)", at, b.Kind)
	if b.Error != "" {
		line(w, "  does not say how its servers fare: %s", b.Error)
		return
	}
	for _, row := range [][]string{
		{"requests", number(b.Totals.Requests)},
		{"answered by itself", number(b.Totals.Errors)},
		{"tried again", number(b.Totals.Retried)},
		{"waiting now", number(b.Totals.Waiting)},
		{"in flight now", number(b.Totals.InFlight)},
	} {
		line(w, "  %-18s  %s", row[0], row[1])
	}
	for _, one := range b.Idempotent {
		line(w, "  %-18s  %s", "idempotent", one)
	}
	line(w, "")
	var rows [][]string
	for _, s := range b.Servers {
		rows = append(rows, []string{s.Name, s.State, number(int64(s.Weight)), number(s.InFlight), number(s.Queued), number(s.Served), number(s.Failed), s.Error})
	}
	table(w, []string{"  SERVER", "STATE", "WEIGHT", "IN FLIGHT", "QUEUED", "SERVED", "FAILED", "LAST CHECK"}, indent(rows))
}

// remark is what parley status says of it: what is out of the ordinary.
func (b balancerStatus) remark(w io.Writer) {
	if b.Error != "" {
		line(w, "  the load-balancer does not say how its servers fare: %s", b.Error)
		return
	}
	for _, s := range b.Servers {
		switch s.Weight {
		case balancer.DefaultWeight:
		case 0:
			line(w, "  %s is offline: it gets no requests until: parley server online %s", s.Name, s.Name)
		default:
			line(w, "  %s has the weight %d; %d is usual", s.Name, s.Weight, balancer.DefaultWeight)
		}
	}
}
