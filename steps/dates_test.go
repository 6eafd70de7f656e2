package steps_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// TestMain gives all tests a time zone of their own, five hours east. It is set before any goroutine may look.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("ZZZ", 5*3600)
	os.Exit(m.Run())
}

// dateTalk sets dates in requests that are sent to a server of its own.
type dateTalk struct {
	*talk
	last *sent
}

func beginDates(t *testing.T, seed uint64) *dateTalk {
	t.Helper()
	address, last := listener(t)
	k := &dateTalk{begin(t, steps.Options{Seed: seed}), last}
	k.must("Given address \"" + address + "\"\nAnd date format \"zoned\" \"YYYY-MM-DDTHH:mm:ssZZ\"\nAnd date format \"day\" \"YYYY-MM-DD\"\n" + emptyRequest)
	return k
}

// set gives what was sent for a step that sets a date.
func (k *dateTalk) set(step string) (string, error) {
	k.t.Helper()
	if err := k.say("Given path \"/v\" in request is " + step); err != nil {
		return "", err
	}
	k.must(invoking)
	return strings.TrimSuffix(strings.TrimPrefix(bodyOf(k.t, k.last), `{"v":"`), `"}`), nil
}

func setDate(t *testing.T, step string) (string, error) {
	t.Helper()
	return beginDates(t, 0).set(step)
}

func TestNow(t *testing.T) {
	rows := []struct{ name, step, want, fault string }{
		{"a random date is now", `a random date "zoned"`, "2000-01-01T05:00:00+05:00", ""},
		{"now is local", `now "zoned"`, "2000-01-01T05:00:00+05:00", ""},
		{"UTC", `UTC now "zoned"`, "2000-01-01T00:00:00+00:00", ""},
		{"an hour ago", `UTC now "zoned" minus one hour`, "1999-12-31T23:00:00+00:00", ""},
		{"the default format", `UTC now "default"`, "2000-01-01T00:00:00", ""},
		{"an unknown format", `now "short"`, "", "no date format is called \"short\"; there are: \"day\", \"default\", \"zoned\"\n  give it a meaning first: Given date format \"short\" \"YYYY-MM-DD\""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := setDate(t, row.step)
				if row.fault != "" {
					assert.ErrorContains(t, err, row.fault)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, row.want, got)
			})
		})
	}
}

func TestNowIsStored(t *testing.T) {
	rows := []struct{ name, step, want, fault string }{
		{"a random date is now, in local time", `I store a random date under "v", format "default"`, "2000-01-01T05:00:00", ""},
		{"UTC", `I store UTC now under "v" "default"`, "2000-01-01T00:00:00", ""},
		{"an unknown format", `I store UTC now under "v" "YYYY"`, "", `no date format is called "YYYY"`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got any
				var text string
				k := begin(t, steps.Options{Extra: []steps.Step{probe(&got, &text)}})
				err := k.say("Given " + row.step)
				if row.fault != "" {
					assert.ErrorContains(t, err, row.fault)
					return
				}
				require.NoError(t, err)
				k.must(`Given a probe of "#v"`)
				assert.Equal(t, row.want, got)
			})
		})
	}
}

func TestFormatsOfDatesAreForgotten(t *testing.T) {
	k := begin(t, steps.Options{})
	k.must("Given date format \"f\" \"YYYY\"\nAnd I store UTC now under \"v\" \"f\"")
	k.must(`Then context is cleaned up`)
	assert.ErrorContains(t, k.say(`Given I store UTC now under "v" "f"`), `there are: "default"`)
}

func TestRandomDatesLieWhereTheyMust(t *testing.T) {
	rows := []struct{ step, first, last string }{
		{`a random date after "2012-10-25" "day"`, "2012-10-25", "2286-08-08"},
		{`a random date before "25 October 2012" "day"`, "1739-01-11", "2012-10-25"},
		{`a random date between "2012-10-25" and "2012-10-28" "day"`, "2012-10-25", "2012-10-27"},
		{`a random date between "2012-10-28" and "2012-10-25" "day"`, "2012-10-26", "2012-10-28"},
		{`a random date between "0001-01-01" and "9999-12-31" "day"`, "0001-01-01", "9999-12-30"},
		{`a random date between "2012-10-25 00:00" and "2012-10-26 12:00" "day"`, "2012-10-25", "2012-10-26"},
		{`a random date between "2012-10-26 12:00" and "2012-10-25 00:00" "day"`, "2012-10-26", "2012-10-26"},
	}
	for _, row := range rows {
		t.Run(row.step, func(t *testing.T) {
			dates := func(seed uint64) (all []string) {
				k := beginDates(t, seed)
				for range 40 {
					got, err := k.set(row.step)
					require.NoError(t, err)
					assert.GreaterOrEqual(t, got, row.first)
					assert.LessOrEqual(t, got, row.last)
					all = append(all, got)
				}
				return all
			}
			all := dates(1)
			assert.Equal(t, all, dates(1), "the seed decides")
			slices.Sort(all)
			seen := slices.Compact(all)
			first, err := time.Parse(time.DateOnly, row.first)
			require.NoError(t, err)
			last, err := time.Parse(time.DateOnly, row.last)
			require.NoError(t, err)
			if days := int(last.Sub(first).Hours()/24) + 1; days < 5 {
				assert.Len(t, seen, days, "each of the days comes up")
			} else {
				assert.Greater(t, len(seen), 20)
			}
		})
	}
}

