package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/parley-run/parley/bench/figures"
)

const (
	connections = 16
	settleLimit = 5 * time.Second
	ratioTarget = 0.85
	noisy       = 0.15 // share of the CPUs that others take
	byHandArm   = "hand-written net/http service"
	parleyArm   = "parley"
)

// pace is how the arms take turns. Turns are short, so that what else the machine does meets all arms alike.
type pace struct {
	warmUp time.Duration // of each arm
	turn   time.Duration
	turns  int // of each arm in a round
	rounds int
}

func paceOf(o options) pace {
	return pace{warmUp: 2 * time.Second, turn: 100 * time.Millisecond, turns: 10, rounds: o.rounds}
}

// arm is one of the services that are compared, in a process of its own.
type arm struct {
	name     string
	address  string
	pid      int
	request  []byte // nil: the tutorial's
	load     *load
	answered int
	now      round
	rates    []float64 // requests/s, a round each
	costs    []float64 // us of CPU for each request, a round each; empty where the operating system does not tell
}

// throughput compares the tutorial's request with the same work written by hand, under the same load.
func throughput(ctx context.Context, o options) (s figures.Section, err error) {
	b := backEnds{}
	back, err := startChild(ctx, &b, "serve-back-ends")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, back.close()) }()
	cluster, err := o.tutorialCluster(ctx, 1, b)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	at := address{}
	config, err := json.Marshal(byHandConfig{BackEnds: b, Redis: cluster.KVDB()})
	if err != nil {
		return s, err
	}
	process, err := startChild(ctx, &at, "serve-by-hand", "--config", string(config))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, process.close()) }()
	status, err := cluster.Status(ctx)
	if err != nil {
		return s, err
	}
	hand := &arm{name: byHandArm, address: at.Address, pid: process.pid()}
	parley := &arm{name: parleyArm, address: hostPort(cluster.ServerAddress(1)), pid: status.Servers[0].PID}
	if err := sameReplies(ctx, hand, parley); err != nil {
		return s, err
	}
	others := newForeign(os.Getpid(), back.pid(), status.Supervisor.PID, hand.pid, parley.pid)
	if err := compare(ctx, []*arm{hand, parley}, paceOf(o), others); err != nil {
		return s, err
	}
	if err := sameWork(ctx, b, hand, parley); err != nil {
		return s, err
	}
	return throughputSection(hand, parley, paceOf(o), others), nil
}

// sends is the request that the arm is loaded with.
func (a *arm) sends() []byte {
	if a.request != nil {
		return a.request
	}
	return requestOf(http.MethodPost, a.address, tutorialPath, tutorialBody)
}

// sameReplies makes sure that all arms answer the same.
func sameReplies(ctx context.Context, arms ...*arm) error {
	first := ""
	for _, a := range arms {
		w, err := dial(ctx, a.address, a.sends())
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		status, body, err := w.roundTrip()
		w.close()
		if err != nil || status != http.StatusOK {
			return errors.Join(fmt.Errorf("%s answered %d: %.300s", a.name, status, body), err)
		}
		a.answered++
		if first == "" {
			first = string(body)
		}
		if string(body) != first {
			return fmt.Errorf("%s answered %s, and %s answered %s", arms[0].name, first, a.name, body)
		}
	}
	return nil
}

