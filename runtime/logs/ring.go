package logs

import (
	"bytes"
	"sync"
)

// Ring keeps the end of a log that is in no file, such as that of a server in a container. Its zero value keeps mostKept
// bytes. Safe for concurrent use.
type Ring struct {
	mu      sync.Mutex
	kept    []byte
	written int64 // in all
}

// mostKept is how much a Ring keeps; it takes twice as much.
const mostKept = 1 << 20

// Write takes whole lines.
func (r *Ring) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written += int64(len(p))
	r.kept = append(r.kept, p...)
	if len(r.kept) > 2*mostKept {
		r.kept = append(r.kept[:0], r.kept[len(r.kept)-mostKept:]...)
	}
	return len(p), nil
}

// Read reads what q means of what is kept.
func (r *Ring) Read(q Query) (Page, error) {
	r.mu.Lock()
	kept := bytes.Clone(r.kept[max(0, len(r.kept)-mostKept):])
	last := r.written
	r.mu.Unlock()
	first := last - int64(len(kept))
	if first > 0 { // what is kept may begin within a line
		cut := bytes.IndexByte(kept, '\n') + 1
		first, kept = first+int64(cut), kept[cut:]
	}
	return read(&shifted{kept, first}, first, last, q)
}

// shifted are bytes that are at a place of a longer log.
type shifted struct {
	kept []byte
	at   int64
}

func (s *shifted) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(s.kept).ReadAt(p, at-s.at)
}
