package steps

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateForms are what parseDate understands, for people.
const dateForms = `2012-10-25, 2012-10-25T14:33:12, 2012-10-25 14:33:12.5+02:00, 20121025T143312, 2012-299, 2012-W43-4, 25 October 2012, ` +
	`Oct 25th, 2012 2:33 pm, Thu, 25 Oct 2012 14:33:12 +0200, 10/25/2012 (the month first, unless it cannot be one), 25.10.2012, October 2012`

// parseDate reads a date as people and programs write it, with a time or without, by the rules of Python's dateutil: of
// numbers alone the month is before the day unless it cannot be a month, and a year of two digits is one near now. Without
// a day it is the first, as in Arrow; without a year it is this year; without a time zone it is UTC.
func parseDate(text string, now time.Time) (time.Time, error) {
	r := &dateReader{now: now, zone: time.UTC}
	lower := strings.NewReplacer("a.m.", "am", "p.m.", "pm").Replace(strings.ToLower(text))
	for _, token := range dateToken.FindAllString(lower, -1) {
		if strings.TrimSpace(token) != "" {
			r.tokens = append(r.tokens, token)
		}
	}
	t, err := r.read()
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no date: %w; dates are understood as in: %s", text, err, dateForms)
	}
	return t, nil
}

var dateToken = regexp.MustCompile(`\d+|\p{L}+|.`)

// dateReader reads a date token by token.
type dateReader struct {
	now    time.Time
	tokens []string   // still to be read
	parts  []datePart // of year, month and day, in their order
	week   int        // of an ISO week date, whose day is then the second part; 0: it is none
	clock  *clock     // nil: no time was read
	zone   *time.Location

	afterClock bool // the token before belongs to the time: a sign begins the zone
	afterT     bool // the token before is the T between date and time
}

// datePart is a number of a date, or a month by its name.
type datePart struct {
	n, digits int
	named     bool
}

func (p datePart) isYear() bool { return !p.named && (p.digits > 2 || p.n > 31) }

type clock struct {
	hour, minute, second, micro int
	half                        string // am, pm or empty
}

// peek is the token that is read next, or nothing.
func (r *dateReader) peek() string {
	if len(r.tokens) == 0 {
		return ""
	}
	return r.tokens[0]
}

// skip goes over a token, where it is one of these.
func (r *dateReader) skip(tokens ...string) bool {
	for _, token := range tokens {
		if r.peek() == token {
			r.tokens = r.tokens[1:]
			return true
		}
	}
	return false
}

// digits takes a number, where one comes next.
func (r *dateReader) digits() (text string, n int, err error) {
	text = r.peek()
	if n, err = strconv.Atoi(text); err != nil || len(text) > 14 {
		return "", 0, errors.New("a number is missing, or too long")
	}
	r.tokens = r.tokens[1:]
	return text, n, nil
}

func (r *dateReader) read() (time.Time, error) {
	for len(r.tokens) > 0 {
		token, afterClock, afterT := r.peek(), r.afterClock, r.afterT
		r.afterClock, r.afterT = false, false
		var err error
		switch {
		case token[0] >= '0' && token[0] <= '9':
			err = r.number(afterT)
		case afterClock && (token == "+" || token == "-"):
			err = r.offset()
		default:
			err = r.word()
		}
		if err != nil {
			return time.Time{}, err
		}
	}
	return r.date()
}

func (r *dateReader) number(afterT bool) error {
	text, n, err := r.digits()
	if err != nil {
		return err
	}
	switch {
	case r.clock == nil && (r.peek() == ":" || r.peek() == "am" || r.peek() == "pm"):
		return r.time(n)
	case r.clock == nil && afterT && len(text)%2 == 0 && len(text) <= 6:
		return r.compactTime(text)
	case len(r.parts) == 0 && (len(text) == 8 || len(text) == 12 || len(text) == 14):
		for _, size := range []int{4, 2, 2} {
			n, _ := strconv.Atoi(text[:size]) // it is of digits
			r.parts = append(r.parts, datePart{n: n, digits: size})
			text = text[size:]
		}
		if text != "" {
			return r.compactTime(text)
		}
		return nil
	}
	r.parts = append(r.parts, datePart{n: n, digits: len(text)})
	r.skip("st", "nd", "rd", "th")
	return nil
}

