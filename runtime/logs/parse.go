package logs

import (
	"bytes"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

const opening = "time=" // of each line that slog writes

// parse reads a line as slog's text handler writes it, and what follows it up to the next one. Text of another form is a
// Line with that message alone.
func parse(text string) Line {
	first, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(first, opening) {
		return Line{Message: text}
	}
	var l Line
	for first != "" {
		var name, value string
		name, first = word(first, '=')
		value, first = word(strings.TrimPrefix(first, "="), ' ')
		first = strings.TrimLeft(first, " ")
		switch name {
		case "time":
			at, err := time.Parse(time.RFC3339Nano, value)
			if err != nil {
				return Line{Message: text}
			}
			l.At = at.UTC()
		case "level":
			l.Level = value
		case "msg":
			l.Message = value
		case "cid":
			l.CID = value
		default:
			l.Attributes = append(l.Attributes, Attribute{name, value})
		}
	}
	if rest != "" {
		l.Message += "\n" + rest
	}
	return l
}

// word takes a word, quoted or not, from s, up to the first end behind it.
func word(s string, end byte) (word, rest string) {
	if quoted, err := strconv.QuotedPrefix(s); err == nil && s[0] == '"' {
		if text, err := strconv.Unquote(quoted); err == nil {
			return text, s[len(quoted):]
		}
	}
	if i := strings.IndexByte(s, end); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// timeOf is when a line was written, as far as that can be told at little cost.
func timeOf(line []byte) (time.Time, bool) {
	const most = len(opening) + len(time.RFC3339Nano)
	head := string(line[:min(len(line), most)])
	value, _, _ := strings.Cut(strings.TrimPrefix(head, opening), " ")
	at, err := time.Parse(time.RFC3339Nano, value)
	return at, err == nil
}

// isBelow says whether a line is less severe than is wanted, as far as that can be told at little cost.
func (q Query) isBelow(line []byte) bool {
	const key = " level="
	head := line[:min(len(line), len(opening)+len(time.RFC3339Nano)+len(key)+len("ERROR+100"))]
	i := bytes.Index(head, []byte(key))
	if i < 0 || !bytes.HasPrefix(line, []byte(opening)) {
		return false
	}
	text, _, whole := bytes.Cut(head[i+len(key):], []byte(" "))
	var level slog.Level
	return whole && level.UnmarshalText(text) == nil && level < q.Level
}
