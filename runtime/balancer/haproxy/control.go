package haproxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/balancer"
)

// Control steers an HAProxy that runs, whoever started it, with a configuration that Config.Render made.
type Control struct {
	Sockets   Sockets
	Servers   []Server
	StateFile string // as in Config

	reloading sync.RWMutex // held to write while HAProxy is loaded anew: what is steered meanwhile would be lost
}

func (c *Control) order(ctx context.Context, name, format string, args ...any) error {
	if !slices.ContainsFunc(c.Servers, func(s Server) bool { return s.Name == name }) {
		return c.unknown(name)
	}
	c.reloading.RLock()
	defer c.reloading.RUnlock()
	return order(ctx, c.Sockets.Runtime, fmt.Sprintf(format, args...))
}

func (c *Control) unknown(name string) error {
	names := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		names[i] = s.Name
	}
	return fmt.Errorf("the balancer has no server %q; its servers are %s", name, strings.Join(names, ", "))
}

// Drain gives the server no new requests. Those in flight go on: see Idle.
func (c *Control) Drain(ctx context.Context, name string) error {
	return c.order(ctx, name, "set server servers/%s state drain", name)
}

// Ready ends Drain.
func (c *Control) Ready(ctx context.Context, name string) error {
	return c.order(ctx, name, "set server servers/%s state ready", name)
}

// SetWeight makes weight that of the server, from the next request on.
func (c *Control) SetWeight(ctx context.Context, name string, weight int) error {
	if weight < 0 || weight > balancer.MaxWeight {
		return fmt.Errorf("%d is no weight; expected 0 to %d", weight, balancer.MaxWeight)
	}
	return c.order(ctx, name, "set weight servers/%s %d", name, weight)
}

// CutOff ends what is in flight on the server.
func (c *Control) CutOff(ctx context.Context, name string) error {
	return c.order(ctx, name, "shutdown sessions server servers/%s", name)
}

const (
	idleEvery  = 20 * time.Millisecond
	idleTwice  = 2               // in a row: a request that has just got its server is not counted yet
	idleSilent = 3 * time.Second // of HAProxy, and Idle gives up
)

// Idle waits until nothing is in flight on the server, or ctx ends.
func (c *Control) Idle(ctx context.Context, name string) error {
	tick := time.NewTicker(idleEvery)
	defer tick.Stop()
	zero, last, answered := 0, int64(0), time.Now()
	for {
		n, err := c.inFlight(ctx, name)
		switch {
		case err == nil && n == 0:
			if zero++; zero == idleTwice {
				return nil
			}
			last, answered = n, time.Now()
		case err == nil:
			zero, last, answered = 0, n, time.Now()
		case time.Since(answered) > idleSilent:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s still has %d requests in flight: %w", name, last, ctx.Err())
		case <-tick.C:
		}
	}
}

// inFlight are the requests that all of HAProxy's processes have on the server: one that was replaced ends what it has.
func (c *Control) inFlight(ctx context.Context, name string) (int64, error) {
	text, err := ask(ctx, c.Sockets.Runtime, "show stat servers 4 -1")
	if err != nil {
		return 0, err
	}
	rows, err := readStats(text)
	if err != nil {
		return 0, err
	}
	r, ok := rows["servers/"+name]
	if !ok {
		return 0, c.unknown(name)
	}
	sum := r.number("scur", "qcur")
	if c.Sockets.Master == "" {
		return sum, nil
	}
	p, err := listProcesses(ctx, c.Sockets.Master)
	if err != nil {
		return 0, err
	}
	for _, pid := range p.old {
		// A process that stops has no statistics, but a list of what it still serves.
		text, err := ask(ctx, c.Sockets.Master, "@!"+strconv.Itoa(pid)+" show sess")
		if err != nil {
			return 0, err
		}
		sum += int64(strings.Count(text, " srv="+name+" "))
	}
	return sum, nil
}

// Read is what HAProxy counts: each server in the order of Servers, and all together.
func (c *Control) Read(ctx context.Context) ([]balancer.Status, balancer.Totals, error) {
	text, err := ask(ctx, c.Sockets.Runtime, "show stat -1 7 -1")
	if err != nil {
		return nil, balancer.Totals{}, err
	}
	rows, err := readStats(text)
	if err != nil {
		return nil, balancer.Totals{}, err
	}
	out := make([]balancer.Status, len(c.Servers))
	own := rows["servers/BACKEND"].number("hrsp_5xx")
	for i, s := range c.Servers {
		r, ok := rows["servers/"+s.Name]
		if !ok {
			return nil, balancer.Totals{}, fmt.Errorf("HAProxy does not know %s: it runs another configuration; load it anew: parley haproxy reload", s.Name)
		}
		out[i] = status(s, r)
		own -= r.number("hrsp_5xx")
	}
	back := rows["servers/BACKEND"]
	return out, balancer.Totals{
		Requests: rows["front/FRONTEND"].number("req_tot") - rows["front/FRONTEND"].number("intercepted"),
		Errors:   own, Retried: back.number("wretr"), Waiting: back.number("qcur"), InFlight: back.number("scur"),
	}, nil
}

