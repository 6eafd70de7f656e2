package sio

import (
	"fmt"
	"strings"
	"time"
)

// dateFormat is how a date or time is written outside. Services see ISO 8601.
type dateFormat struct{ read, write string } // layouts of package time

// parseDateFormat reads the directives of strftime. What stands between them may be anything that package time does not
// take for a directive of its own.
func parseDateFormat(format string) (*dateFormat, error) {
	var f dateFormat
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' {
			if c < 0x80 && !strings.ContainsRune(" -/.,:;TZ()", rune(c)) {
				return nil, fmt.Errorf("the format %q has %q between its directives; use spaces, points, commas, colons, dashes, slashes, T or Z", format, c)
			}
			f.read, f.write = f.read+string(c), f.write+string(c)
			continue
		}
		if i++; i == len(format) {
			return nil, fmt.Errorf("the format %q ends in %%", format)
		}
		read, write := directive(format[i])
		if read == "" || format[i] == 'f' && !strings.HasSuffix(f.read, ".") {
			return nil, fmt.Errorf("the format %q has %%%c, which is not served; use %%Y %%m %%d %%H %%M %%S .%%f %%y %%b %%B %%a %%A %%I %%p %%z %%j", format, format[i])
		}
		if format[i] == 'f' {
			f.read, f.write = strings.TrimSuffix(f.read, "."), strings.TrimSuffix(f.write, ".")
		}
		f.read, f.write = f.read+read, f.write+write
	}
	return &f, nil
}

// example is a time as it is written outside, for messages.
func (f *dateFormat) example() string {
	return time.Date(2026, time.November, 21, 9, 30, 0, 0, time.UTC).Format(f.write)
}

func directive(c byte) (read, write string) {
	same := map[byte]string{
		'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'I': "03", 'p': "PM", 'z': "-0700", 'j': "002",
	}[c]
	if c == 'f' {
		return ".999999", ".000000"
	}
	return same, same
}

const isoDateTime = "2006-01-02T15:04:05.999999999"

func isoLayouts() []string {
	return []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", time.DateTime}
}

// timeIn checks a date or time and gives it as services see it: text in ISO 8601.
func (f *field) timeIn(v any) (any, bool) {
	text, ok := v.(string)
	if !ok {
		return nil, false
	}
	s := strings.TrimSpace(text)
	if f.format == nil {
		if f.kind == typeDate {
			_, err := time.Parse(time.DateOnly, s)
			if _, zoned := time.Parse("2006-01-02Z07:00", s); err != nil && zoned == nil {
				return s[:len(time.DateOnly)], true // XML Schema's dates may have a time zone
			}
			return same(v, text, s), err == nil
		}
		t, ok := parseISO(s)
		if f.kind == typeUTC && ok {
			return t.UTC().Format(isoDateTime), true
		}
		return same(v, text, s), ok
	}
	t, err := time.Parse(f.format.read, s)
	return f.iso(t), err == nil
}

func (f *field) iso(t time.Time) string {
	switch {
	case f.kind == typeDate:
		return t.Format(time.DateOnly)
	case f.kind == typeUTC:
		return t.UTC().Format(isoDateTime)
	case strings.Contains(f.format.read, "-0700"):
		return t.Format(time.RFC3339Nano)
	default:
		return t.Format(isoDateTime)
	}
}

// timeOut writes what a service says as it is written outside.
func (f *field) timeOut(v any) (any, bool) {
	s, ok := v.(string)
	if !ok {
		return nil, false
	}
	s = strings.TrimSpace(s)
	if f.format == nil {
		if t, ok := parseISO(s); ok && f.kind == typeDate {
			return t.Format(time.DateOnly), true
		}
		return f.timeIn(s)
	}
	t, ok := parseISO(s)
	if !ok {
		var err error
		if t, err = time.Parse(time.DateOnly, s); err != nil {
			if _, err := time.Parse(f.format.read, s); err == nil {
				return s, true // the service has written it already
			}
			return nil, false
		}
	}
	if f.kind == typeUTC {
		t = t.UTC()
	}
	return t.Format(f.format.write), true
}

func parseISO(s string) (time.Time, bool) {
	for _, layout := range isoLayouts() {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
