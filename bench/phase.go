package bench

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// PhaseSpec is one named part of a load. What it holds says its shape:
//
//	rate                      the same all the time
//	from, to                  a ramp, which may begin or end at 0
//	from, to, steps           as many equal steps, the first at from and the last at to
//	rate, peak, peak_for      a spike to peak in the middle
//	rate, swing, period       a sine around rate, which begins at it
//	replay, speed             timings that were recorded
//	users                     a closed loop; then every phase has it
//
// Rates are requests a second.
type PhaseSpec struct {
	Name     string   `yaml:"name"`     // default: phase 1, phase 2, ...
	Duration Duration `yaml:"duration"` // of a replay: to its last timing, unless said
	Rate     float64  `yaml:"rate"`
	From     *float64 `yaml:"from"`
	To       *float64 `yaml:"to"`
	Steps    int      `yaml:"steps"`
	Peak     float64  `yaml:"peak"`
	PeakFor  Duration `yaml:"peak_for"` // default: a tenth of the duration
	Swing    float64  `yaml:"swing"`    // at most rate
	Period   Duration `yaml:"period"`   // default: the duration
	// Replay is a file of when requests were made, one a line: seconds from any beginning, or a time as in RFC 3339; what
	// follows it after a space, comma or semicolon is passed over, as are a heading and lines that begin with #.
	Replay string  `yaml:"replay"`
	Speed  float64 `yaml:"speed"` // of a replay: 2 is twice as fast; default: 1
	Users  int     `yaml:"users"`

	times replay // what Replay holds
}

// specs are the profile's phases: those that it names, or the one that its rate or users are. Each has a name and a duration.
func (p *Profile) specs() []PhaseSpec {
	if len(p.Phases) == 0 {
		return []PhaseSpec{{Duration: p.Duration, Rate: p.Rate, Users: p.Users}}
	}
	out := make([]PhaseSpec, len(p.Phases))
	for i, ph := range p.Phases {
		if ph.Name == "" {
			ph.Name = fmt.Sprintf("phase %d", i+1)
		}
		if ph.Duration == 0 && len(ph.times) > 0 {
			ph.Duration = Duration((ph.times[len(ph.times)-1] + 0.001) * float64(time.Second)) // the last one falls due within it
		}
		out[i] = ph
	}
	return out
}

// shape adds the phase's curves. It has no faults.
func (ph *PhaseSpec) shape(to pieces) pieces {
	d := ph.Duration.Std().Seconds()
	flat := func(rate, seconds float64) { to = to.add(line{rate, rate, seconds}, seconds) }
	switch {
	case ph.times != nil:
		return to.add(ph.times, d)
	case ph.From != nil && ph.Steps > 0:
		for i := range ph.Steps {
			share := 0.0
			if ph.Steps > 1 {
				share = float64(i) / float64(ph.Steps-1)
			}
			flat(*ph.From+(*ph.To-*ph.From)*share, d/float64(ph.Steps))
		}
	case ph.From != nil:
		return to.add(line{*ph.From, *ph.To, d}, d)
	case ph.Peak > 0:
		peak := ph.PeakFor.Std().Seconds()
		if peak == 0 {
			peak = d / 10
		}
		flat(ph.Rate, (d-peak)/2)
		flat(ph.Peak, peak)
		flat(ph.Rate, (d-peak)/2)
	case ph.Swing > 0:
		period := ph.Period.Std().Seconds()
		if period == 0 {
			period = d
		}
		return to.add(wave{ph.Rate, ph.Swing, period}, d)
	default:
		flat(ph.Rate, d)
	}
	return to
}

// highest is the greatest rate that the phase comes to.
func (ph *PhaseSpec) highest() float64 {
	high := max(ph.Rate+ph.Swing, ph.Peak)
	if ph.From != nil && ph.To != nil {
		high = max(high, *ph.From, *ph.To)
	}
	for i, at := range ph.times { // over one second each
		high = max(high, ph.times.hits(at+1)-float64(i))
	}
	return high
}

// maxSteps is of one phase: more of them are a ramp.
const maxSteps = 10_000

