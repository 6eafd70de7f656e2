package dashboard

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func homePage() page {
	return page{
		path: "/", title: "Is all well?", section: "Is all well?", template: homeTemplate, show: showHome, act: actHome,
		calls: []string{
			"parley.cluster.members", "parley.server.list", "parley.server.info", "parley.balancer.stats", "parley.balancer.drain", "parley.balancer.ready",
			"parley.stats.summary",
		},
	}
}

const homeTemplate = `
{{with .Page}}
<div class="verdict {{.Class}}" data-refresh="5">
<span class="dot"></span>
<div><h1>{{.Verdict}}</h1><p>{{.Because}} <span class="dim">As of {{at .At}} UTC.</span></p></div>
</div>
{{if .Faults}}
<section aria-label="Faults">
<ul class="faults">
{{range .Faults}}<li class="{{.Class}}"><b>{{.What}}</b><p>{{.Why}}{{with .Path}} <a href="{{.}}">Look</a>{{end}}</p></li>
{{end}}
</ul>
</section>
{{end}}
<div class="facts">
<div class="fact"><b>{{.Up}} of {{len .Servers}}</b><span>servers up</span></div>
<div class="fact"><b>{{count .Revision}}</b><span>revision of the catalog</span></div>
<div class="fact"><b>{{count .Hour.Usage}}</b><span>requests in the last hour</span></div>
<div class="fact{{if .Failing}} bad{{end}}"><b>{{percent .Hour.Errors .Hour.Usage}}</b><span>of them failed</span></div>
{{with .Balancer}}<div class="fact"><b>{{count .Totals.InFlight}}</b><span>in flight now</span></div>{{end}}
</div>
<section>
<div class="head"><h2>Servers</h2></div>
{{if .Servers}}
<div class="table"><table>
<thead><tr><th>Server</th><th>State</th><th>Address</th><th class="num">Revision</th><th class="num">Behind</th><th>Content</th><th>Seen</th>{{if .Steers}}<th class="num">Restarts</th><th><span class="dim">Traffic</span></th>{{end}}</tr></thead>
<tbody>
{{range .Servers}}
<tr>
<th scope="row">{{.Name}}</th>
<td><span class="state {{.Class}}">{{.State}}</span></td>
<td class="mono">{{.Address}}</td>
<td class="num">{{count .Revision}}</td>
<td class="num">{{if .Lag}}{{count .Lag}}{{else}}–{{end}}</td>
<td class="mono">{{.Content}}</td>
<td class="dim short">{{if .SeenAt.IsZero}}–{{else}}{{ago .SeenAt}}{{end}}</td>
{{if $.Page.Steers}}<td class="num">{{.Restarts}}</td>
<td>{{if .Here}}<form method="post" action="/">{{template "token" $}}<input type="hidden" name="server" value="{{.Name}}">
{{if eq .State "draining"}}<button class="small" name="do" value="ready" aria-label="Give {{.Name}} new requests">Ready</button>{{else}}<button class="small" name="do" value="drain" aria-label="Give {{.Name}} no new requests">Drain</button>{{end}}
</form>{{end}}</td>{{end}}
</tr>
{{end}}
</tbody>
</table></div>
{{else}}<p class="empty"><b>No server has told of itself yet</b>Start the cluster with <code>parley start</code>.</p>{{end}}
</section>
{{with .Balancer}}
<section>
<div class="head"><h2>Load-balancer</h2><span class="tag">{{.Kind}}</span></div>
<div class="facts">
<div class="fact"><b>{{count .Totals.Requests}}</b><span>requests since its start</span></div>
<div class="fact{{if .Totals.Errors}} bad{{end}}"><b>{{count .Totals.Errors}}</b><span>answered by no server</span></div>
<div class="fact"><b>{{count .Totals.Retried}}</b><span>sent to another server</span></div>
<div class="fact"><b>{{count .Totals.Waiting}}</b><span>wait for a server</span></div>
</div>
<div class="table"><table>
<thead><tr><th>Server</th><th>As it sees it</th><th class="num">Weight</th><th class="num">In flight</th><th class="num">Queued</th><th class="num">Served</th><th class="num">Failed</th><th>Last failed check</th></tr></thead>
<tbody>
{{range .Servers}}<tr><th scope="row">{{.Name}}</th><td><span class="state {{if eq .State "up"}}good{{else if eq .State "down"}}bad{{else}}warn{{end}}">{{.State}}</span></td><td class="num">{{.Weight}}</td><td class="num">{{count .InFlight}}</td><td class="num">{{count .Queued}}</td><td class="num">{{count .Served}}</td><td class="num">{{count .Failed}}</td><td>{{.Error}}</td></tr>
{{end}}
</tbody>
</table></div>
</section>
{{end}}
{{end}}`

