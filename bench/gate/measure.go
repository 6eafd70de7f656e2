package gate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Request is what is sent to both servers.
type Request struct {
	Name    string            `yaml:"name" json:"name"`     // what reports call it; empty: method and path
	Method  string            `yaml:"method" json:"method"` // empty: POST where there is a body, else GET
	Path    string            `yaml:"path" json:"path"`
	Headers map[string]string `yaml:"headers" json:"headers,omitempty"`
	Body    string            `yaml:"body" json:"body,omitempty"`
	Weight  float64           `yaml:"weight" json:"weight"` // its share of the traffic, against those of others; 0: 1
}

func (q Request) withDefaults() (Request, error) {
	if q.Method == "" {
		q.Method = http.MethodGet
		if q.Body != "" {
			q.Method = http.MethodPost
		}
	}
	if q.Name == "" {
		q.Name = q.Method + " " + q.Path
	}
	if q.Weight == 0 {
		q.Weight = 1
	}
	if !strings.HasPrefix(q.Path, "/") || !(q.Weight > 0) || math.IsInf(q.Weight, 0) { // NaN too
		return q, fmt.Errorf("request %q: expected a path that begins with /, and a weight of more than 0", q.Name)
	}
	try, err := http.NewRequest(q.Method, "http://127.0.0.1"+q.Path, http.NoBody) //nolint:noctx // it is never sent
	if err != nil {
		return q, fmt.Errorf("request %q: %w", q.Name, err)
	}
	if try.URL.Host != "127.0.0.1" {
		return q, fmt.Errorf("request %q: expected a path, not %q", q.Name, q.Path)
	}
	for name, value := range q.Headers {
		if !headerName.MatchString(name) || strings.ContainsAny(value, "\r\n\x00") {
			return q, fmt.Errorf("request %q: no header can be called %q and hold %q", q.Name, name, value)
		}
	}
	return q, nil
}

// headerName is a token (RFC 9110, section 5.6.2).
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// blockTime is how long a block is, for each route.
const blockTime = 200 * time.Millisecond

// usage is what was used up to some moment.
type usage struct {
	at           time.Time
	own, machine time.Duration
	cpu          [2]time.Duration
	allocs, size [2]float64
}

// cycle starts both servers and measures them.
func (g *gate) cycle(ctx context.Context) (c Cycle, err error) {
	c = Cycle{At: time.Now().UTC()}
	dirs, swap := slots(g.root), g.random.IntN(2)
	servers := [2]Server{g.options.Base, g.options.Candidate}
	var running [2]*started
	defer func() {
		for _, r := range running {
			if r != nil {
				r.stop()
			}
		}
	}()
	first := g.random.IntN(2)
	for i := range 2 {
		arm := i ^ first
		if running[arm], err = start(ctx, servers[arm], dirs[arm^swap]); err != nil {
			return c, err
		}
	}
	if err := g.warm(ctx, running); err != nil {
		return c, err
	}
	before := g.used(ctx, running)
	routes, arms := g.rounds(ctx, running)
	after := g.used(ctx, running)
	if err := ctx.Err(); err != nil {
		return c, err
	}
	for _, p := range routes {
		if len(p.blocks) == 0 {
			return c, fmt.Errorf("%s: too few replies in %s to say anything (base %d, candidate %d); measure for longer", p.name, g.options.Measure, len(p.all[0]), len(p.all[1]))
		}
		c.Routes = append(c.Routes, p.route())
	}
	for i := range arms {
		arms[i].spent(before, after, i)
		_, arms[i].RSS = groupCPU(running[i].cmd)
	}
	c.Base, c.Candidate = arms[0], arms[1]
	wall := after.at.Sub(before.at).Seconds()
	c.Generator, c.Others = -1, -1
	if after.own >= 0 {
		own := (after.own - before.own).Seconds()
		servers := (after.cpu[0] - before.cpu[0] + after.cpu[1] - before.cpu[1]).Seconds()
		c.Generator = own / wall
		c.Others = max(0, ((after.machine-before.machine).Seconds()-own-servers)/wall)
	}
	c.Void = g.void(c)
	return c, nil
}

