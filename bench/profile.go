package bench

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/yamlfile"
)

// Profile is one load: how much, of what, for how long, and what happens meanwhile. How much is a rate, the users of a closed
// loop, or phases.
type Profile struct {
	Name           string      `yaml:"name"`             // default: the file's
	Rate           float64     `yaml:"rate"`             // requests a second
	Duration       Duration    `yaml:"duration"`         // of the measured part; of phases: their sum
	Users          int         `yaml:"users"`            // a closed loop of so many, each waiting for its reply, in place of a rate
	Think          Duration    `yaml:"think"`            // of each user, between a reply and the next request; default: none
	Phases         []PhaseSpec `yaml:"phases"`           // in place of rate, users and duration
	Warmup         Duration    `yaml:"warmup"`           // the same load before it, not measured; default: none
	Timeout        Duration    `yaml:"timeout"`          // for a reply, from when the request was sent; default: 5 s
	Protocol       string      `yaml:"protocol"`         // http/1.1; h2, also without TLS; zeromq: PUSH to a PULL; zeromq-pub: PUB to a SUB; file: files into a folder; default: http/1.1
	CA             string      `yaml:"ca"`               // PEM file of the authorities that the target's certificate is of; default: those that the system trusts
	Workers        int         `yaml:"workers"`          // most requests under way at once; default: see DefaultWorkers
	MaxScheduleLag Duration    `yaml:"max_schedule_lag"` // p99 of lag from which the run is invalid; default: 50 ms
	Settle         Duration    `yaml:"settle"`           // between the last reply and reading what was executed; default: 500 ms where an outcome is unknown
	Request        Request     `yaml:"request"`
	Requests       []Request   `yaml:"requests"` // in place of request: several, by their weights
	Before         []Request   `yaml:"before"`   // sent once each, in order, before the load, such as to log in
	Feeders        []Feeder    `yaml:"feeders"`  // columns that requests may use
	Events         []Event     `yaml:"events"`
	Log            *Log        `yaml:"executed"` // where the service records the ids it saw; default: nowhere
	Expect         Threshold   `yaml:"expect"`
	OTLP           string      `yaml:"otlp"` // URL of an OpenTelemetry receiver, such as http://127.0.0.1:4318, to which the result goes; default: nowhere

	roots *x509.CertPool // what CA holds; nil: it names no file
}

// Log is where the service under load records the ids that it executed.
type Log struct {
	KVDBList string `yaml:"kvdb_list"` // key of a Redis list; each element is one id
}

// maxRequests is one more thing that a slip of the pen must not ask for.
const maxRequests = 1_000_000_000

// maxDuration is that of a phase, of a whole load, and of its warm-up.
const maxDuration = 366 * 24 * time.Hour

// maxUsers is more than one machine can be: each has a connection, and takes about 10 KB.
const maxUsers = 100_000

// ReadProfile reads a profile's file, and those that it names: they are beside it.
func ReadProfile(path string) (Profile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Profile{}, err
	}
	p, err := parse(path, filepath.Dir(path), raw)
	if p.Name == "" {
		p.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	return p, err
}

// ParseProfile reads a profile. All faults come in one error, each as "name:line:column: message".
func ParseProfile(name string, raw []byte) (Profile, error) { return parse(name, "", raw) }

func parse(name, dir string, raw []byte) (Profile, error) {
	var p Profile
	file, err := yamlfile.Read(name, raw, &p)
	if err != nil {
		return Profile{}, err
	}
	var faults []error
	add := func(path, message string) { faults = append(faults, file.Fault(path, "%s", message)) }
	for i := range p.Feeders {
		p.Feeders[i].CSV = beside(dir, p.Feeders[i].CSV)
	}
	for i := range p.Phases {
		p.Phases[i].Replay = beside(dir, p.Phases[i].Replay)
	}
	p.CA = beside(dir, p.CA)
	p.load(add)
	p = p.withDefaults()
	for _, f := range p.faults() {
		add(f.path, f.message)
	}
	return p, errors.Join(faults...)
}

