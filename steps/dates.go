package steps

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

func dateSteps() []Step {
	pointer := func(rest, doc, example string, do func(context.Context, *World, Args) error) Step {
		return given(`JSON Pointer "{path}" in request is `+rest, doc, `JSON Pointer "/when" in request is `+example, do)
	}
	return []Step{
		given(`date format "{name}" "{format}"`, "Gives a name to a way of writing dates: YYYY year, MM month, DD day, HH hour, mm minute, ss second; [text] stays as it is.",
			`date format "short" "DD.MM.YYYY"`, setDateFormat),
		given(`I store a random date under "{name}", format "{format}"`, "Keeps the time now, in local time, written in a format that has a name; one is called default.",
			`I store a random date under "start", format "default"`, storeDate(time.Now)),
		given(`I store UTC now under "{name}" "{format}"`, "Keeps the time now, in UTC, written in a format that has a name.", `I store UTC now under "start" "default"`,
			storeDate(utcNow)),
		pointer(`a random date "{format}"`, "Sets the time now, in local time, written in a format that has a name.", `a random date "default"`, setDate(dateOf(time.Now))),
		pointer(`now "{format}"`, "Sets the time now, in local time.", `now "default"`, setDate(dateOf(time.Now))),
		pointer(`UTC now "{format}"`, "Sets the time now, in UTC.", `UTC now "default"`, setDate(dateOf(utcNow))),
		pointer(`UTC now "{format}" minus one hour`, "Sets the time one hour ago, in UTC.", `UTC now "default" minus one hour`,
			setDate(dateOf(func() time.Time { return utcNow().Add(-time.Hour) }))),
		pointer(`a random date after "{date_start}" "{format}"`, "Sets a date, by chance, from 0 to 99,999 days after another.", `a random date after "2012-10-25" "default"`,
			setDate(func(w *World, a Args) (string, error) { return w.dateNear(a.Text(1), 1, a.Text(2)) })),
		pointer(`a random date before "{date_end}" "{format}"`, "Sets a date, by chance, from 0 to 99,999 days before another.", `a random date before "25 October 2012" "default"`,
			setDate(func(w *World, a Args) (string, error) { return w.dateNear(a.Text(1), -1, a.Text(2)) })),
		pointer(`a random date between "{date_start}" and "{date_end}" "{format}"`, "Sets a date, by chance, between two others: the first may be met, the second is not.",
			`a random date between "2012-10-25" and "2012-11-25" "default"`,
			setDate(func(w *World, a Args) (string, error) { return w.dateBetween(a.Text(1), a.Text(2), a.Text(3)) })),
	}
}

func utcNow() time.Time { return time.Now().UTC() }

func setDateFormat(_ context.Context, w *World, a Args) error {
	w.dateFormats[a.Text(0)] = a.Text(1)
	return nil
}

func storeDate(when func() time.Time) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		text, err := w.dateText(when(), a.Text(1))
		if err != nil {
			return err
		}
		w.Store(a.Text(0), text)
		return nil
	}
}

func setDate(made func(*World, Args) (string, error)) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		text, err := made(w, a)
		if err != nil {
			return err
		}
		return w.setInRequest(a.Text(0), text)
	}
}

// dateOf makes a date of a step whose second parameter is the format.
func dateOf(when func() time.Time) func(*World, Args) (string, error) {
	return func(w *World, a Args) (string, error) { return w.dateText(when(), a.Text(1)) }
}

// dateText writes a time in a format that has a name.
func (w *World) dateText(t time.Time, format string) (string, error) {
	pattern, there := w.dateFormats[format]
	if !there {
		return "", &Failure{
			What: fmt.Sprintf("no date format is called %q; there are: %s", format, someOf(slices.Sorted(maps.Keys(w.dateFormats)))),
			Hint: fmt.Sprintf(`give it a meaning first: Given date format %q "YYYY-MM-DD"`, format),
		}
	}
	if year := t.Year(); year < 1 || year > 9999 {
		return "", fmt.Errorf("the date that came out is in the year %d; years go from 1 to 9999, so begin with a date nearer to today", year)
	}
	return arrowFormat(t, pattern), nil
}

// manyDays is how far from a date a random date after or before it may be: one day less.
const manyDays = 100_000

// dateNear is a random date after another, or with direction -1 before it, in a format that has a name.
func (w *World) dateNear(base string, direction int, format string) (string, error) {
	t, err := parseDate(base, time.Now())
	if err != nil {
		return "", err
	}
	return w.dateText(t.AddDate(0, 0, direction*w.random.IntN(manyDays)), format)
}

// dateBetween is a random date from one that may be met to one that is not, in a format that has a name. It is whole days
// from the first, and either may be the later one.
func (w *World) dateBetween(start, end, format string) (string, error) {
	from, err := parseDate(start, time.Now())
	if err != nil {
		return "", err
	}
	to, err := parseDate(end, time.Now())
	if err != nil {
		return "", err
	}
	// Python counts days down: 36 hours forward are two days to choose from, 36 hours back one.
	const day = 24 * int64(time.Hour/time.Microsecond)
	apart := to.UnixMicro() - from.UnixMicro()
	days := int(apart / day)
	if apart%day > 0 {
		days++
	}
	if days == 0 {
		return "", fmt.Errorf("there is no day between %q and %q; write two dates that are at least a day apart", start, end)
	}
	if days < 0 {
		return w.dateText(from.AddDate(0, 0, -w.random.IntN(-days)), format)
	}
	return w.dateText(from.AddDate(0, 0, w.random.IntN(days)), format)
}
