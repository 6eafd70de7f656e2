// Package locked has what tests read while others still write to it.
package locked

import (
	"bytes"
	"strings"
	"sync"
)

// Buffer is a log, or the output of a process. Its zero value is empty; its methods may be called from many goroutines.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write is of io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String is what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// Count is how often a text is in what was written so far.
func (b *Buffer) Count(text string) int { return strings.Count(b.String(), text) }
