package stats

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// Deps is what the internal services need.
type Deps struct {
	Stats *Stats
	Flush func(context.Context) // lets the other servers save what they counted, as far as they answer; nil: they are not asked
}

// Services are parley.stats.slowest, most-used, summary, series, compare, slow-requests, samples, watch and watches.
func Services(d Deps) []service.Service {
	return []service.Service{
		service.New("parley.stats.slowest", func(ctx context.Context, _ service.Runtime, in RankIn) (Ranked, error) {
			return d.ranked(ctx, in, Report.Slowest)
		}).WithDoc("what took longest in a time, by mean: services, channels, outconns or servers").Needs(service.Read),
		service.New("parley.stats.most-used", func(ctx context.Context, _ service.Runtime, in RankIn) (Ranked, error) {
			return d.ranked(ctx, in, Report.MostUsed)
		}).WithDoc("what was used most in a time: services, channels, outconns or servers").Needs(service.Read),
		service.New("parley.stats.summary", d.summary).WithDoc("what was counted of each service, channel, outconn or server in a time, by name").Needs(service.Read),
		service.New("parley.stats.series", d.series).WithDoc("what was counted of one, or of all together, in each minute, hour or day of a time: for charts").Needs(service.Read),
		service.New("parley.stats.compare", d.compare).WithDoc("two times side by side").Needs(service.Read),
		service.New("parley.stats.slow-requests", d.slowRequests).WithDoc("the slowest single requests in a time, with their CIDs").Needs(service.Operate),
		service.New("parley.stats.samples", d.samples).WithDoc("requests that were kept with what was asked and answered, secrets masked").Needs(service.Operate),
		service.New("parley.stats.watch", d.watch).WithDoc("says which single requests of a service are kept: slow ones, every n-th").Needs(service.Operate),
		service.New("parley.stats.watches", func(context.Context, service.Runtime, struct{}) ([]Watch, error) {
			out := d.Stats.Watches()
			slices.SortFunc(out, func(a, b Watch) int { return cmp.Compare(a.Service, b.Service) })
			return out, nil
		}).WithDoc("which single requests are kept").Needs(service.Read),
		service.New("parley.stats.save", func(ctx context.Context, _ service.Runtime, _ struct{}) (Saved, error) {
			return Saved{true}, d.Stats.Save(ctx)
		}).WithDoc("saves what this server counted since its last save").Needs(service.Operate),
	}
}

// Saved is the output of parley.stats.save.
type Saved struct{ Saved bool }

// Time says which time is wanted: the last one of a length, or from one moment to another.
type Time struct {
	Last string     `sio:",optional" doc:"minute, hour, day, week (7 days), month (30 days) or year (365 days); an hour, where nothing is said"`
	From *time.Time `doc:"in place of last"`
	To   *time.Time `doc:"now, where it is not said"`
}

// RankIn is the input of parley.stats.slowest, most-used and, but for N, of summary.
type RankIn struct {
	Last     string     `sio:",optional"`
	From     *time.Time // in place of Last
	To       *time.Time
	Kind     string `default:"service"` // or channel, outconn, server
	Server   string `sio:",optional"`   // what that server counted; empty: all
	Internal bool   `sio:",optional"`   // internal services, too
	N        int    `default:"10" min:"1" max:"10000"`
}

// Ranked is what they give: the columns of all lines, and those that were wanted.
type Ranked struct {
	From        time.Time
	To          time.Time
	Kind        string
	AllUsage    int64
	AllTimeMS   float64 `sio:"all_time_ms"`
	AllMeanMS   float64 `sio:"all_mean_ms"`
	SlotSeconds int64
	Items       []Line
}

// lengths are the times that have a name.
func lengths() map[string]time.Duration {
	const day = 24 * time.Hour
	return map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": day, "week": 7 * day, "month": 30 * day, "year": 365 * day}
}

