package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps/report"
)

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 µs":       0,
		"0.4 µs":     400,
		"9.9 µs":     9949,
		"10 µs":      9950,
		"743 µs":     743 * time.Microsecond,
		"999 µs":     999_499,
		"1.0 ms":     999_500, // never 1000 µs
		"4.7 ms":     4712 * time.Microsecond,
		"10 ms":      9950 * time.Microsecond, // never 10.0 ms
		"120 ms":     120 * time.Millisecond,
		"1.00 s":     999_600 * time.Microsecond,
		"1.25 s":     1250 * time.Millisecond,
		"1 min 0 s":  59_999 * time.Millisecond, // never 60.00 s
		"2 min 5 s":  125 * time.Second,
		"61 min 1 s": 61*time.Minute + time.Second,
	} {
		assert.Equal(t, want, report.Duration(d), "%d ns", d)
	}
}