// spent sets what each request of an arm took beside time.
func (a *Arm) spent(before, after usage, arm int) {
	n := float64(a.Requests)
	a.CPU, a.Allocs, a.Bytes = -1, -1, -1
	if after.cpu[arm] >= 0 {
		a.CPU = float64(after.cpu[arm]-before.cpu[arm]) / float64(time.Microsecond) / n
	}
	if before.allocs[arm] >= 0 && after.allocs[arm] >= 0 {
		a.Allocs = (after.allocs[arm] - before.allocs[arm]) / n
		a.Bytes = (after.size[arm] - before.size[arm]) / n
	}
}

func (g *gate) used(ctx context.Context, running [2]*started) (u usage) {
	for i, r := range running {
		u.allocs[i], u.size[i] = r.memory(ctx)
	}
	u.at, u.own, u.machine = time.Now(), ownCPU(), machineCPU()
	for i, r := range running {
		u.cpu[i], _ = groupCPU(r.cmd)
	}
	return u
}

// warm sends requests that are not measured, and finds a target that does not do what is asked.
func (g *gate) warm(ctx context.Context, running [2]*started) error {
	for i := range max(g.options.Warmup, len(g.options.Requests)) {
		q := g.options.Requests[i%len(g.options.Requests)]
		for _, r := range running {
			_, status, err := r.send(ctx, q)
			if err != nil {
				return fmt.Errorf("%s: %s: %w; %s", r.server.Name, q.Name, err, r.said)
			}
			if status >= http.StatusBadRequest && r == running[0] {
				return fmt.Errorf("%s: %s answers %d", r.server.Name, q.Name, status)
			}
		}
	}
	return nil
}

// rounds sends each request to both servers, one at a time, in an order that is drawn anew.
func (g *gate) rounds(ctx context.Context, running [2]*started) (routes []*pairs, arms [2]Arm) {
	for _, q := range g.options.Requests {
		routes = append(routes, &pairs{name: q.Name, weight: q.Weight})
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // between blocks instead
	began := time.Now()
	block := began
	for time.Since(began) < g.options.Measure && ctx.Err() == nil {
		i := draw(g.random, g.options.Requests)
		first := g.random.IntN(2)
		for k := range 2 {
			arm := k ^ first
			took, status, err := running[arm].send(ctx, g.options.Requests[i])
			if ctx.Err() != nil {
				return routes, arms
			}
			arms[arm].Requests++
			if err != nil || status >= http.StatusBadRequest {
				arms[arm].Errors++
			}
			routes[i].add(arm, took)
		}
		if time.Since(block) >= blockTime*time.Duration(len(routes)) {
			for _, r := range routes {
				r.end()
			}
			runtime.GC()
			block = time.Now()
		}
	}
	for i := range arms {
		var all []time.Duration
		for _, r := range routes {
			all = append(all, r.all[i]...)
		}
		arms[i].P50, arms[i].P99 = quantile(all, 0.5), quantile(all, 0.99)
	}
	return routes, arms
}

// draw chooses a request by weight.
func draw(random *rand.Rand, requests []Request) int {
	if len(requests) == 1 {
		return 0
	}
	sum := 0.0
	for _, q := range requests {
		sum += q.Weight
	}
	at := random.Float64() * sum
	for i, q := range requests {
		if at -= q.Weight; at < 0 {
			return i
		}
	}
	return len(requests) - 1
}

// mostGenerator is how much of a core the generator may take: beyond, it is what is measured.
const mostGenerator = 0.6

func (g *gate) void(c Cycle) string {
	switch {
	case c.Base.Errors > 0:
		return fmt.Sprintf("%d of %d requests to the base failed", c.Base.Errors, c.Base.Requests)
	case c.Generator > mostGenerator:
		return fmt.Sprintf("the generator took %.0f %% of a core", c.Generator*100)
	}
	return ""
}