// compare loads the arms by turns, each time in the other order.
func compare(ctx context.Context, arms []*arm, p pace, others *foreign) error {
	for _, a := range arms {
		var err error
		if a.load, err = newLoad(ctx, connections, a.address, a.sends()); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		defer a.load.close()
		n, _, err := a.load.run(ctx, p.warmUp)
		if a.answered += n; err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	order := slices.Clone(arms)
	others.begin()
	for range p.rounds {
		for _, a := range arms {
			a.beginRound()
		}
		for range p.turns {
			for _, a := range order {
				if err := a.turn(ctx, p.turn); err != nil {
					return fmt.Errorf("%s: %w", a.name, err)
				}
			}
			slices.Reverse(order)
		}
		for _, a := range arms {
			a.endRound()
		}
	}
	others.end()
	return nil
}

// round is what the turns of one round add up to.
type round struct {
	answered int
	took     time.Duration
	cpu      time.Duration // of the process before the round; between its turns it idles
	noCPU    error
}

func (a *arm) beginRound() {
	a.now = round{}
	a.now.cpu, a.now.noCPU = cpuTime(a.pid)
}

func (a *arm) turn(ctx context.Context, d time.Duration) error {
	n, took, err := a.load.run(ctx, d)
	a.now.answered += n
	a.now.took += took
	return err
}

func (a *arm) endRound() {
	r := a.now
	a.answered += r.answered
	a.rates = append(a.rates, float64(r.answered)/r.took.Seconds())
	if cpu, err := cpuTime(a.pid); err == nil && r.noCPU == nil {
		a.costs = append(a.costs, float64((cpu-r.cpu).Microseconds())/float64(r.answered))
	}
}

// sameWork makes sure that each request of each arm reached all three back ends.
func sameWork(ctx context.Context, b backEnds, arms ...*arm) error {
	want := int64(0)
	for _, a := range arms {
		want += int64(a.answered)
	}
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for {
		got, err := askCounts(ctx, b.Counts)
		if err == nil && got != (counts{want, want, want}) {
			err = fmt.Errorf("%d requests were answered, but the CRM was called %d times, payments %d times, and fraud detection got %d messages",
				want, got.CRM, got.Payments, got.Frauds)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond): // messages may be on their way
		}
	}
}

func askCounts(ctx context.Context, url string) (counts, error) {
	var out counts
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return out, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return out, err
	}
	defer func() { _ = res.Body.Close() }()
	return out, json.NewDecoder(res.Body).Decode(&out)
}

func throughputSection(hand, parley *arm, p pace, others *foreign) figures.Section {
	s := figures.Section{Title: fmt.Sprintf("the tutorial's request, sent to one server by %d connections in turns of %s", connections, p.turn)}
	s.Figures = append(
		s.Figures,
		figures.Median("throughput.by_hand", byHandArm, hand.rates, "requests/s"),
		figures.Median("throughput.parley", parleyArm, parley.rates, "requests/s"),
		figures.Median("throughput.ratio", "ratio, parley to hand-written", figures.Ratios(parley.rates, hand.rates), "").AtLeast(ratioTarget),
	)
	if len(hand.costs) > 0 {
		s.Figures = append(
			s.Figures,
			figures.Median("throughput.by_hand_cpu", "CPU of a request, hand-written", hand.costs, "us"),
			figures.Median("throughput.parley_cpu", "CPU of a request, parley", parley.costs, "us"),
			figures.Median("throughput.cpu_ratio", "ratio of CPU, parley to hand-written", figures.Ratios(parley.costs, hand.costs), ""),
		)
	}
	for _, one := range []struct {
		name string
		arm  *arm
	}{{"throughput.by_hand_resident", hand}, {"throughput.parley_resident", parley}} {
		if resident, err := memoryOf(one.arm.pid, "VmRSS"); err == nil {
			s.Figures = append(s.Figures, figures.Of(one.name, "resident memory at the end, "+one.arm.name, float64(resident)/megabyte, "MB"))
		}
	}
	s.Notes = []string{
		"hand-written: the same back ends, Redis, pool sizes and time-outs; it counts and times, and writes no log line, where parley writes one for each request",
		"each has its own garbage collector settings: Go's defaults, and what parley sets; GOGC=100 in the environment makes both equal",
		"the load, the back ends and Redis cost both the same CPU, so that requests/s differ less than the services' own CPU does",
	}
	own, foreign, known := others.shares()
	if known {
		s.Notes = append(s.Notes, fmt.Sprintf("of the CPUs all that is measured here took %.0f %%, other processes %.0f %%", own*100, foreign*100))
	}
	if foreign > noisy {
		s.Notes = append(s.Notes, "other processes took so much that the ratio of requests/s says little; measure again when they have ended")
	}
	return s
}