// homeData is what the first page shows.
type homeData struct {
	Class, Verdict, Because string
	Faults                  []homeFault
	Servers                 []homeServer
	Up                      int
	Revision                int64
	Hour                    struct{ Usage, Errors int64 }
	Failing                 bool // much of that failed
	At                      time.Time
	Balancer                *balancerInfo
	Steers                  bool // there is a supervisor, and the user may drain
}

// homeFault is one thing that is wrong, told plainly.
type homeFault struct{ What, Why, Path, Class string }

type homeServer struct {
	Name, State, Class, Address, Content string
	Revision, Lag                        int64
	Restarts                             int
	SeenAt                               time.Time
	Here                                 bool // the supervisor of this machine runs it
}

// memberInfo is a server as parley.cluster.members has it.
type memberInfo struct {
	Name        string
	Address     string
	SeenAt      time.Time
	Draining    bool
	Counts      bool
	Revision    int64
	Hash        string
	Quarantined []struct{ Object, Error string }
	Problem     string
}

// supervised is a server as parley.server.list has it.
type supervised struct {
	Name     string
	Address  string
	State    string
	Restarts int
}

type balancerInfo struct {
	Kind    string
	Error   string
	Totals  struct{ Requests, Errors, Retried, Waiting, InFlight int64 }
	Servers []struct {
		Name, State, Error               string
		Weight                           int
		InFlight, Queued, Served, Failed int64
	}
}

func showHome(v *visit) (any, error) {
	d := homeData{At: v.d.Now()}
	members, err := ask[[]memberInfo](v, "parley.cluster.members", nil)
	if err != nil {
		if service.AsError(err).Code == service.Denied {
			return nil, err
		}
		d.fail("The servers do not say how they are.", service.AsError(err).Error(), "")
	}
	d.addMembers(members)
	if v.may("parley.server.list") {
		if here, err := ask[[]supervised](v, "parley.server.list", nil); err == nil {
			d.addSupervised(here)
		} else {
			d.fail("The supervisor does not say what runs.", service.AsError(err).Error(), "")
		}
	}
	if v.may("parley.balancer.stats") {
		if b, err := ask[balancerInfo](v, "parley.balancer.stats", nil); err == nil {
			d.Balancer = &b
			if b.Error != "" {
				d.fail("The load-balancer does not answer.", b.Error, "")
			}
		}
	}
	d.Steers = d.Balancer != nil && v.may("parley.balancer.drain")
	d.judgeServers()
	d.addKVDB(v)
	d.addHour(v)
	d.judge()
	return d, nil
}

func (d *homeData) fail(what, why, path string) {
	d.Faults = append(d.Faults, homeFault{what, why, path, "bad"})
}

func (d *homeData) warn(what, why, path string) {
	d.Faults = append(d.Faults, homeFault{what, why, path, "warn"})
}

func (d *homeData) addMembers(members []memberInfo) {
	for _, m := range members {
		one := homeServer{Name: m.Name, Address: m.Address, Revision: m.Revision, SeenAt: m.SeenAt, State: "up", Content: m.Hash[:min(len(m.Hash), 8)]}
		switch {
		case m.Draining:
			one.State = "draining"
		case !m.Counts:
			one.State = "silent"
		}
		d.Revision = max(d.Revision, m.Revision)
		d.Servers = append(d.Servers, one)
		for _, q := range m.Quarantined {
			d.fail(m.Name+" does not run "+q.Object+".", q.Error, "")
		}
		if m.Problem != "" {
			d.fail(m.Name+" cannot follow the catalog.", m.Problem, "")
		}
	}
	d.differing(members)
}

// differing finds servers that serve other content than others at the same revision.
func (d *homeData) differing(members []memberInfo) {
	first := map[int64]memberInfo{}
	for _, m := range members {
		if !m.Counts || m.Hash == "" {
			continue
		}
		if other, ok := first[m.Revision]; !ok {
			first[m.Revision] = m
		} else if other.Hash != m.Hash {
			d.fail(fmt.Sprintf("%s and %s serve different content.", other.Name, m.Name),
				fmt.Sprintf("Both are at revision %d. Restart one with parley stop and parley start: it then reads all of the catalog.", m.Revision), "")
		}
	}
}

// addSupervised joins what the supervisor knows: servers that never came up are in no other list.
func (d *homeData) addSupervised(here []supervised) {
	for _, s := range here {
		i := slices.IndexFunc(d.Servers, func(one homeServer) bool { return one.Name == s.Name })
		if i < 0 {
			d.Servers = append(d.Servers, homeServer{Name: s.Name, Address: s.Address})
			i = len(d.Servers) - 1
		}
		d.Servers[i].State, d.Servers[i].Restarts, d.Servers[i].Here = s.State, s.Restarts, true
	}
}

