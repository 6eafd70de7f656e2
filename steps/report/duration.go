package report

import (
	"fmt"
	"time"
)

// Duration is a time as people read it: "0.4 µs", "743 µs", "4.7 ms", "120 ms", "1.25 s", "2 min 5 s".
func Duration(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 µs"
	case d < 9950*time.Nanosecond:
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	case d.Round(time.Microsecond) < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Round(time.Microsecond).Microseconds())
	case d < 9950*time.Microsecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d.Round(time.Millisecond) < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 59995*time.Millisecond:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}
