package project

import (
	"maps"
	"strings"
	"time"
)

// How long what a scenario says holds.
const (
	StateScenario = "scenario" // every scenario begins with nothing said
	StateFeature  = "feature"  // the scenarios of a feature file share what was said: the rule of zato-apitest
)

// Colours of what goes to a terminal.
const (
	ColorAuto   = "auto" // where the output is a terminal; also the empty one
	ColorAlways = "always"
	ColorNever  = "never"
)

// Settings are those of a run. Fields are for reading: Set and Merge write them, and remember which are set.
type Settings struct {
	State      string        // StateScenario or StateFeature
	Parallel   int           // scenarios at once; 0: as many as there are CPUs
	Tags       string        // a tag expression such as "@smoke and not @slow"; empty: all
	Names      []string      // regular expressions, one of which must be found in a scenario's name; none: all
	FailFast   bool          // begin no scenario after one has failed
	DryRun     bool          // find every step, do none
	Formats    []Format      // how the outcome is told; none: it is up to the command
	Out        string        // folder for reports; empty: it is up to the command
	Color      string        // ColorAuto, ColorAlways or ColorNever
	Shuffle    bool          // in an order that Seed decides
	Seed       uint64        // of the order and of random values; 0: one is made up
	Retries    int           // how often a scenario that fails is run again
	AllowEmpty bool          // that nothing was selected is no failure
	Timeout    time.Duration // of a request; 0: the default one
	Include    string        // regular expression that must be found in the path of a feature file; empty: any
	Exclude    string        // regular expression that must not; empty: none
	Secrets    []string      // names of values that are masked in every output, beside those whose name tells
	Vault      Vault
	UserAgent  string         // of requests; empty: the default one
	User       map[string]any // what @name means: texts, or lists of texts ([]any)

	set  keys
	adds bool // Tags and Names are further conditions, and take the place of none: behave's rule
}

// Format is one way to tell the outcome.
type Format struct {
	Name string // one of Formats
	File string // where it goes; empty: standard output, or a name of its own in Out
}

// Vault is where vault:path is read.
type Vault struct{ Address, Token string }

// noToken is what zato-apitest writes in the place of a token: there is no Vault.
const noToken = "invalid"

// Configured says whether there is a Vault to connect to.
func (v Vault) Configured() bool { return v.Address != "" && v.Token != "" && v.Token != noToken }

// Formats are the names that a format may have.
func Formats() []string { return []string{"pretty", "progress", "junit", "cucumber", "html", "github"} }

// keys tell which settings are set, by their place in the table.
type keys uint64

func (k keys) has(i int) bool { return k&(1<<i) != 0 }

func defaults() Settings { return Settings{State: StateScenario} }

// zatoUserAgent is what zato-apitest sends.
const zatoUserAgent = "zato-apitest/1.13 (+https://zato.io)"

// zatoDefaults are how zato-apitest runs features: one after the other, since one may count on what another has left
// on the server.
func zatoDefaults() Settings {
	return Settings{State: StateFeature, UserAgent: zatoUserAgent, Parallel: 1}
}

// Set sets the setting of a name, such as fail_fast or vault.address, from text. A setting that is a list takes all texts,
// and for format and secrets each may itself be a list with commas; any other takes one. The error begins with the name.
func (s *Settings) Set(name string, texts ...string) error {
	all := table()
	for i, row := range all {
		if row.name == name {
			return s.put(i, row, texts)
		}
	}
	return unknownKey("setting", name, namesOf(all))
}

// IsSet says whether the setting of a name was set, be it to what is the default.
func (s Settings) IsSet(name string) bool {
	for i, row := range table() {
		if row.name == name {
			return s.set.has(i)
		}
	}
	return false
}

func (s *Settings) put(i int, row setting, texts []string) error {
	if err := row.parse(s, texts); err != nil {
		return &valueError{row.name, err}
	}
	s.set |= 1 << i
	return nil
}

// valueError is a value that a setting cannot have.
type valueError struct {
	name string
	why  error
}

func (e *valueError) Error() string { return e.name + " " + e.why.Error() }
func (e *valueError) Unwrap() error { return e.why }

// Merge takes over what is set in over, and its values of User. Conditions that come from options of behave are added
// to those that are there, as behave does.
func (s *Settings) Merge(over Settings) {
	before := *s
	for i, row := range table() {
		if over.set.has(i) {
			row.copy(s, over)
			s.set |= 1 << i
		}
	}
	if over.adds {
		s.Tags = both(before.Tags, over.Tags)
		s.Names = append(append([]string{}, before.Names...), over.Names...)
	}
	s.addUser(over.User)
}

// addUser replaces the map, which other Settings may have in common.
func (s *Settings) addUser(more map[string]any) {
	if len(more) == 0 {
		return
	}
	all := maps.Clone(s.User)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, more)
	s.User = all
}

// both is the tag expression of those that meet two.
func both(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return inBrackets(a) + " and " + inBrackets(b)
}

// inBrackets is an expression as a part of one with and.
func inBrackets(expression string) string {
	if fields := strings.Fields(expression); len(fields) == 1 || len(fields) == 2 && fields[0] == "not" {
		return expression
	}
	return "(" + expression + ")"
}
