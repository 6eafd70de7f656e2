package supervisor

import (
	"context"
	"time"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/service"
)

// ServerInfo is one server as parley.server.list gives it.
type ServerInfo struct {
	Name     string `json:"name"`
	Address  string `json:"address"` // host:port of its channels
	Admin    string `json:"admin"`   // host:port of its admin API
	PID      int    `json:"pid"`     // 0: it does not run
	State    string `json:"state"`   // up, down, starting, draining or stopped
	Restarts int    `json:"restarts"`
	Program  string `json:"program"` // path of the file that it was started from
	Version  string `json:"version"` // what that says of itself; empty: it is the cluster's own, and was not asked
}

// Target names a server in a request; without it, all are meant.
type Target struct {
	Server string `json:"server" sio:"server,optional"`
}

// One names a server in a request.
type One struct {
	Server string `json:"server"`
}

// Weight gives a server its share of the requests.
type Weight struct {
	Server string `json:"server"`
	Weight int    `json:"weight"`
}

// BalancerInfo is what parley.balancer.stats gives.
type BalancerInfo struct {
	Kind    string            `json:"kind"` // embedded, haproxy with its version, or external
	Totals  balancer.Totals   `json:"totals"`
	Error   string            `json:"error"` // why HAProxy does not answer; empty where it does
	Servers []balancer.Status `json:"servers"`
	// Idempotent are the channels that it knows to be so, such as POST /rates/{id}: it sends their requests to another server
	// where one dies over them. An external HAProxy knows those that its configuration was made with.
	Idempotent []string `json:"idempotent"`
}

type none struct{}

type stopped struct {
	Stopping bool `json:"stopping"`
}

// InternalServices are the supervisor's, for documentation: they cannot be called. No supervisor needs to run.
func InternalServices() []service.Service { return (&Supervisor{}).Services() }

// Services are the supervisor's internal services. Those that start and stop answer with the list of servers,
// as it is when they are done: a stop waits until the servers have stopped, a start until they have begun.
func (s *Supervisor) Services() []service.Service {
	return []service.Service{
		service.New("parley.server.list", func(ctx context.Context, _ service.Runtime, _ none) ([]ServerInfo, error) {
			return s.Servers(ctx), nil
		}).WithDoc("The servers of the cluster and their states.").Needs(service.Read),
		service.New("parley.server.start", s.start).WithDoc("Starts one server, or all that do not run.").Needs(service.Operate),
		service.New("parley.server.stop", s.stopServers).WithDoc("Stops one server, or all, once what is in flight is done.").Needs(service.Operate),
		service.New("parley.server.replace", s.replace).WithDoc("Starts a server anew, drained before, from the same program or another; what does not get ready is put back.").Needs(service.Manage),
		service.New("parley.balancer.status", func(ctx context.Context, _ service.Runtime, _ none) ([]balancer.Status, error) {
			return s.look(ctx).Servers, nil
		}).WithDoc("The servers as the balancer sees them.").Needs(service.Read),
		service.New("parley.balancer.stats", func(ctx context.Context, _ service.Runtime, _ none) (BalancerInfo, error) {
			return s.look(ctx), nil
		}).WithDoc("What the balancer counts, over all servers and for each.").Needs(service.Read),
		service.New("parley.balancer.drain", s.steer(front.Drain)).WithDoc("Gives a server no new requests.").Needs(service.Operate),
		service.New("parley.balancer.ready", s.steer(front.Ready)).WithDoc("Ends parley.balancer.drain.").Needs(service.Operate),
		service.New("parley.balancer.weigh", s.weigh).WithDoc("Sets a server's share of the requests, kept over restarts: 0 takes it offline, 100 is usual.").Needs(service.Operate),
		service.New("parley.balancer.reload", s.reload).WithDoc("Makes and loads HAProxy's configuration anew, without closing a connection.").Needs(service.Operate),
		service.New("parley.supervisor.stop", func(context.Context, service.Runtime, none) (stopped, error) {
			s.Stop()
			return stopped{true}, nil
		}).WithDoc("Stops the cluster. The answer comes at once: it has stopped when DIR/run/supervisor.json is gone.").Needs(service.Manage),
	}
}

func (s *Supervisor) start(ctx context.Context, _ service.Runtime, in Target) ([]ServerInfo, error) {
	return s.change(ctx, in, true, func(p *process, attempts int) bool {
		return p.pid != 0 && !p.stopping || p.attempts != attempts || !p.wanted
	})
}

func (s *Supervisor) stopServers(ctx context.Context, _ service.Runtime, in Target) ([]ServerInfo, error) {
	return s.change(ctx, in, false, func(p *process, _ int) bool { return !p.active || p.wanted })
}

