package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// held is what is known of a cluster that `apitest cluster up` started. A process of its own holds it.
type held struct {
	Name     string       `json:"name"`
	Dir      string       `json:"dir"` // for the parley command, as PARLEY_DIR
	Address  string       `json:"address"`
	Servers  []heldServer `json:"servers"`
	Redis    string       `json:"redis"`
	Database string       `json:"database"` // empty: files
	PID      int          `json:"pid"`      // of the process that holds it
	Started  time.Time    `json:"started"`
	ReadyMS  int64        `json:"ready_ms"` // milliseconds from the command to all servers ready
	Down     string       `json:"down"`     // the command that takes it down
}

type heldServer struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

func describeHeld(name string, c *fixtures.Cluster, took time.Duration) held {
	h := held{
		Name: name, Dir: c.Dir(), Address: c.Address(), Redis: c.KVDB(), Database: c.DatabaseURL(),
		PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second), ReadyMS: took.Milliseconds(), Down: "apitest cluster down " + name,
	}
	for n := range c.Servers() {
		h.Servers = append(h.Servers, heldServer{c.ServerName(n + 1), c.ServerAddress(n + 1)})
	}
	return h
}

// variables are the addresses as environment variables, NAME=value.
func (h held) variables() []string {
	all := [][2]string{{"PARLEY_DIR", h.Dir}, {"APITEST_CLUSTER", h.Name}, {"APITEST_URL", h.Address}}
	for i, s := range h.Servers {
		all = append(all, [2]string{fmt.Sprintf("APITEST_SERVER%d_URL", i+1), s.Address})
	}
	all = append(all, [2]string{"APITEST_REDIS_URL", h.Redis})
	if h.Database != "" {
		all = append(all, [2]string{"APITEST_DATABASE_URL", h.Database})
	}
	out := make([]string, len(all))
	for i, pair := range all {
		out[i] = pair[0] + "=" + envWord(pair[1])
	}
	return out
}

// envWord is text as one word for a shell, which most is as it stands.
func envWord(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@?=,+%-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// heldFolder is where clusters that are held are known from.
type heldFolder struct{ dir string }

// openHeld is this user's.
func openHeld() (heldFolder, error) {
	f := heldFolder{filepath.Join(os.TempDir(), "parley-clusters-"+strconv.Itoa(os.Getuid()))}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return f, err
	}
	info, err := os.Lstat(f.dir)
	if err != nil {
		return f, err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Getuid() || !info.IsDir() {
		return f, fmt.Errorf("%s is somebody else's; remove it, or set TMPDIR to a folder of your own", f.dir)
	}
	return f, nil
}

var heldName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func checkHeldName(name string) error {
	if !heldName.MatchString(name) {
		return fmt.Errorf("the name of a cluster: expected up to 64 letters, digits, - and _, not %q", name)
	}
	return nil
}

func (f heldFolder) file(name, ending string) string { return filepath.Join(f.dir, name+ending) }

// lock is held by the process that holds the cluster. taken says that it is.
func (f heldFolder) lock(name string) (lock *os.File, taken bool, err error) {
	lock, err = os.OpenFile(f.file(name, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, true, lock.Close()
	}
	if err != nil {
		return nil, false, errors.Join(err, lock.Close())
	}
	return lock, false, nil
}

// isUp says whether a process holds the cluster.
func (f heldFolder) isUp(name string) (bool, error) {
	lock, taken, err := f.lock(name)
	if err != nil || taken {
		return taken, err
	}
	return false, lock.Close()
}

// read is what is known of a cluster. One that is starting is known by its name alone.
func (f heldFolder) read(name string) (held, error) {
	h := held{Name: name}
	raw, err := os.ReadFile(f.file(name, ".json"))
	if err != nil {
		return h, err
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, fmt.Errorf("%s: %w", f.file(name, ".json"), err)
	}
	return h, nil
}

// write makes h known, in one step.
func (f heldFolder) write(h held) error {
	raw, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	next := f.file(h.Name, ".next")
	if err := os.WriteFile(next, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.file(h.Name, ".json"))
}

// forget removes what is known of a cluster that is down. The lock's file stays while another may be about to take it.
func (f heldFolder) forget(name string) error {
	var faults []error
	for _, ending := range []string{".json", ".next", ".log", ".lock"} {
		if err := os.Remove(f.file(name, ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// names are those of all clusters that are known, up or not.
func (f heldFolder) names() ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".lock"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