// CheckOTLP says what is wrong with the URL of a receiver of results; empty: nothing. It shows no password.
func CheckOTLP(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "expected the URL of an OTLP/HTTP receiver, such as http://127.0.0.1:4318"
	}
	return ""
}

func beside(dir, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

// load reads the files that the profile names, where they have not been read.
func (p *Profile) load(add func(path, message string)) {
	p.Feeders, p.Phases = slices.Clone(p.Feeders), slices.Clone(p.Phases)
	for i := range p.Feeders {
		if err := p.Feeders[i].load(); err != nil {
			add(fmt.Sprintf("$.feeders[%d].csv", i), err.Error())
		}
	}
	if p.CA != "" && p.roots == nil {
		p.roots = x509.NewCertPool()
		switch pem, err := os.ReadFile(p.CA); {
		case err != nil:
			add("$.ca", err.Error())
		case !p.roots.AppendCertsFromPEM(pem):
			add("$.ca", fmt.Sprintf("%s holds no certificate in PEM", p.CA))
		}
	}
	for i := range p.Phases {
		ph := &p.Phases[i]
		if ph.Replay == "" || ph.times != nil {
			continue
		}
		times, err := readTimings(ph.Replay, ph.Speed)
		if err != nil {
			add(fmt.Sprintf("$.phases[%d].replay", i), err.Error())
		}
		ph.times = times
	}
}

// withDefaults fills in what was left out.
func (p Profile) withDefaults() Profile {
	p.Request = p.Request.withDefaults(p.Protocol)
	p.Requests, p.Before = slices.Clone(p.Requests), slices.Clone(p.Before)
	for _, list := range [][]Request{p.Requests, p.Before} {
		for i := range list {
			list[i] = list[i].withDefaults(p.Protocol)
		}
	}
	if p.Timeout == 0 {
		p.Timeout = Duration(5 * time.Second)
	}
	if len(p.Phases) > 0 && p.Duration == 0 {
		for _, ph := range p.specs() {
			p.Duration = addUp(p.Duration, ph.Duration)
		}
	}
	if p.Workers == 0 {
		high, users := 0.0, 0
		for _, ph := range p.specs() {
			high, users = max(high, ph.highest()), max(users, ph.Users)
		}
		p.Workers = DefaultWorkers(high, p.Timeout.Std())
		if p.closed() {
			p.Workers = users
		}
	}
	if p.MaxScheduleLag == 0 {
		p.MaxScheduleLag = Duration(50 * time.Millisecond)
	}
	p.Events = slices.Clone(p.Events)
	for i := range p.Events {
		p.Events[i] = p.Events[i].spelledOut()
	}
	return p
}

func (r Request) withDefaults(protocol string) Request {
	switch {
	case protocol == protocolZeroMQ, protocol == protocolPub:
		r.Method = socketType(protocol)
		if r.Path == "" && r.Body != "" {
			r.Path = "/" // a message goes to a socket, and to nowhere on it
		}
	case protocol == protocolFile:
		r.Method = "FILE"
	case r.Method == "":
		r.Method = http.MethodPost
	}
	r.Method = strings.ToUpper(r.Method)
	return r
}

// requests are all that the load sends.
func (p *Profile) requests() []Request {
	if len(p.Requests) > 0 {
		return p.Requests
	}
	return []Request{p.Request}
}

// closed says whether it is a closed loop.
func (p *Profile) closed() bool { return p.Users > 0 || len(p.Phases) > 0 && p.Phases[0].Users > 0 }

// DefaultWorkers is how many requests may be under way at once: as many as fall due within the timeout, but at least 64 and at
// most 8,192, which all together take about 130 MB. Those that are held back beyond it cost no truth: their response time
// counts from when they were due.
func DefaultWorkers(rate float64, timeout time.Duration) int {
	if math.IsNaN(rate) {
		rate = 0
	}
	return int(min(max(math.Ceil(rate*timeout.Seconds()), 64), 8192))
}