// change asks for servers to run, or not, and waits until done holds of each. done also gets the number of
// attempts to start it that were made before.
func (s *Supervisor) change(ctx context.Context, in Target, run bool, done func(p *process, attempts int) bool) ([]ServerInfo, error) {
	all, err := s.named(in.Server)
	if err != nil {
		return nil, &service.Error{Code: service.NotFound, Message: err.Error(), Err: err}
	}
	before := make([]int, len(all))
	for i, p := range all {
		p.set(func() { before[i] = p.attempts })
		p.want(run)
	}
	for i, p := range all {
		if err := p.wait(ctx, func() bool { return done(p, before[i]) }); err != nil {
			return nil, service.Errorf(service.Timeout, "%s is still at it: %w", p.server.Name, err)
		}
	}
	return s.Servers(ctx), nil
}

func (s *Supervisor) steer(do func(front, context.Context, string) error) func(context.Context, service.Runtime, One) ([]balancer.Status, error) {
	return func(ctx context.Context, _ service.Runtime, in One) ([]balancer.Status, error) {
		if _, err := s.named(in.Server); err != nil {
			return nil, &service.Error{Code: service.NotFound, Message: err.Error(), Err: err}
		}
		if err := do(s.front, ctx, in.Server); err != nil {
			return nil, unsteered(err)
		}
		return s.look(ctx).Servers, nil
	}
}

// unsteered is a balancer that does not do what it was asked for.
func unsteered(err error) error {
	return &service.Error{Code: service.Unavailable, Message: err.Error(), Err: err}
}

func (s *Supervisor) weigh(ctx context.Context, _ service.Runtime, in Weight) ([]balancer.Status, error) {
	if _, err := s.d.Folder.Server(in.Server); err != nil {
		return nil, &service.Error{Code: service.NotFound, Message: err.Error(), Err: err}
	}
	s.weighing.Lock()
	defer s.weighing.Unlock()
	if err := checkWeight(in.Weight); err != nil {
		return nil, &service.Error{Code: service.Invalid, Message: err.Error(), Err: err}
	}
	if err := keepWeight(s.d.Folder, toldBy(ctx, in)); err != nil {
		return nil, &service.Error{Code: service.Invalid, Message: err.Error(), Err: err}
	}
	unset := s.front.SetWeight(ctx, in.Server, in.Weight)
	if err := s.recordWeights(ctx); err != nil { // followWeights tries again: a server must be brought back also when none can write it down
		s.d.Log.Warn("a weight is not in the audit log yet", "err", err)
	}
	if unset != nil {
		return nil, unsteered(unset)
	}
	return s.look(ctx).Servers, nil
}

func (s *Supervisor) reload(ctx context.Context, _ service.Runtime, _ none) (BalancerInfo, error) {
	if err := s.front.Reload(ctx); err != nil {
		return BalancerInfo{}, unsteered(err)
	}
	return s.look(ctx), nil
}

// look is what the balancer says of itself. Where it does not answer, its servers are down to clients.
func (s *Supervisor) look(ctx context.Context) BalancerInfo {
	info := BalancerInfo{Kind: s.front.Kind(), Idempotent: []string{}}
	if known := s.idempotent.Load(); known != nil {
		info.Idempotent = *known
	}
	var err error
	if info.Servers, info.Totals, err = s.front.Read(ctx); err == nil {
		return info
	}
	info.Error = err.Error()
	if len(info.Servers) > 0 {
		return info
	}
	for _, p := range s.processes {
		info.Servers = append(info.Servers, balancer.Status{Name: p.server.Name, Address: p.server.Address, State: balancer.Down, Error: err.Error()})
	}
	return info
}

// Servers are the servers of the cluster, in the order of its file.
func (s *Supervisor) Servers(ctx context.Context) []ServerInfo {
	seen := s.look(ctx).Servers
	out := make([]ServerInfo, len(s.processes))
	for i, p := range s.processes {
		out[i] = p.info(seen[i].State)
	}
	return out
}

// info joins what the process is with what the balancer sees of it.
func (p *process) info(seen string) ServerInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	info := ServerInfo{
		Name: p.server.Name, Address: p.server.Address, Admin: p.server.Admin, PID: p.pid, Restarts: p.restarts, State: seen,
		Program: p.program.path, Version: p.program.Version,
	}
	switch {
	case p.pid == 0 && p.wanted && !p.died && p.attempts == 0: // its turn is to come
		info.State = "starting"
	case p.pid == 0 && (p.died || p.wanted):
		info.State = balancer.Down
	case p.pid == 0:
		info.State = "stopped"
	case p.stopping:
		info.State = balancer.Draining
	case seen == balancer.Down && time.Since(p.started) < startingMost:
		info.State = "starting"
	}
	return info
}
