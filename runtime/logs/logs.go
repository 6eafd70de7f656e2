// Package logs reads what servers have logged: the newest lines, those of one request on all servers, and what is added.
//
// A log is what slog's text handler writes: a line begins with time=, and what does not, such as the call stack of a
// crash, belongs to the line before it. It is read from its end, where what is looked for usually is, and never more of it than mostRead.
package logs

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// How much is read and given.
const (
	mostRead   = 64 << 20 // bytes of one log, for one question
	mostLine   = 16 << 10 // bytes of a line; the rest of a longer one is left out
	mostLines  = 5000     // lines of one server
	usualLines = 200
	block      = 256 << 10
)

// Query says which lines are meant. Its zero value means all.
type Query struct {
	CID      string
	Contains string     // text that the line, as it is shown, contains
	Since    time.Time  // not older
	Until    time.Time  // older; zero: up to now
	Level    slog.Level // or more severe
	Limit    int        // the newest so many; 0: mostLines
	After    *int64     // what was written after that place, oldest first; nil: read from the end
	Mask     Mask
}

// Line is a line of a log.
type Line struct {
	At         time.Time   `doc:"where it has none, such as what a crash left: that of the line before it"`
	Server     string      `doc:"supervisor: the process that starts the servers"`
	Level      string      `doc:"DEBUG, INFO, WARN or ERROR; empty: what a crash left"`
	Message    string      `doc:"with line breaks, where there are some"`
	CID        string      `sio:"cid"`
	Attributes []Attribute `doc:"in the order in which they were written; secrets masked"`
}

// Attribute is a fact of a line.
type Attribute struct{ Name, Value string }

// Page is what was read of one log.
type Page struct {
	Lines []Line // oldest first
	Next  int64  // the place behind what was read: see Query.After
	Cut   bool   // there is more, which was not read: the log is longer than mostRead, or more lines were added than were asked for
}

// matches says whether l is meant.
func (q Query) matches(l Line) bool {
	var level slog.Level
	if l.Level != "" && level.UnmarshalText([]byte(l.Level)) == nil && level < q.Level {
		return false
	}
	return (q.CID == "" || l.CID == q.CID) &&
		(q.Contains == "" || strings.Contains(l.String(), q.Contains)) &&
		(q.Until.IsZero() || l.At.Before(q.Until)) &&
		!l.At.Before(q.Since)
}

// String is the message and what is known beside it, as people read them.
func (l Line) String() string {
	var b strings.Builder
	b.WriteString(l.Message)
	if l.CID != "" {
		b.WriteString(" cid=" + l.CID)
	}
	for _, a := range l.Attributes {
		b.WriteString(" " + a.Name + "=")
		if strings.ContainsAny(a.Value, " \t\n\"=") || a.Value == "" {
			b.WriteString(strconv.Quote(a.Value))
			continue
		}
		b.WriteString(a.Value)
	}
	return b.String()
}
