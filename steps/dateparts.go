package steps

import (
	"errors"
	"time"
)

// resolve finds out which of the numbers of a date is its year, which its month and which its day.
func (r *dateReader) resolve() (year, month, day int, err error) {
	p := r.parts
	at := -1 // of the month's name
	for i := range p {
		if p[i].named {
			if at >= 0 {
				return 0, 0, 0, errors.New("there are two months")
			}
			at = i
		}
	}
	switch {
	case r.week > 0 && len(p) == 2:
		return r.ofWeek(p[0].n, p[1].n)
	case len(p) == 1 && p[0].digits == 4:
		return p[0].n, 1, 1, nil
	case len(p) == 2:
		return r.ofTwo(p[0], p[1], at)
	case len(p) == 3:
		y, m, d := ofThree(p, at)
		return r.century(y), m.n, d.n, nil
	}
	return 0, 0, 0, errors.New("it takes a year, a month and a day")
}

func (r *dateReader) ofWeek(year, day int) (int, int, int, error) {
	// The fourth of January is always in the first week.
	fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC)
	t := fourth.AddDate(0, 0, (r.week-1)*7+day-isoWeekday(fourth))
	if y, w := t.ISOWeek(); y != year || w != r.week {
		return 0, 0, 0, errors.New("the year has no such week")
	}
	return t.Year(), int(t.Month()), t.Day(), nil
}

func (r *dateReader) ofTwo(a, b datePart, at int) (year, month, day int, err error) {
	switch {
	case at >= 0: // October 2012, 25 October
		other := a
		if at == 0 {
			a, other = b, b
		}
		month = r.parts[at].n
		if other.isYear() {
			return r.century(other), month, 1, nil
		}
		return r.now.Year(), month, other.n, nil
	case a.digits == 4 && b.digits == 3: // the day of a year
		t := time.Date(a.n, 1, b.n, 0, 0, 0, 0, time.UTC)
		if b.n < 1 || t.Year() != a.n {
			return 0, 0, 0, errors.New("the year has no such day")
		}
		return t.Year(), int(t.Month()), t.Day(), nil
	case a.isYear():
		return r.century(a), b.n, 1, nil
	case b.isYear():
		return r.century(b), a.n, 1, nil
	}
	return r.now.Year(), a.n, b.n, nil
}

// ofThree sorts three parts; at is where the month's name stands, or -1.
func ofThree(p []datePart, at int) (year, month, day datePart) {
	switch {
	case at == 0 && p[1].isYear():
		return p[1], p[0], p[2]
	case at == 0:
		return p[2], p[0], p[1]
	case at == 1 && p[0].isYear():
		return p[0], p[1], p[2]
	case at == 1:
		return p[2], p[1], p[0]
	case at == 2 && p[1].isYear():
		return p[1], p[2], p[0]
	case at == 2:
		return p[0], p[2], p[1]
	case p[0].isYear():
		return p[0], p[1], p[2]
	case p[0].n > 12:
		return p[2], p[1], p[0]
	}
	return p[2], p[0], p[1]
}

// century is a year; one of two digits lies within 50 years of now.
func (r *dateReader) century(p datePart) int {
	year := p.n
	if p.digits > 2 {
		return year
	}
	now := r.now.Year()
	year += now / 100 * 100
	switch {
	case year >= now+50:
		return year - 100
	case year < now-50:
		return year + 100
	}
	return year
}
