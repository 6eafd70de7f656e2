package gate

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// Machine is where a gate ran.
type Machine struct {
	Host string `json:"host"`
	OS   string `json:"os"`
	CPUs int    `json:"cpus"`
}

func machine() Machine {
	host, _ := os.Hostname() // for people alone
	return Machine{Host: host, OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
}

// WriteJSON writes r, with each cycle.
func (r *Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// WriteText writes r for people.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s  candidate %s against base %s", r.Verdict, r.Candidate.Name, r.Base.Name)
	for _, reason := range r.Reasons {
		line("  %s", reason)
	}
	line("")
	line("  %-24s %10s %10s   %8s   %s", "", "base", "candidate", "change", "95 % interval")
	for _, c := range r.Routes {
		extra := ""
		if len(r.Routes) > 1 {
			extra = fmt.Sprintf("   p %.3f", c.P)
		}
		line("  %-24s %10s %10s   %+7.1f%%   %s%s", c.Name, figure(c.Base, c.Unit), figure(c.Candidate, c.Unit), (c.Ratio-1)*100, interval(c.Low, c.High), extra)
	}
	for _, c := range r.Beside {
		note := ""
		if c.Bound > 0 {
			note = fmt.Sprintf("   fails from %+.0f%% on", c.Bound*100)
		}
		line("  %-24s %10s %10s   %+7.1f%%   %s%s", c.Name, figure(c.Base, c.Unit), figure(c.Candidate, c.Unit), (c.Ratio-1)*100, interval(c.Low, c.High), note)
	}
	line("")
	void := len(r.Cycles) - len(r.counted())
	line("  %d cycles, %d requests to each, spread %.1f %% a cycle; tolerated %s, caught %s; seed %d", r.Decision.Cycles, r.Base.Requests,
		r.Decision.Spread*100, percent(1+r.Margins.Tolerated), percent(1+r.Margins.Caught), r.Seed)
	if void > 0 {
		line("  %d more cycles do not count", void)
	}
	if n := r.busy(); n > 0.3 {
		line("  other processes took %.1f cores meanwhile; the ratios allow for that, the times above do not", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// busy is how many cores all else on the machine took.
func (r *Result) busy() float64 {
	sum, n := 0.0, 0
	for _, c := range r.counted() {
		if c.Others >= 0 {
			sum, n = sum+c.Others, n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// WriteMarkdown writes r for a pull request.
func (r *Result) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("### %s: `%s` against `%s`", r.Verdict, r.Candidate.Name, r.Base.Name)
	line("")
	line("%s.", strings.Join(r.Reasons, "; "))
	line("")
	line("| | base | candidate | change | 95 %% interval |")
	line("| --- | ---: | ---: | ---: | --- |")
	for _, all := range [][]Compare{r.Routes, r.Beside} {
		for _, c := range all {
			line("| %s | %s | %s | %+.1f %% | %s |", strings.ReplaceAll(c.Name, "|", `\|`), figure(c.Base, c.Unit), figure(c.Candidate, c.Unit), (c.Ratio-1)*100, interval(c.Low, c.High))
		}
	}
	line("")
	line("%d cycles, %d requests to each server, on %s with %d CPUs.", r.Decision.Cycles, r.Base.Requests, r.Machine.OS, r.Machine.CPUs)
	_, err := io.WriteString(w, b.String())
	return err
}

func figure(v float64, unit string) string {
	text := fmt.Sprintf("%.1f", v)
	if v >= 1000 {
		text = fmt.Sprintf("%.0f", v)
	}
	if unit == "" {
		return text
	}
	return text + " " + unit
}

func interval(low, high float64) string {
	if low == 0 {
		return "not known"
	}
	return fmt.Sprintf("%+.1f to %+.1f %%", (low-1)*100, (high-1)*100)
}
