package steps

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"time"
)

// arrowToken finds what stands for a part of a date in a pattern, as Arrow's formatter does. Text in brackets is a token
// whole, and so stays as it is.
var arrowToken = regexp.MustCompile(`\[[^\]]*\]|YYY?Y?|MM?M?M?|Do|DD?D?D?|d?dd?d?|HH?|hh?|mm?|ss?|SS?S?S?S?S?|ZZ?Z?|a|A|X|x|W`)

// arrowFormat writes a time by a pattern of Python's Arrow, such as YYYY-MM-DDTHH:mm:ss, in English.
// See https://arrow.readthedocs.io/en/latest/guide.html#supported-tokens.
func arrowFormat(t time.Time, pattern string) string {
	return arrowToken.ReplaceAllStringFunc(pattern, func(token string) string {
		if token[0] == '[' {
			return token[1 : len(token)-1]
		}
		return arrowPart(t, token)
	})
}

// arrowPart is what stands for one token. YYY and dd are tokens that stand for nothing.
func arrowPart(t time.Time, token string) string {
	switch token {
	case "YYYY":
		return fmt.Sprintf("%04d", t.Year())
	case "YY":
		return fmt.Sprintf("%04d", t.Year())[2:]
	case "MMMM":
		return t.Month().String()
	case "MMM":
		return t.Month().String()[:3]
	case "MM", "M":
		return padded(int(t.Month()), token)
	case "DDDD":
		return fmt.Sprintf("%03d", t.YearDay())
	case "DDD":
		return strconv.Itoa(t.YearDay())
	case "DD", "D":
		return padded(t.Day(), token)
	case "Do":
		return ordinal(t.Day())
	case "dddd":
		return t.Weekday().String()
	case "ddd":
		return t.Weekday().String()[:3]
	case "d":
		return strconv.Itoa(isoWeekday(t))
	case "HH", "H":
		return padded(t.Hour(), token)
	case "hh", "h":
		return padded((t.Hour()+11)%12+1, token)
	case "mm", "m":
		return padded(t.Minute(), token)
	case "ss", "s":
		return padded(t.Second(), token)
	case "S", "SS", "SSS", "SSSS", "SSSSS", "SSSSSS":
		return fmt.Sprintf("%06d", t.Nanosecond()/1000)[:len(token)]
	case "X":
		return timestamp(t)
	case "x":
		return strconv.FormatInt(t.UnixMicro(), 10)
	case "ZZZ":
		name, _ := t.Zone()
		return name
	case "ZZ":
		return offset(t, ":")
	case "Z":
		return offset(t, "")
	case "a", "A":
		half := "am"
		if t.Hour() >= 12 {
			half = "pm"
		}
		if token == "A" {
			return map[string]string{"am": "AM", "pm": "PM"}[half]
		}
		return half
	case "W":
		year, week := t.ISOWeek()
		return fmt.Sprintf("%d-W%02d-%d", year, week, isoWeekday(t))
	}
	return ""
}

// padded is a number, in two digits for a token of two letters.
func padded(n int, token string) string { return fmt.Sprintf("%0*d", len(token), n) }

func ordinal(n int) string {
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			return strconv.Itoa(n) + "st"
		case 2:
			return strconv.Itoa(n) + "nd"
		case 3:
			return strconv.Itoa(n) + "rd"
		}
	}
	return strconv.Itoa(n) + "th"
}

// isoWeekday is 1 for Monday and 7 for Sunday.
func isoWeekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// timestamp is the seconds since 1970 as Python writes a float, such as 1585669870.688329 or 1585669870.0.
func timestamp(t time.Time) string {
	f, _ := big.NewRat(t.UnixMicro(), 1e6).Float64()
	return pythonFloat(f)
}

func offset(t time.Time, separator string) string {
	_, seconds := t.Zone()
	sign, minutes := "+", seconds/60
	if minutes < 0 {
		sign, minutes = "-", -minutes
	}
	return fmt.Sprintf("%s%02d%s%02d", sign, minutes/60, separator, minutes%60)
}