// span is the time that was asked for.
func (d Deps) span(t Time) (from, to time.Time, err error) {
	now := d.Stats.now()
	if t.From == nil && t.To != nil {
		return from, to, service.Errorf(service.Invalid, "to is given without from; give both, or last")
	}
	if t.From == nil {
		length, ok := lengths()[cmp.Or(t.Last, "hour")]
		if !ok {
			return from, to, service.Errorf(service.Invalid, "last: expected minute, hour, day, week, month or year, not %q", t.Last)
		}
		return now.Add(-length), now, nil
	}
	if t.Last != "" {
		return from, to, service.Errorf(service.Invalid, "last and from are both given; give one of them")
	}
	from, to = *t.From, now
	if t.To != nil {
		to = *t.To
	}
	const first, last = 0, 253402300799 // the years 1970 to 9999
	if from.Unix() < first || to.Unix() > last {
		return from, to, service.Errorf(service.Invalid, "the time is not between the years 1970 and 9999")
	}
	if !from.Before(to) {
		return from, to, service.Errorf(service.Invalid, "from is not before to: %s, %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return from, to, nil
}

func kindOf(name string) (Kind, error) {
	if i := slices.Index(kindNames(), name); i >= 0 {
		return ServiceKind + Kind(i), nil
	}
	e := service.Errorf(service.Invalid, "kind: expected one of %s, not %q", strings.Join(kindNames(), ", "), name)
	if near := spelling.Nearest(name, kindNames()); near != "" {
		e.Fix = fmt.Sprintf("did you mean %q?", near)
	}
	return 0, e
}

func (d Deps) report(ctx context.Context, in RankIn, t Time) (Report, error) {
	k, err := kindOf(cmp.Or(in.Kind, ServiceKind.String()))
	if err != nil {
		return Report{}, err
	}
	from, to, err := d.span(t)
	if err != nil {
		return Report{}, err
	}
	d.fresh(ctx)
	r, err := d.Stats.Report(ctx, Query{Kind: k, From: from, To: to, Server: in.Server, Internal: in.Internal})
	if err != nil {
		return r, err
	}
	return r, nil
}

// fresh saves what was counted in the last seconds. Where that fails the answer is some seconds old, and the log says why.
func (d Deps) fresh(ctx context.Context) {
	if d.Flush != nil {
		d.Flush(ctx)
	}
	if err := d.Stats.Save(ctx); err != nil {
		d.Stats.log.Warn("statistics not saved", "err", err)
	}
}

func ranked(in RankIn, r Report, lines []Line) Ranked {
	out := Ranked{
		From: r.From.UTC(), To: r.To.UTC(), Kind: cmp.Or(in.Kind, ServiceKind.String()), AllUsage: r.Usage, AllTimeMS: rounded(r.TimeMS, 3), AllMeanMS: rounded(r.MeanMS, 3),
		SlotSeconds: r.SlotSecs, Items: make([]Line, len(lines)),
	}
	for i, l := range lines {
		out.Items[i] = l.rounded()
	}
	return out
}

// rounded is the line as people read it: shares of two decimals, times of three.
func (l Line) rounded() Line {
	for _, v := range []*float64{&l.MeanMS, &l.MinMS, &l.P50MS, &l.P95MS, &l.P99MS, &l.MaxMS, &l.TimeMS} {
		*v = rounded(*v, 3)
	}
	l.Rate, l.UsageShare, l.TimeShare = rounded(l.Rate, 3), rounded(l.UsageShare, 2), rounded(l.TimeShare, 2)
	means := make([]float64, len(l.MeanTrend))
	for i, v := range l.MeanTrend {
		means[i] = rounded(v, 3)
	}
	l.MeanTrend = means
	return l
}

func rounded(v float64, decimals int) float64 {
	by := math.Pow10(decimals)
	return math.Round(v*by) / by
}

func (d Deps) ranked(ctx context.Context, in RankIn, order func(Report) []Line) (Ranked, error) {
	r, err := d.report(ctx, in, Time{in.Last, in.From, in.To})
	if err != nil {
		return Ranked{}, err
	}
	lines := order(r)
	return ranked(in, r, lines[:min(len(lines), cmp.Or(in.N, 10))]), nil
}

// SummaryIn is the input of parley.stats.summary.
type SummaryIn struct {
	Last     string `sio:",optional"`
	From     *time.Time
	To       *time.Time
	Kind     string `default:"service"`
	Name     string `sio:",optional"` // of one; empty: all
	Server   string `sio:",optional"`
	Internal bool   `sio:",optional"`
}

func (d Deps) summary(ctx context.Context, _ service.Runtime, in SummaryIn) (Ranked, error) {
	rank := RankIn{Kind: in.Kind, Server: in.Server, Internal: in.Internal || isInternal(in.Name)}
	r, err := d.report(ctx, rank, Time{in.Last, in.From, in.To})
	if err != nil {
		return Ranked{}, err
	}
	if in.Name != "" {
		r.Lines = slices.DeleteFunc(r.Lines, func(l Line) bool { return l.Name != in.Name })
	}
	return ranked(rank, r, r.Lines), nil
}

// CompareIn is the input of parley.stats.compare: a time, and another one or, where that is not said, the one of the same
// length just before it.
type CompareIn struct {
	Last      string `sio:",optional"`
	From      *time.Time
	To        *time.Time
	OtherFrom *time.Time
	OtherTo   *time.Time
	Kind      string `default:"service"`
	Server    string `sio:",optional"`
	Internal  bool   `sio:",optional"`
}

// Compared is what it gives.
type Compared struct {
	From      time.Time
	To        time.Time
	OtherFrom time.Time
	OtherTo   time.Time
	Kind      string
	Items     []Pair
}

// Pair is one thing in both times. Changes are in percent of the other time's; null where there was nothing.
type Pair struct {
	Name        string
	Usage       int64
	OtherUsage  int64
	UsageChange *float64
	Errors      int64
	OtherErrors int64
	MeanMS      float64
	OtherMeanMS float64 `sio:"other_mean_ms"`
	MeanChange  *float64
	P95MS       float64
	OtherP95MS  float64 `sio:"other_p95_ms"`
}

func (d Deps) compare(ctx context.Context, _ service.Runtime, in CompareIn) (Compared, error) {
	rank := RankIn{Kind: in.Kind, Server: in.Server, Internal: in.Internal}
	from, to, err := d.span(Time{in.Last, in.From, in.To})
	if err != nil {
		return Compared{}, err
	}
	if (in.OtherFrom == nil) != (in.OtherTo == nil) {
		return Compared{}, service.Errorf(service.Invalid, "of the other time one end is missing; give other_from and other_to, or neither")
	}
	now, err := d.report(ctx, rank, Time{From: &from, To: &to})
	if err != nil {
		return Compared{}, err
	}
	if in.OtherFrom == nil { // up to where the rounded time begins, so that no request is in both
		before := now.From.Add(from.Sub(to)).Truncate(time.Second)
		in.OtherFrom, in.OtherTo = &before, &now.From
	}
	before, err := d.report(ctx, rank, Time{From: in.OtherFrom, To: in.OtherTo})
	if err != nil {
		return Compared{}, err
	}
	out := Compared{From: now.From.UTC(), To: now.To.UTC(), OtherFrom: before.From.UTC(), OtherTo: before.To.UTC(), Kind: cmp.Or(in.Kind, ServiceKind.String())}
	byName := map[string]*Pair{}
	pairOf := func(name string) *Pair {
		if byName[name] == nil {
			byName[name] = &Pair{Name: name}
		}
		return byName[name]
	}
	for _, l := range now.Lines {
		p := pairOf(l.Name)
		p.Usage, p.Errors, p.MeanMS, p.P95MS = l.Usage, l.Errors, rounded(l.MeanMS, 3), rounded(l.P95MS, 3)
	}
	for _, l := range before.Lines {
		p := pairOf(l.Name)
		p.OtherUsage, p.OtherErrors, p.OtherMeanMS, p.OtherP95MS = l.Usage, l.Errors, rounded(l.MeanMS, 3), rounded(l.P95MS, 3)
	}
	for _, p := range byName {
		p.UsageChange = change(float64(p.Usage), float64(p.OtherUsage))
		if p.Usage > 0 {
			p.MeanChange = change(p.MeanMS, p.OtherMeanMS)
		}
		out.Items = append(out.Items, *p)
	}
	slices.SortFunc(out.Items, func(a, b Pair) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func change(now, before float64) *float64 {
	if before == 0 {
		return nil
	}
	percent := rounded(100*(now-before)/before, 1)
	return &percent
}

// KeptIn is the input of parley.stats.slow-requests and parley.stats.samples.
type KeptIn struct {
	Last    string `sio:",optional"`
	From    *time.Time
	To      *time.Time
	Service string `sio:",optional"`
	N       int    `default:"20" min:"1" max:"1000"`
}

func (d Deps) slowRequests(ctx context.Context, _ service.Runtime, in KeptIn) ([]Kept, error) {
	return d.kept(ctx, in, true)
}

func (d Deps) samples(ctx context.Context, _ service.Runtime, in KeptIn) ([]Kept, error) {
	return d.kept(ctx, in, false)
}

func (d Deps) kept(ctx context.Context, in KeptIn, slow bool) ([]Kept, error) {
	from, to, err := d.span(Time{in.Last, in.From, in.To})
	if err != nil {
		return nil, err
	}
	d.fresh(ctx)
	return d.Stats.Kept(ctx, KeptQuery{Service: in.Service, From: from, To: to.Add(time.Millisecond), Slow: slow, N: cmp.Or(in.N, 20)})
}

// WatchIn is the input of parley.stats.watch. What is left out stays as it is.
type WatchIn struct {
	Service string `doc:"its name, or * for all that have no setting of their own"`
	SlowMS  *int64 `sio:"slow_ms" doc:"requests that take as long or longer are kept; 0: none"`
	Every   *int64 `doc:"of so many requests one is kept with what was asked and answered; 0: none"`
}

func (d Deps) watch(ctx context.Context, _ service.Runtime, in WatchIn) (Watch, error) {
	w := Watch{Service: in.Service}
	for _, known := range d.Stats.Watches() {
		if known.Service == in.Service {
			w = known
		}
	}
	for _, one := range []struct {
		name string
		from *int64
		to   *int64
	}{{"slow_ms", in.SlowMS, &w.SlowMS}, {"every", in.Every, &w.Every}} {
		if one.from == nil {
			continue
		}
		if *one.to = *one.from; *one.to < 0 || *one.to > 1e9 {
			return w, service.Errorf(service.Invalid, "%s: expected 0 to 1000000000, not %d", one.name, *one.to)
		}
	}
	if w.Service == "" || len(w.Service) > 500 {
		return w, service.Errorf(service.Invalid, "service: expected the name of a service, or * for all")
	}
	if err := d.Stats.Watch(ctx, w); err != nil {
		return w, err
	}
	if d.Flush != nil {
		d.Flush(ctx) // a server that saves reads it
	}
	return w, nil
}
