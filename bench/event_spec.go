package bench

import (
	"slices"
	"strings"
	"time"
)

// Event is something done while the load runs. Events run one at a time. Those with at alone come one after another, each when
// it is due or when the one before has ended; those with when or after come when that holds.
type Event struct {
	Name   string    `yaml:"name"`   // what reports call it; default: what it does, such as "kill server1"
	At     Duration  `yaml:"at"`     // from the start of the measured part; with when or after: from when that holds
	When   Condition `yaml:"when"`   // such as "p99 > 200ms for 2s": it may never come
	After  string    `yaml:"after"`  // the event of that name has ended
	Do     string    `yaml:"do"`     // one of EventKinds; also with what it needs: "kill server1", "latency 200ms on database"
	Server string    `yaml:"server"` // kill, stop, start, restart, pause, resume, drain, undrain: which one
	File   string    `yaml:"file"`   // deploy, undeploy: the service file
	Link   string    `yaml:"link"`   // latency, cut, stall, mend: which connection of the cluster
	By     Duration  `yaml:"by"`     // latency: how much
	Run    string    `yaml:"run"`    // a shell command; do is then "run" and may be left out
}

// The kinds of events; all but EventRun are done by the function given to Run.
const (
	EventDeploy   = "deploy"
	EventUndeploy = "undeploy"
	EventKill     = "kill"
	EventStop     = "stop"
	EventStart    = "start"
	EventRestart  = "restart"
	EventPause    = "pause" // the server stands still: connections stay open, and nothing answers
	EventResume   = "resume"
	EventDrain    = "drain" // the balancer gives the server no new requests
	EventUndrain  = "undrain"
	EventReload   = "reload"  // the balancer reads its configuration again
	EventLatency  = "latency" // a link takes longer
	EventCut      = "cut"     // a link refuses
	EventStall    = "stall"   // a link lets nothing through
	EventMend     = "mend"    // a link is whole again
	EventRun      = "run"
)

// EventKinds are the words allowed in do.
func EventKinds() []string {
	return []string{
		EventDeploy, EventUndeploy, EventKill, EventStop, EventStart, EventRestart, EventPause, EventResume, EventDrain, EventUndrain,
		EventReload, EventLatency, EventCut, EventStall, EventMend, EventRun,
	}
}

// Label is the event in a few words, such as "kill server1".
func (e *Event) Label() string {
	switch {
	case e.Name != "":
		return e.Name
	case e.Server != "":
		return e.Do + " " + e.Server
	case e.File != "":
		return e.Do + " " + e.File[strings.LastIndexAny(e.File, `/\`)+1:]
	case e.Link != "" && e.By > 0:
		return e.Do + " " + e.By.String() + " on " + e.Link
	case e.Link != "":
		return e.Do + " " + e.Link
	case e.Run != "":
		return "run " + e.Run
	}
	return e.Do
}

func (e *Event) conditional() bool { return e.When.Text != "" || e.After != "" }

// spelledOut is e with what its do says in one text put into the fields.
func (e Event) spelledOut() Event {
	if e.Do == "" && e.Run != "" {
		e.Do = EventRun
	}
	kind, rest, more := strings.Cut(e.Do, " ")
	rest = strings.TrimSpace(rest)
	if !more || rest == "" || !slices.Contains(EventKinds(), kind) {
		return e
	}
	put := func(into *string) {
		if *into == "" {
			*into, e.Do = rest, kind
		}
	}
	switch kind {
	case EventDeploy, EventUndeploy:
		put(&e.File)
	case EventRun:
		put(&e.Run)
	case EventReload:
		e.Do = kind // what follows says of what: there is one balancer
	case EventCut, EventStall, EventMend:
		put(&e.Link)
	case EventLatency:
		by, link, both := strings.Cut(rest, " on ")
		d, err := time.ParseDuration(strings.TrimSpace(by))
		if !both || err != nil || e.Link != "" || e.By != 0 {
			return e
		}
		e.Do, e.By, e.Link = kind, Duration(d), strings.TrimSpace(link)
	default:
		put(&e.Server)
	}
	return e
}

func (e *Event) faults(duration Duration, add func(field, format string, args ...any)) {
	if e.At >= duration {
		add(".at", "event at %s is past the load's duration of %s", e.At, duration)
	}
	if e.When.Text != "" && e.After != "" {
		add(".when", "an event has when or after, not both")
	}
	if !slices.Contains(EventKinds(), e.Do) {
		if strings.HasPrefix(e.Do, EventLatency+" ") {
			add(".do", "event %q: write it as latency 200ms on LINK", e.Do)
			return
		}
		if e.Do == "" {
			add("", "an event needs do, such as do: kill server1, or run, a shell command")
			return
		}
		first, _, _ := strings.Cut(e.Do, " ")
		add(".do", "event %q is not known; there are %s%s", e.Do, strings.Join(EventKinds(), ", "), meant(first, EventKinds()))
		return
	}
	needs := func(field, value string, kinds ...string) {
		switch wanted := slices.Contains(kinds, e.Do); {
		case wanted && value == "":
			add("", "event %q needs %s", e.Do, field)
		case !wanted && value != "":
			add("."+field, "event %q takes no %s", e.Do, field)
		}
	}
	needs("server", e.Server, EventKill, EventStop, EventStart, EventRestart, EventPause, EventResume, EventDrain, EventUndrain)
	needs("file", e.File, EventDeploy, EventUndeploy)
	needs("run", e.Run, EventRun)
	needs("link", e.Link, EventLatency, EventCut, EventStall, EventMend)
	by := ""
	if e.By > 0 {
		by = e.By.String()
	}
	needs("by", by, EventLatency)
}
