package steps_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps"
)

// TestDatesAreWrittenAsArrowDoes holds the tokens of https://arrow.readthedocs.io/en/latest/guide.html#supported-tokens
// against what Arrow's formatter makes of them. The clock of a synctest bubble begins with the year 2000, a Saturday.
func TestDatesAreWrittenAsArrowDoes(t *testing.T) {
	const afternoon = 12*time.Hour + 34*time.Minute + 5*time.Second + 6*time.Millisecond + 70*time.Microsecond
	day := func(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
	rows := []struct {
		name, format string
		after        time.Duration
		want         string
	}{
		{"the default", "YYYY-MM-DDTHH:mm:ss", afternoon, "2000-01-01T12:34:05"},
		{"year", "YYYY YY", 0, "2000 00"},
		{"month", "MMMM MMM MM M", day(31), "February Feb 02 2"},
		{"day of the year", "DDDD DDD", day(8), "009 9"},
		{"day of the month", "DD D", day(8), "09 9"},
		{"first", "Do", 0, "1st"},
		{"second", "Do", day(1), "2nd"},
		{"third", "Do", day(2), "3rd"},
		{"fourth", "Do", day(3), "4th"},
		{"eleventh", "Do", day(10), "11th"},
		{"twelfth", "Do", day(11), "12th"},
		{"thirteenth", "Do", day(12), "13th"},
		{"twenty-first", "Do", day(20), "21st"},
		{"day of the week", "dddd ddd d", 0, "Saturday Sat 6"},
		{"Sunday is the seventh", "d", day(1), "7"},
		{"hour", "HH H hh h", 15 * time.Hour, "15 15 03 3"},
		{"midnight", "HH H hh h a A", 0, "00 0 12 12 am AM"},
		{"noon", "HH hh h a A", 12 * time.Hour, "12 12 12 pm PM"},
		{"minute and second", "mm m ss s", 4*time.Minute + 5*time.Second, "04 4 05 5"},
		{"fractions are cut", "SSSSSS SSSSS SSSS SSS SS S", 987654 * time.Microsecond, "987654 98765 9876 987 98 9"},
		{"more than six S", "SSSSSSS", 987654 * time.Microsecond, "9876549"},
		{"seconds since 1970", "X", 0, "946684800.0"},
		{"with a fraction", "X", 250 * time.Millisecond, "946684800.25"},
		{"microseconds since 1970", "x", 250 * time.Millisecond, "946684800250000"},
		{"zone", "ZZZ ZZ Z", 0, "UTC +00:00 +0000"},
		{"ISO week", "W", 0, "1999-W52-6"},
		{"text in brackets", "YYYY [YYYY] [at] h [h] [] []", 0, "2000 YYYY at 12 h  "},
		{"a bracket alone", "[YYYY", 0, "[2000"},
		{"letters that mean nothing", "Y-QTe", 0, "Y-QTe"},
		{"YYY and dd are nothing", "<YYY|dd>", 0, "<|>"},
		{"five letters are four and one", "YYYYY DDDDD", 0, "2000Y 0011"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(row.after) // of the bubble: it takes no time
				var got any
				var text string
				k := begin(t, steps.Options{Extra: []steps.Step{probe(&got, &text)}})
				k.must("Given date format \"f\" \"" + row.format + "\"\nAnd I store UTC now under \"v\" \"f\"\nAnd a probe of \"#v\"")
				assert.Equal(t, row.want, got)
			})
		})
	}
}
