package file

import (
	"encoding/json"
	"path/filepath"
	"slices"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/sio"
)

// Config is a file channel in the catalog.
type Config struct {
	channel.Base
	PickupFrom      string        `json:"pickup_from" kind:"required" doc:"folder whose new files go to the service, an absolute path; where the cluster has several machines, one that all share"`
	MoveProcessedTo string        `json:"move_processed_to" doc:"folder for files that were handled; empty: done, in pickup_from"`
	MoveFailedTo    string        `json:"move_failed_to" doc:"folder for files that could not be handled, each with NAME.error beside it; empty: failed, in pickup_from"`
	Patterns        Patterns      `json:"patterns" doc:"names of files that are taken, one or a list, such as *.csv; hidden files never are"`
	Order           string        `json:"order" choices:"name,time" doc:"which of several files comes first: name, or time (the one that was changed first)"`
	Poll            kind.Duration `json:"poll" doc:"how often the folder is read"`
	Settle          kind.Duration `json:"settle" doc:"how long a file's size and time must have been still; one that is renamed within the folder is taken at once"`
	MaxSize         int64         `json:"max_size" doc:"size that a file may have, in bytes"`
	Timeout         kind.Duration `json:"timeout" doc:"how long the service may take for a file"`
	Attempts        int           `json:"attempts" doc:"how often a file may be begun: again when the server was killed in its midst"`
}

// Defaults are the values of keys that a config leaves out.
func Defaults() Config {
	return Config{
		Base:     channel.Base{IsActive: true},
		Patterns: Patterns{"*"}, Order: byName, Poll: kind.Seconds(1), Settle: kind.Seconds(2),
		MaxSize: 10 << 20, Timeout: kind.Seconds(600), Attempts: 5,
	}
}

const (
	byName = "name"
	byTime = "time"
)

// Patterns are names of files with * and ?. In a config they are one text or a list.
type Patterns []string

// TypeName says what Patterns accept.
func (p *Patterns) TypeName() string { return "text or a list of text" }

// UnmarshalJSON accepts both forms.
func (p *Patterns) UnmarshalJSON(raw []byte) error {
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		list = []string{one}
	}
	*p = slices.Compact(list)
	return nil
}

// match says whether a file of that name is taken.
func (p Patterns) match(name string) bool {
	for _, pattern := range p {
		if ok, err := filepath.Match(pattern, name); ok && err == nil {
			return true
		}
	}
	return false
}

func (c Config) done() string   { return c.folder(c.MoveProcessedTo, "done") }
func (c Config) failed() string { return c.folder(c.MoveFailedTo, "failed") }

func (c Config) folder(path, usual string) string {
	if path == "" {
		path = filepath.Join(c.PickupFrom, usual)
	}
	return filepath.Clean(path)
}

// Choices are of kind.Chooser.
func (Config) Choices() map[string][]string {
	return map[string][]string{"data_format": sio.Formats(), "security": {""}}
}

// Check finds all that is wrong with the values.
func (c Config) Check() kind.Faults {
	faults := c.CheckBase(sio.Formats()...)
	if c.Security != "" {
		faults.Add("security", "a file shows no credentials that %q could check; leave it empty, and let nobody else write into the folder", c.Security)
	}
	for _, folder := range []struct{ key, path string }{
		{"pickup_from", c.PickupFrom}, {"move_processed_to", c.MoveProcessedTo}, {"move_failed_to", c.MoveFailedTo},
	} {
		switch {
		case folder.path == "" && folder.key == "pickup_from":
			faults.Add(folder.key, "missing; name the folder that files come into")
		case folder.path != "" && !filepath.IsAbs(folder.path):
			faults.Add(folder.key, "expected an absolute path such as /srv/orders, not %q", folder.path)
		case folder.key != "pickup_from" && folder.path != "" && filepath.Clean(folder.path) == filepath.Clean(c.PickupFrom):
			faults.Add(folder.key, "it is pickup_from, where the file would be taken again; choose another folder")
		}
	}
	if len(c.Patterns) == 0 {
		faults.Add("patterns", "expected one at least, such as *.csv")
	}
	for _, pattern := range c.Patterns {
		if _, err := filepath.Match(pattern, "x"); err != nil || pattern == "" || filepath.Base(pattern) != pattern {
			faults.Add("patterns", "%q is no pattern of file names; expected one such as *.csv", pattern)
		}
	}
	if c.Order != byName && c.Order != byTime {
		faults.Add("order", "expected name or time, not %q", c.Order)
	}
	if c.Poll <= 0 {
		faults.Add("poll", "it must be more than 0")
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "it must be more than 0")
	}
	if c.MaxSize < 1 {
		faults.Add("max_size", "it must be more than 0 bytes, not %d", c.MaxSize)
	}
	if c.Attempts < 1 {
		faults.Add("attempts", "expected 1 at least, not %d", c.Attempts)
	}
	return faults
}
