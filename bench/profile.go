package bench

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// Profile is one load: how much, of what, for how long, and what happens meanwhile.
type Profile struct {
	Name           string    `yaml:"name"`
	Rate           float64   `yaml:"rate"`             // requests a second
	Duration       Duration  `yaml:"duration"`         // of the measured part
	Warmup         Duration  `yaml:"warmup"`           // the same load before it, not measured; default: none
	Timeout        Duration  `yaml:"timeout"`          // for a reply, from when the request was sent; default: 5 s
	Workers        int       `yaml:"workers"`          // most requests under way at once; default: see DefaultWorkers
	MaxScheduleLag Duration  `yaml:"max_schedule_lag"` // p99 of lag from which the run is invalid; default: 50 ms
	Settle         Duration  `yaml:"settle"`           // between the last reply and reading what was executed; default: 500 ms where an outcome is unknown
	Request        Request   `yaml:"request"`
	Events         []Event   `yaml:"events"`
	Log            *Log      `yaml:"executed"` // where the service records the ids it saw; default: nowhere
	Expect         Threshold `yaml:"expect"`
}

// Request is what is sent. "{{id}}" in path, header values and body becomes the request's number: 1, 2, 3, ... in the
// order of sending, the warm-up included.
type Request struct {
	Method  string            `yaml:"method"` // default: POST
	Path    string            `yaml:"path"`   // begins with "/"
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
}

// Event is something done while the load runs. Events run one after another, each when it is due or when the one
// before has ended.
type Event struct {
	Name   string   `yaml:"name"`   // what reports call it; default: what it does, such as "kill server1"
	At     Duration `yaml:"at"`     // from the start of the measured part
	Do     string   `yaml:"do"`     // one of EventKinds
	Server string   `yaml:"server"` // kill, stop, start, restart, pause, resume, drain, undrain: which one
	File   string   `yaml:"file"`   // deploy, undeploy: the service file
	Run    string   `yaml:"run"`    // a shell command; do is then "run" and may be left out
}

// Log is where the service under load records the ids that it executed.
type Log struct {
	KVDBList string `yaml:"kvdb_list"` // key of a Redis list; each element is one id
}

// Threshold is what the result must keep to. Fields that are nil or zero ask nothing.
type Threshold struct {
	Failed  *int     `yaml:"failed"`  // at most so many
	Unknown *int     `yaml:"unknown"` // at most so many
	Lost    *int     `yaml:"lost"`    // at most so many; needs executed
	Doubled *int     `yaml:"doubled"` // at most so many; needs executed
	P50     Duration `yaml:"p50"`     // of response time, at most
	P95     Duration `yaml:"p95"`
	P99     Duration `yaml:"p99"`
	Max     Duration `yaml:"max"`
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
	EventRun      = "run"
)

// EventKinds are the words allowed in do.
func EventKinds() []string {
	return []string{EventDeploy, EventUndeploy, EventKill, EventStop, EventStart, EventRestart, EventPause, EventResume, EventDrain, EventUndrain, EventRun}
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
	case e.Run != "":
		return "run " + e.Run
	}
	return e.Do
}

// maxRequests bounds a run's memory: a few bytes are kept of each request.
const maxRequests = 50_000_000

// ReadProfile reads a profile's file.
func ReadProfile(path string) (Profile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Profile{}, err
	}
	return ParseProfile(path, raw)
}

// ParseProfile reads a profile. All faults come in one error, each as "name:line:column: message".
func ParseProfile(name string, raw []byte) (Profile, error) {
	var p Profile
	file, err := decode(name, raw, &p)
	if err != nil {
		return Profile{}, err
	}
	p = p.withDefaults()
	var faults []error
	for _, f := range p.faults() {
		faults = append(faults, faultAt(name, file, f.path, f.message))
	}
	return p, errors.Join(faults...)
}

