package steps

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// State is how long what a scenario says holds.
type State int

// The states.
const (
	PerScenario State = iota // every scenario begins with nothing said
	PerFeature               // the scenarios of a feature file share what was said: the rule of zato-apitest
)

// Options of a Suite. The zero value is one for feature files of this program's own folder.
type Options struct {
	FS           fs.FS                                                  // where feature files and the files that steps name are; nil: the file system
	Root         string                                                 // folder of the project: files that a step names are looked for beside the feature file and in the folders above it up to this one; empty: beside it only
	State        State                                                  // how long what was said holds
	User         map[string]any                                         // what @name means: texts, or lists of texts ([]any)
	Vault        func(ctx context.Context, path string) (string, error) // what vault:path means; nil: there is no Vault
	Secrets      []string                                               // names of values that are masked in every output, beside those whose name tells, such as API_KEY or password
	Timeout      time.Duration                                          // of a request; 0: 60 s
	LargestReply int64                                                  // bytes of a reply's body, unpacked, up to which it is read; 0: 256 MiB
	UserAgent    string                                                 // of requests; empty: parley-apitest
	Seed         uint64                                                 // of random values, together with the scenario's name
	Spec         fixtures.Spec                                          // how clusters are started; Servers is the step's
	Extra        []Step                                                 // steps of your own
	Log          func(format string, values ...any)                     // told of what takes time, such as a cluster's start, and of what may be a slip; may be nil
}

// Suite is what the scenarios of a run share: the vocabulary, and connections that are kept. Close it after the run.
type Suite struct {
	options    Options
	vocabulary *Vocabulary
	mask       *Mask
	kept       *http.Client // keeps connections
	fresh      *http.Client // opens one for each request
	foreseen   map[string]func(m *Mask, params []string)
	hurry      chan struct{} // closed when the run is interrupted: nobody waits for the other side any more
	hurryOnce  sync.Once
	told       sync.Map // texts of which something was told
}

// New makes a Suite. It panics where Extra does not go with the table, as NewVocabulary says.
func New(o Options) *Suite {
	v, err := NewVocabulary(Table(), o.Extra...)
	if err != nil {
		panic(err)
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	if o.Timeout == 0 {
		o.Timeout = requestTimeout
	}
	if o.LargestReply == 0 {
		o.LargestReply = int64(largestReply)
	}
	if o.UserAgent == "" {
		o.UserAgent = "parley-apitest"
	}
	s := &Suite{options: o, vocabulary: v, mask: &Mask{}, foreseen: secretsOf(), hurry: make(chan struct{})}
	s.kept = client(o.Timeout, false)
	s.fresh = client(o.Timeout, true)
	s.maskConfigured()
	return s
}

// requestTimeout ends a request that nobody answers, where no other is configured.
const requestTimeout = 60 * time.Second

// keptConnections is how many idle connections to one host are kept for later scenarios.
const keptConnections = 64

func client(timeout time.Duration, fresh bool) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: fresh, Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: keptConnections, ForceAttemptHTTP2: true,
	}}
}

// Vocabulary is what scenarios may say.
func (s *Suite) Vocabulary() *Vocabulary { return s.vocabulary }

// Mask knows the secrets that scenarios have met so far: all output goes through it.
func (s *Suite) Mask() *Mask { return s.mask }

// Hurry says that the run is being interrupted: what is ended from now on is ended without waiting for the other side.
func (s *Suite) Hurry() { s.hurryOnce.Do(func() { close(s.hurry) }) }

func (s *Suite) hasty() bool {
	select {
	case <-s.hurry:
		return true
	default:
		return false
	}
}

// Close ends the connections that are kept. Files are closed before.
func (s *Suite) Close() error {
	s.kept.CloseIdleConnections()
	return nil
}

func (s *Suite) largest() bodyLimit { return bodyLimit(s.options.LargestReply) }

// random is the source of a scenario's random values: the same for the same seed, file and name.
func (s *Suite) random(path, scenario string) *rand.Rand {
	return rand.New(rand.NewPCG(s.options.Seed, hashOf(path+"\x00"+scenario)))
}
