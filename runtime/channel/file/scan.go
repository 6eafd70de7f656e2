package file

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sighting is a file as it was seen last.
type sighting struct {
	info  os.FileInfo
	since time.Time // that it has been still; zero: it was renamed, by one who had finished writing
}

func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// scan reads the folder: the names of files that are to be taken, in their order, and in what time to look again.
func (r *runner) scan(now time.Time) (ready []string, again time.Duration, err error) {
	entries, err := os.ReadDir(r.config.PickupFrom)
	if err != nil {
		r.seen = map[string]*sighting{}
		return nil, 0, fmt.Errorf("cannot read pickup_from: %w", err)
	}
	there := make(map[string]*sighting, len(entries))
	told := map[string]string{}
	for _, e := range entries {
		info, err := e.Info() // of a link itself
		if err != nil || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		s := r.seen[e.Name()]
		if s == nil || !same(s.info, info) {
			s = &sighting{info: info, since: now}
		}
		there[e.Name()] = s
	}
	r.renamed(there)
	maps.DeleteFunc(r.stuck, func(name, _ string) bool { return there[name] == nil })
	again = r.config.Poll.Std()
	for name, s := range there {
		if !r.config.Patterns.match(name) {
			continue
		}
		if why := r.unfit(name, s.info); why != "" {
			if told[name] = why; r.told[name] != why {
				r.log.Warn("file is not taken", "file", name, "err", why)
			}
			continue
		}
		if wait := s.since.Add(r.config.Settle.Std()).Sub(now); wait > 0 {
			again = min(again, wait)
			continue
		}
		if !s.info.IsDir() {
			ready = append(ready, name)
		}
	}
	r.seen, r.told = there, told
	slices.SortFunc(ready, func(a, b string) int {
		if r.config.Order == byTime {
			if c := there[a].info.ModTime().Compare(there[b].info.ModTime()); c != 0 {
				return c
			}
		}
		return cmp.Compare(a, b)
	})
	return ready, again, nil
}

// renamed finds the files that were seen under another name.
func (r *runner) renamed(there map[string]*sighting) {
	for name, before := range r.seen {
		if there[name] != nil {
			continue
		}
		for other, s := range there {
			if r.seen[other] != s && same(before.info, s.info) {
				s.since = time.Time{}
			}
		}
	}
}

// unfit is why a file of the folder cannot be taken, or empty. The channel's own folders are as little to be spoken of
// as taken.
func (r *runner) unfit(name string, info os.FileInfo) string {
	path := filepath.Join(r.config.PickupFrom, name)
	switch {
	case path == r.config.done() || path == r.config.failed():
		return ""
	case !info.Mode().IsRegular():
		return "it is " + sort(info.Mode()) + ", not a file; put the file itself there"
	case info.Size() > r.config.MaxSize:
		return "" // it is moved away, unread
	}
	f, err := os.Open(path)
	if err != nil {
		if os.IsNotExist(err) {
			return ""
		}
		return err.Error()
	}
	_ = f.Close() // nothing was read
	return ""
}

// sort is what stands where a file should, in words.
func sort(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}