// withDefaults fills in what was left out.
func (p Profile) withDefaults() Profile {
	if p.Request.Method == "" {
		p.Request.Method = http.MethodPost
	}
	p.Request.Method = strings.ToUpper(p.Request.Method)
	if p.Timeout == 0 {
		p.Timeout = Duration(5 * time.Second)
	}
	if p.Workers == 0 {
		p.Workers = DefaultWorkers(p.Rate, p.Timeout.Std())
	}
	if p.MaxScheduleLag == 0 {
		p.MaxScheduleLag = Duration(50 * time.Millisecond)
	}
	p.Events = slices.Clone(p.Events)
	for i := range p.Events {
		if p.Events[i].Do == "" && p.Events[i].Run != "" {
			p.Events[i].Do = EventRun
		}
	}
	return p
}

// DefaultWorkers is how many requests may be under way at once: as many as fall due within the timeout, so that a
// target which stands still holds back no request, but at least 64 and at most 8,192. vegeta itself sets no bound, and
// then on few cores the generator drowns in goroutines and connections of its own when the target slows down.
func DefaultWorkers(rate float64, timeout time.Duration) int {
	return int(min(max(math.Ceil(rate*timeout.Seconds()), 64), 8192))
}

type profileFault struct{ path, message string }

func (p *Profile) faults() []profileFault {
	var out []profileFault
	add := func(path, format string, args ...any) {
		out = append(out, profileFault{path, fmt.Sprintf(format, args...)})
	}
	if !(p.Rate > 0) || math.IsInf(p.Rate, 0) { // NaN too
		add("$.rate", "rate must be more than 0 requests a second")
	}
	if p.Duration <= 0 {
		add("$.duration", "duration must be more than 0")
	}
	if n := p.Rate * (p.Duration + p.Warmup).Std().Seconds(); n > maxRequests {
		add("$.rate", "rate times duration is %.0f requests; at most %d are allowed", n, maxRequests)
	}
	if p.Workers < 0 {
		add("$.workers", "workers must be more than 0")
	}
	if !strings.HasPrefix(p.Request.Path, "/") {
		add("$.request.path", "request path %q must begin with /", p.Request.Path)
	}
	if strings.ContainsAny(p.Request.Method, " \t\r\n/") {
		add("$.request.method", "%q is not an HTTP method", p.Request.Method)
	}
	if p.Log != nil && p.Log.KVDBList == "" {
		add("$.executed", "executed needs kvdb_list, the key of the list where the service records ids")
	}
	if p.Log == nil && (p.Expect.Lost != nil || p.Expect.Doubled != nil) {
		add("$.expect", "lost and doubled can be told only with executed: say where the service records ids")
	}
	for i := range p.Events {
		p.Events[i].faults(p.Duration, func(field, format string, args ...any) {
			add(fmt.Sprintf("$.events[%d]%s", i, field), format, args...)
		})
		if i > 0 && p.Events[i].At < p.Events[i-1].At {
			add(fmt.Sprintf("$.events[%d].at", i), "event at %s comes after one at %s: put them in order of time", p.Events[i].At, p.Events[i-1].At)
		}
	}
	return out
}

func (e *Event) faults(duration Duration, add func(field, format string, args ...any)) {
	if e.At >= duration {
		add(".at", "event at %s is past the load's duration of %s", e.At, duration)
	}
	needs := func(field, value string, kinds ...string) {
		switch wanted := slices.Contains(kinds, e.Do); {
		case wanted && value == "":
			add("", "event %q needs %s", e.Do, field)
		case !wanted && value != "":
			add("."+field, "event %q takes no %s", e.Do, field)
		}
	}
	if !slices.Contains(EventKinds(), e.Do) {
		add(".do", "event %q is not known; there are %s", e.Do, strings.Join(EventKinds(), ", "))
		return
	}
	needs("server", e.Server, EventKill, EventStop, EventStart, EventRestart, EventPause, EventResume, EventDrain, EventUndrain)
	needs("file", e.File, EventDeploy, EventUndeploy)
	needs("run", e.Run, EventRun)
}
