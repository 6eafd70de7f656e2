package logs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// Deps is what the internal service needs.
type Deps struct {
	// Own are the logs that this server reads itself, by name of the server; Peers are those of all others, where ctx says
	// how long they may take. Why some others are not known is an error beside them.
	Own   func() []Source
	Peers func(context.Context) ([]Source, error)
	Mask  func() Mask // what Own's logs are shown through
	Now   func() time.Time
}

// Source is the log of one server.
type Source struct {
	Server string
	Read   func(context.Context, Query) (Page, error)
}

// In is the input of parley.server.logs.
type In struct {
	CID      string `sio:"cid,optional" doc:"lines of the request with that correlation ID; empty: all"`
	Since    string `sio:",optional" doc:"not older: a time such as 2026-11-21T17:05:00Z, or a duration back from now such as 15m; empty: whatever there is"`
	Until    string `sio:",optional" doc:"older: likewise; empty: up to now"`
	Level    string `sio:",optional" doc:"DEBUG, INFO, WARN or ERROR: that, or more severe; empty: all"`
	Contains string `sio:",optional" doc:"text that a line contains, as it is shown"`
	Server   string `sio:",optional" doc:"lines of that server; empty: of all, and of the supervisor"`
	Limit    int    `sio:",optional" doc:"the newest so many: 1 to 5000; 200, where nothing is said"`
	After    string `sio:",optional" doc:"what next was in an earlier answer: lines that were added since, limit of each server at most"`
	Local    bool   `sio:",optional" doc:"lines of the server that is asked alone"`
}

// Out is what it gives.
type Out struct {
	Lines  []Line   `doc:"oldest first"`
	Next   string   `doc:"to be given as after, for what is added from now on"`
	Cut    bool     `doc:"there is more: a log is longer than what is read at once, or more lines were added than limit; next goes on there"`
	Unread []Unread `doc:"servers whose logs could not be read"`
}

// Unread is a server whose log could not be read.
type Unread struct {
	Server string `doc:"empty: some, nobody knows which"`
	Error  string
}

// Services are parley.server.logs.
func Services(d Deps) []service.Service {
	return []service.Service{
		service.New("parley.server.logs", func(ctx context.Context, _ service.Runtime, in In) (Out, error) { return d.Read(ctx, in) }).
			WithDoc("what the servers of the cluster logged: the newest lines, those of one CID, or what was added").Needs(service.Read),
	}
}

// Ask is what one server is asked for, where another one was asked q.
func Ask(server string, q Query) map[string]any {
	in := map[string]any{"cid": q.CID, "contains": q.Contains, "level": q.Level.String(), "limit": q.Limit, "server": server, "local": true}
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !at.IsZero() {
			in[name] = at.Format(time.RFC3339Nano)
		}
	}
	if q.After != nil {
		in["after"] = placesText(map[string]int64{server: *q.After})
	}
	return in
}

// Answer is what a server gave when it was asked what Ask says.
func Answer(server string, out Out) (Page, error) {
	places, err := placesOf(out.Next)
	return Page{Lines: out.Lines, Next: places[server], Cut: out.Cut}, err
}

// peersTime bounds how long the other servers may take, all at once.
const peersTime = 5 * time.Second