// time reads a time from behind its hour.
func (r *dateReader) time(hour int) (err error) {
	r.clock = &clock{hour: hour}
	if r.skip(":") {
		if _, r.clock.minute, err = r.digits(); err != nil {
			return err
		}
		if r.skip(":") {
			if _, r.clock.second, err = r.digits(); err != nil {
				return err
			}
		}
	}
	return r.fraction()
}

// compactTime reads a time without colons.
func (r *dateReader) compactTime(text string) error {
	r.clock = &clock{}
	for _, part := range []*int{&r.clock.hour, &r.clock.minute, &r.clock.second} {
		if text != "" {
			*part, _ = strconv.Atoi(text[:2]) // it is of digits
			text = text[2:]
		}
	}
	return r.fraction()
}

// fraction reads what may follow a time.
func (r *dateReader) fraction() error {
	r.afterClock = true
	if r.skip(".", ",") {
		text, _, err := r.digits()
		if err != nil {
			return err
		}
		r.clock.micro, err = strconv.Atoi((text + "000000")[:6])
		return err
	}
	return nil
}

// offset reads a time zone such as +02:00, +0200 or +02.
func (r *dateReader) offset() error {
	sign := 1
	if r.skip("-") {
		sign = -1
	} else {
		r.skip("+")
	}
	text, hours, err := r.digits()
	if err != nil {
		return err
	}
	minutes := 0
	switch {
	case len(text) == 4:
		hours, minutes = hours/100, hours%100
	case len(text) > 2:
		return errors.New("a time zone is written like +02:00")
	case r.skip(":"):
		if _, minutes, err = r.digits(); err != nil {
			return err
		}
	}
	if hours > 23 || minutes > 59 {
		return errors.New("no time zone is that far away")
	}
	if seconds := sign * (hours*60 + minutes) * 60; seconds != 0 {
		r.zone = time.FixedZone("", seconds)
	}
	return nil
}

func (r *dateReader) word() error {
	word := r.peek()
	r.tokens = r.tokens[1:]
	switch word {
	case "-", "/", ".", ",", "at", "on", "and", "of":
		return nil
	case "t":
		r.afterT = true
		return nil
	case "w":
		return r.weekDate()
	case "am", "pm":
		if r.clock == nil || r.clock.half != "" || r.clock.hour > 12 {
			return fmt.Errorf("%s does not follow an hour from 1 to 12", word)
		}
		r.clock.half, r.afterClock = word, true
		return nil
	case "z", "utc", "gmt":
		if r.clock != nil {
			return nil
		}
	case "sept":
		word = "sep"
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if isNameOf(word, day.String()) {
			return nil
		}
	}
	for month := time.January; month <= time.December; month++ {
		if isNameOf(word, month.String()) {
			r.parts = append(r.parts, datePart{n: int(month), named: true})
			return nil
		}
	}
	return fmt.Errorf("%q is not understood", word)
}

func isNameOf(word, name string) bool {
	return strings.EqualFold(word, name) || strings.EqualFold(word, name[:3])
}

// weekDate reads an ISO week date from behind its W.
func (r *dateReader) weekDate() error {
	text, n, err := r.digits()
	if err != nil {
		return err
	}
	day := 1
	switch {
	case len(text) == 3:
		n, day = n/10, n%10
	case len(text) != 2:
		return errors.New("a week is written like 2012-W43")
	case r.skip("-"):
		if _, day, err = r.digits(); err != nil {
			return err
		}
	}
	if len(r.parts) != 1 || r.parts[0].digits != 4 || n < 1 || n > 53 || day < 1 || day > 7 {
		return errors.New("there is no such week or day of a week")
	}
	r.week = n
	r.parts = append(r.parts, datePart{n: day})
	return nil
}

// date puts together what was read.
func (r *dateReader) date() (time.Time, error) {
	year, month, day, err := r.resolve()
	if err != nil {
		return time.Time{}, err
	}
	c := clock{}
	if r.clock != nil {
		c = *r.clock
	}
	if c.half != "" {
		c.hour %= 12
		if c.half == "pm" {
			c.hour += 12
		}
	}
	switch {
	case year < 1 || year > 9999:
		return time.Time{}, errors.New("the year is not one from 1 to 9999")
	case c.hour > 23 || c.minute > 59 || c.second > 59:
		return time.Time{}, errors.New("there is no such time")
	}
	t := time.Date(year, time.Month(month), day, c.hour, c.minute, c.second, c.micro*1000, r.zone)
	if r.week == 0 && (t.Day() != day || int(t.Month()) != month) {
		return time.Time{}, errors.New("there is no such day")
	}
	return t, nil
}