func TestRandomDatesThatCannotBe(t *testing.T) {
	rows := []struct{ name, step, fault string }{
		{"the same day", `a random date between "2012-10-25" and "25/10/2012" "day"`, `there is no day between "2012-10-25" and "25/10/2012"`},
		{"before there were years", `a random date before "0001-01-02" "day"`, "years go from 1 to 9999, so begin with a date nearer to today"},
		{"after there are years", `a random date after "9999-12-30" "day"`, "years go from 1 to 9999"},
		{"no date", `a random date after "soon" "day"`, `"soon" is no date: "soon" is not understood; dates are understood as in: 2012-10-25, `},
		{"no second date", `a random date between "2012-10-25" and "later" "day"`, `"later" is no date`},
		{"an unknown format", `a random date after "2012-10-25" "short"`, `no date format is called "short"`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			_, err := setDate(t, row.step)
			assert.ErrorContains(t, err, row.fault)
		})
	}
}

func TestDatesAreReadAsPeopleWriteThem(t *testing.T) {
	// Between a date and a moment less than a day later there is just that date, whatever the seed.
	rows := []struct{ text, want string }{
		{"2012-10-25", "2012-10-25T00:00:00+00:00"},
		{"2012-10-25T14:33:12", "2012-10-25T14:33:12+00:00"},
		{"2012-10-25 14:33", "2012-10-25T14:33:00+00:00"},
		{"2012-10-25T14:33:12.987654Z", "2012-10-25T14:33:12+00:00"},
		{"2012-10-25T14:33:12-05:30", "2012-10-25T14:33:12-05:30"},
		{"2012-10-25 14:33 +02", "2012-10-25T14:33:00+02:00"},
		{"2012-10-25 2:33 pm", "2012-10-25T14:33:00+00:00"},
		{"2012-10-25 12:05 A.M.", "2012-10-25T00:05:00+00:00"},
		{"20121025", "2012-10-25T00:00:00+00:00"},
		{"20121025T143312", "2012-10-25T14:33:12+00:00"},
		{"20121025143312", "2012-10-25T14:33:12+00:00"},
		{"2012-299", "2012-10-25T00:00:00+00:00"},
		{"2012-W43-4", "2012-10-25T00:00:00+00:00"},
		{"2012W434", "2012-10-25T00:00:00+00:00"},
		{"2012-W43", "2012-10-22T00:00:00+00:00"},
		{"2012/10/25", "2012-10-25T00:00:00+00:00"},
		{"25.10.2012", "2012-10-25T00:00:00+00:00"},
		{"10/25/2012", "2012-10-25T00:00:00+00:00"},
		{"25/10/2012", "2012-10-25T00:00:00+00:00"},
		{"10/11/2012", "2012-10-11T00:00:00+00:00"},
		{"10/11/12", "2012-10-11T00:00:00+00:00"},
		{"10/11/99", "1999-10-11T00:00:00+00:00"},
		{"25 October 2012", "2012-10-25T00:00:00+00:00"},
		{"25th of October 2012", "2012-10-25T00:00:00+00:00"},
		{"October 25, 2012", "2012-10-25T00:00:00+00:00"},
		{"25-Oct-2012", "2012-10-25T00:00:00+00:00"},
		{"2012 Sept 5", "2012-09-05T00:00:00+00:00"},
		{"October 2012", "2012-10-01T00:00:00+00:00"},
		{"2012-10", "2012-10-01T00:00:00+00:00"},
		{"10/2012", "2012-10-01T00:00:00+00:00"},
		{"2012", "2012-01-01T00:00:00+00:00"},
		{"25 October", "2000-10-25T00:00:00+00:00"},
		{"Thu, 25 Oct 2012 14:33:12 +0200", "2012-10-25T14:33:12+02:00"},
		{"Thu Oct 25 14:33:12 UTC 2012", "2012-10-25T14:33:12+00:00"},
		{"14:33 25-10-2012", "2012-10-25T14:33:00+00:00"},
		{"29 February 2012", "2012-02-29T00:00:00+00:00"},
	}
	for _, row := range rows {
		t.Run(row.text, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				later, err := time.Parse("2006-01-02T15:04:05-07:00", row.want)
				require.NoError(t, err)
				got, err := setDate(t, fmt.Sprintf("a random date between %q and %q %q", row.text, later.Add(time.Hour).Format(time.RFC3339), "zoned"))
				require.NoError(t, err)
				assert.Equal(t, row.want, got)
			})
		})
	}
	for text, fault := range map[string]string{
		"2012-13-01": "there is no such day", "30 February 2012": "there is no such day", "2012-366 ": "", "2011-366": "the year has no such day",
		"2012-W54": "there is no such week", "2011-W53": "the year has no such week", "2012-10-25 25:00": "there is no such time",
		"2012-10-25 14:61": "there is no such time", "2012-10-25 14:": "a number is missing", "2012-10-25 13 pm x": "pm does not follow an hour",
		"2012-10-25 14:33 +99:00": "no time zone is that far away", "0000-10-25": "the year is not one", "12": "it takes a year, a month and a day",
		"Oct 25 Nov 2012": "there are two months", "1 2 3 4": "it takes a year", "tomorrow": "is not understood", "14:33": "it takes a year",
		"123456789012345678901234567890": "a number is missing, or too long",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := setDate(t, fmt.Sprintf("a random date after %q %q", text, "day"))
			if fault == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, fault)
		})
	}
}