// Read reads the logs of all servers that in means.
func (d Deps) Read(ctx context.Context, in In) (Out, error) {
	q, err := d.query(in)
	if err != nil {
		return Out{}, err
	}
	after, err := placesOf(in.After)
	if err != nil {
		return Out{}, err
	}
	out := Out{Lines: []Line{}, Unread: []Unread{}}
	sources := d.Own()
	if !in.Local && d.Peers != nil {
		peers, err := d.Peers(ctx)
		if err != nil {
			out.Unread = append(out.Unread, Unread{Error: service.AsError(err).Error()})
		}
		sources = append(sources, peers...)
	}
	if sources, err = d.wanted(in, sources); err != nil {
		return Out{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, peersTime)
	defer cancel()
	before := maps.Clone(after)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, s := range sources {
		asked := q
		if at, ok := before[s.Server]; ok {
			asked.After = &at
		}
		all.Go(func() {
			page, err := s.Read(ctx, asked)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				out.Unread = append(out.Unread, Unread{s.Server, service.AsError(err).Error()})
				return
			}
			after[s.Server] = page.Next
			out.Cut = out.Cut || page.Cut
			for _, l := range page.Lines {
				l.Server = s.Server
				l.Attributes = slices.DeleteFunc(l.Attributes, func(a Attribute) bool { return a == Attribute{"server", s.Server} }) // on each line
				out.Lines = append(out.Lines, l)
			}
		})
	}
	all.Wait()
	out.sort()
	if more := len(out.Lines) - q.Limit; more > 0 && in.After == "" {
		out.Lines = out.Lines[more:]
	}
	out.Next = placesText(after)
	slices.SortFunc(out.Unread, func(a, b Unread) int { return cmp.Compare(a.Server, b.Server) })
	return out, nil
}

// sort puts the lines of all servers in the order of their times. One without a time stays behind the one before it.
func (o *Out) sort() {
	var last Line
	for i := range o.Lines {
		if l := &o.Lines[i]; l.At.IsZero() && l.Server == last.Server {
			l.At = last.At
		}
		last = o.Lines[i]
	}
	slices.SortStableFunc(o.Lines, func(a, b Line) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Server, b.Server)) })
}

// wanted are the sources that in means.
func (d Deps) wanted(in In, sources []Source) ([]Source, error) {
	if in.Server == "" {
		return sources, nil
	}
	var names []string
	for _, s := range sources {
		if s.Server == in.Server {
			return []Source{s}, nil
		}
		names = append(names, s.Server)
	}
	slices.Sort(names)
	e := service.Errorf(service.NotFound, "no server %q has a log here; there are %s", in.Server, strings.Join(names, ", "))
	if near := spelling.Nearest(in.Server, names); near != "" {
		e.Fix = "did you mean " + near + "?"
	}
	return nil, e
}

func (d Deps) query(in In) (Query, error) {
	q := Query{CID: in.CID, Contains: in.Contains, Limit: cmp.Or(in.Limit, usualLines), Level: slog.LevelDebug - 100}
	if q.Limit < 1 || q.Limit > mostLines {
		return q, service.Errorf(service.Invalid, "limit: expected 1 to %d, not %d", mostLines, in.Limit)
	}
	if d.Mask != nil {
		q.Mask = d.Mask()
	}
	if in.Level != "" {
		if err := q.Level.UnmarshalText([]byte(in.Level)); err != nil {
			return q, service.Errorf(service.Invalid, "level: expected DEBUG, INFO, WARN or ERROR, not %q", in.Level)
		}
	}
	for _, one := range []struct {
		name, text string
		at         *time.Time
	}{{"since", in.Since, &q.Since}, {"until", in.Until, &q.Until}} {
		if one.text == "" {
			continue
		}
		back, err := time.ParseDuration(one.text)
		if err == nil {
			*one.at = d.Now().Add(-back)
			continue
		}
		if *one.at, err = time.Parse(time.RFC3339Nano, one.text); err != nil {
			return q, service.Errorf(service.Invalid, "%s: expected a time such as 2026-11-21T17:05:00Z or a duration such as 15m, not %q", one.name, one.text)
		}
	}
	return q, nil
}

// placesOf reads what placesText wrote.
func placesOf(text string) (map[string]int64, error) {
	out := map[string]int64{}
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		name, place, _ := strings.Cut(part, "@")
		n, err := strconv.ParseInt(place, 10, 64)
		if err != nil || n < 0 {
			return nil, service.Errorf(service.Invalid, "after: expected what next was in an earlier answer, such as server1@1024, not %q", text)
		}
		out[name] = n
	}
	return out, nil
}

// placesText are the places up to which logs were read.
func placesText(places map[string]int64) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(places)) {
		out = append(out, fmt.Sprintf("%s@%d", name, places[name]))
	}
	return strings.Join(out, ",")
}