// faults tells what is wrong with the phase.
func (ph *PhaseSpec) faults(add func(field, format string, args ...any)) {
	if ph.Duration <= 0 && ph.Replay == "" {
		add("", "duration must be more than 0")
	}
	shapes := 0
	for _, there := range []bool{ph.From != nil || ph.To != nil, ph.Rate != 0, ph.Replay != "", ph.Users != 0} {
		if there {
			shapes++
		}
	}
	if shapes != 1 {
		add("", "a phase has one of: rate; from and to; replay; users")
		return
	}
	number := func(field string, v float64, least bool) {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || least && v == 0 {
			add("."+field, "%s must be more than 0 requests a second", field)
		}
	}
	takes := func(there bool, field, with string) {
		if there {
			add("."+field, "%s goes with %s", field, with)
		}
	}
	takes(ph.Rate == 0 && ph.Peak != 0, "peak", "rate")
	takes(ph.Peak == 0 && ph.PeakFor != 0, "peak_for", "peak")
	takes(ph.Rate == 0 && ph.Swing != 0, "swing", "rate")
	takes(ph.Swing == 0 && ph.Period != 0, "period", "swing")
	takes(ph.From == nil && ph.Steps != 0, "steps", "from and to")
	takes(ph.Replay == "" && ph.Speed != 0, "speed", "replay")
	switch {
	case ph.From != nil && ph.To != nil:
		number("from", *ph.From, false)
		number("to", *ph.To, false)
		if *ph.From+*ph.To == 0 {
			add("", "from and to are both 0: nothing would be sent")
		}
		if ph.Steps > maxSteps {
			add(".steps", "steps must be at most %d; a ramp has from and to alone", maxSteps)
		}
		if ph.Steps < 0 || ph.Steps == 1 {
			add(".steps", "steps must be 2 or more: from and to are the first and the last")
		}
	case ph.From != nil || ph.To != nil:
		add("", "a ramp needs both from and to")
	case ph.Replay != "":
		if ph.Speed < 0 || math.IsNaN(ph.Speed) || math.IsInf(ph.Speed, 0) {
			add(".speed", "speed must be more than 0")
		}
	case ph.Users != 0:
		if ph.Users < 0 || ph.Users > maxUsers {
			add(".users", "users must be 1 to %d", maxUsers)
		}
	default:
		number("rate", ph.Rate, true)
		number("peak", ph.Peak, false)
		number("swing", ph.Swing, false)
		if ph.Swing > ph.Rate {
			add(".swing", "swing %g is more than the rate %g: no rate is below 0", ph.Swing, ph.Rate)
		}
		if ph.Swing > 0 && ph.Peak > 0 {
			add(".peak", "a phase has a peak or a swing, not both")
		}
		if ph.PeakFor > 0 && ph.PeakFor >= ph.Duration {
			add(".peak_for", "peak_for %s is not shorter than the phase of %s", ph.PeakFor, ph.Duration)
		}
	}
}

// readTimings reads a file of recorded timings: see PhaseSpec.Replay.
func readTimings(path string, speed float64) (replay, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was read only
	if speed == 0 {
		speed = 1
	}
	var out replay
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if cut := strings.IndexAny(text, ",; \t"); cut >= 0 {
			text = text[:cut]
		}
		text = strings.Trim(text, `"`)
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		at, err := timing(text)
		if err != nil {
			if n == 1 && !strings.ContainsAny(text[:1], "+-.0123456789") { // a heading
				continue
			}
			return nil, fmt.Errorf("%s:%d:1: %w", path, n, err)
		}
		if len(out) > 0 && at < out[len(out)-1] {
			return nil, fmt.Errorf("%s:%d:1: %s comes after a later time: put the timings in order", path, n, text)
		}
		out = append(out, at)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: it holds no timings", path)
	}
	first := out[0]
	for i := range out {
		out[i] = (out[i] - first) / speed
	}
	return out, nil
}

func timing(text string) (float64, error) {
	if v, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
		return v, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, fmt.Errorf("%q is neither seconds nor a time such as 2026-05-01T10:00:00.25Z", text)
	}
	return float64(t.UnixNano()) / 1e9, nil
}