func status(s Server, r row) balancer.Status {
	out := balancer.Status{
		Name: s.Name, Address: s.Address, State: balancer.Down, Weight: int(r.number("weight")), InFlight: r.number("scur"), Queued: r.number("qcur"),
		Served: r.number("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"), Failed: r.number("econ", "eresp"),
	}
	check := r.check()
	state, _, _ := strings.Cut(r["status"], " ")
	switch {
	case state == "DRAIN" || state == "MAINT":
		out.State = balancer.Draining
	case (state == "UP" || state == "NOLB") && check != "" && check != "INI" && check != "UNK": // it begins as up, before its first check
		out.State = balancer.Up
	case state == "DOWN":
		out.Error = strings.TrimSuffix(strings.TrimSpace(r["check_desc"]+": "+r["last_chk"]), ":")
	}
	return out
}

// Reload loads HAProxy anew from its configuration's file, which must have been checked. It returns once the new
// process serves. What is drained or down stays so.
func (c *Control) Reload(ctx context.Context) error {
	if c.Sockets.Master == "" {
		return errors.New("HAProxy cannot be loaded anew from here: its master socket is not known; name it in cluster.yaml as balancer.haproxy.master, " +
			"and start HAProxy with -S and that path")
	}
	c.reloading.Lock()
	defer c.reloading.Unlock()
	before, err := listProcesses(ctx, c.Sockets.Master)
	if err != nil {
		return err
	}
	drained, err := c.saveStates(ctx)
	if err != nil {
		return err
	}
	if _, err := ask(ctx, c.Sockets.Master, "reload"); err != nil {
		return err
	}
	tick := time.NewTicker(idleEvery)
	defer tick.Stop()
	for {
		now, err := listProcesses(ctx, c.Sockets.Master) // refused while the master starts itself anew
		switch {
		case err != nil:
		case now.failed > before.failed:
			return fmt.Errorf("HAProxy could not load its configuration anew and goes on with the old one; its log says why")
		case now.reloads > before.reloads && now.worker != 0 && now.worker != before.worker:
			if _, err = ask(ctx, c.Sockets.Runtime, "show info"); err == nil {
				return c.drainAgain(ctx, drained)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("HAProxy was told to load its configuration anew, and is still at it: %w", errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// saveStates writes what the next process begins with. Where there is no file for that, it gives the servers that must
// be drained again.
func (c *Control) saveStates(ctx context.Context) (drained []string, err error) {
	text, err := ask(ctx, c.Sockets.Runtime, "show servers state servers")
	if err == nil && c.StateFile != "" {
		return nil, writeStates(c.StateFile, text)
	}
	return drainedOf(text), err
}

// drainedOf are the servers that "show servers state" calls drained, whether their checks pass or not.
func drainedOf(text string) (names []string) {
	const drained = 0x08 // by a command; HAProxy's management guide, "show servers state"
	name, state := -1, -1
	for line := range strings.Lines(text) {
		fields := strings.Fields(strings.TrimPrefix(line, "# "))
		if strings.HasPrefix(line, "# ") {
			name, state = slices.Index(fields, "srv_name"), slices.Index(fields, "srv_admin_state")
			continue
		}
		if name < 0 || state < 0 || len(fields) <= max(name, state) {
			continue
		}
		if bits, err := strconv.Atoi(fields[state]); err == nil && bits&drained != 0 {
			names = append(names, fields[name])
		}
	}
	return names
}

func (c *Control) drainAgain(ctx context.Context, names []string) (err error) {
	for _, name := range names {
		err = errors.Join(err, order(ctx, c.Sockets.Runtime, "set server servers/"+name+" state drain"))
	}
	return err
}

// writeStates makes text what the state file says; "" is no server's state.
func writeStates(path, text string) error {
	if text == "" {
		text = "1" // the version of its form
	}
	return os.WriteFile(path, []byte(text+"\n"), 0o600)
}