func (d *homeData) judgeServers() {
	slices.SortFunc(d.Servers, func(a, b homeServer) int { return cmp.Compare(a.Name, b.Name) })
	for i := range d.Servers {
		s := &d.Servers[i]
		if s.Revision > 0 {
			s.Lag = d.Revision - s.Revision
		}
		switch s.State {
		case "up":
			s.Class = "good"
			d.Up++
			if s.Lag > 0 {
				d.warn(s.Name+" is behind.", fmt.Sprintf("It serves revision %d of %d. Servers follow within 3 s; if it stays behind, its log says why.", s.Revision, d.Revision), "")
			}
		case "draining":
			s.Class = "warn"
			d.warn(s.Name+" is draining.", "It gets no new requests until somebody makes it ready again.", "")
		case "starting":
			s.Class = "warn"
			d.warn(s.Name+" is starting.", "It gets requests as soon as it is ready.", "")
		case "stopped":
			d.warn(s.Name+" is stopped.", "Somebody stopped it; parley start starts it again.", "")
		default:
			s.Class = "bad"
			why := "It does not answer; its log says why."
			if !s.SeenAt.IsZero() {
				why = "It was last seen at " + s.SeenAt.UTC().Format(time.TimeOnly) + " UTC; its log says why."
			}
			d.fail(s.Name+" is "+s.State+".", why, "")
		}
	}
	if len(d.Servers) > 0 && d.Up == 0 {
		d.fail("No server takes requests.", "Clients get nothing but refusals until one is up.", "")
	}
}

func (d *homeData) addKVDB(v *visit) {
	if d.Up == 0 || !v.may("parley.server.info") {
		return
	}
	info, err := ask[struct {
		Name, KVDB string
		Channels   []struct{ Kind, Name, State, Problem string }
	}](v, "parley.server.info", nil)
	if err != nil {
		d.fail("A server that is up does not say what it serves.", service.AsError(err).Error(), "")
		return
	}
	if info.KVDB != "" {
		d.fail("The key/value database cannot be used.", info.Name+": "+info.KVDB, "")
	}
	for _, c := range info.Channels {
		if c.Problem != "" {
			d.fail(fmt.Sprintf("Channel %s cannot run on %s.", c.Name, info.Name), c.Problem, "")
		}
	}
}

// muchFailed is the part of an hour's requests whose failing is worth a word on the first page.
const muchFailed = 0.05

func (d *homeData) addHour(v *visit) {
	if !v.may("parley.stats.summary") {
		return
	}
	report, err := ask[struct {
		Items []struct{ Usage, Errors int64 }
	}](v, "parley.stats.summary", map[string]any{"kind": "service", "last": "hour"})
	if err != nil {
		return // the page says what is wrong with the servers; without statistics it still can
	}
	for _, i := range report.Items {
		d.Hour.Usage += i.Usage
		d.Hour.Errors += i.Errors
	}
	if d.Failing = d.Hour.Usage > 0 && float64(d.Hour.Errors) >= muchFailed*float64(d.Hour.Usage); d.Failing {
		d.warn(percent(d.Hour.Errors, d.Hour.Usage)+" of the last hour's requests failed.", "Statistics say which services.", "/statistics")
	}
}

// judge is the one look.
func (d *homeData) judge() {
	bad := 0
	for _, f := range d.Faults {
		bad += btoi(f.Class == "bad")
	}
	slices.SortStableFunc(d.Faults, func(a, b homeFault) int { return cmp.Compare(a.Class, b.Class) })
	names := func() string {
		var what []string
		for _, f := range d.Faults {
			what = append(what, f.What)
		}
		return strings.Join(what[:min(len(what), 2)], " ")
	}
	switch {
	case bad > 0:
		d.Class, d.Verdict, d.Because = "bad", "No: "+plural(bad, "thing needs you", "things need you"), names()
	case len(d.Faults) > 0:
		d.Class, d.Verdict, d.Because = "warn", "Almost", names()
	default:
		d.Class, d.Verdict = "good", "All is well"
		d.Because = fmt.Sprintf("%s at revision %d, all of one mind.", plural(d.Up, "server is up", "servers are up"), d.Revision)
	}
}

func actHome(v *visit) (string, error) {
	name, server := "parley.balancer.drain", v.PostFormValue("server")
	note := server + " gets no new requests. What is in flight goes on."
	if v.PostFormValue("do") == "ready" {
		name, note = "parley.balancer.ready", server+" gets new requests again."
	}
	if _, err := ask[any](v, name, map[string]string{"server": server}); err != nil {
		return "", err
	}
	v.session.say(note)
	return "/", nil
}
