package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Moment is a stretch of a run, of a second or of several in which nothing stood out. Requests are counted in the one
// in which they were due.
type Moment struct {
	From, To float64 // seconds from the start of the measured part
	Counts
	Slowest float64  // ms of response time; 0 where nothing was answered
	Notes   []string // the events that began then, and ids that were lost or doubled
	Bad     bool     // something failed, or took longer than slow
}

// When is the moment for people: "5 s", or "6 to 19 s".
func (m *Moment) When() string {
	if m.To-m.From <= 1 {
		return fmt.Sprintf("%g s", m.From)
	}
	return fmt.Sprintf("%g to %g s", m.From, m.To)
}

// mergeFrom is how many seconds without anything to tell become one row.
const mergeFrom = 3

// Timeline is the run second by second, as a table that fits on a screen: seconds in which nothing stood out are put
// together. Where slow is more than 0, answers that took that long, in milliseconds, stand out.
func (r *Result) Timeline(slow float64) []Moment {
	width := max(1, r.Series.Width)
	all := make([]Moment, int(math.Ceil(r.Duration/width)))
	for i := range all {
		all[i].From, all[i].To = float64(i)*width, float64(i+1)*width
	}
	at := func(second float64) *Moment { return &all[min(max(int(second/width), 0), len(all)-1)] }
	for _, b := range r.Series.Buckets {
		m := at(b.From + r.Series.Width/2)
		m.Sent += b.Sent
		m.OK += b.OK
		m.Failed += b.Failed
		m.Unknown += b.Unknown
		m.Wrong += b.Wrong
		m.Slowest = max(m.Slowest, b.Max)
	}
	for i := range all {
		m := &all[i]
		m.Bad = m.Failed+m.Unknown+m.Wrong > 0 || slow > 0 && m.Slowest >= slow
	}
	for _, e := range r.Events {
		m, note := at(e.At), e.Label
		switch {
		case e.Error != "":
			if e.At == 0 { // it never began
				m = at(e.Due)
			}
			note, m.Bad = fmt.Sprintf("%s FAILED: %s", e.Label, firstLine(e.Error)), true
		case e.Took >= 1000*width:
			note = fmt.Sprintf("%s, done after %s", e.Label, FormatMS(e.Took))
		}
		m.Notes = append(m.Notes, note)
	}
	if e := r.Executed; e != nil {
		r.noteIDs(at, "lost", e.LostIDs, e.LostDue)
		r.noteIDs(at, "doubled", e.DoubledIDs, e.DoubledDue)
	}
	return merged(all)
}

// noteIDs notes ids where their requests were due.
func (r *Result) noteIDs(at func(float64) *Moment, what string, ids []int, due []float64) {
	var moments []*Moment
	some := map[*Moment][]string{}
	for i, id := range ids {
		second := float64(id-1-r.Warmup.Sent) / max(r.Rate, 1)
		if i < len(due) {
			second = due[i]
		}
		m := at(second)
		if some[m] == nil {
			moments = append(moments, m)
		}
		some[m] = append(some[m], fmt.Sprint(id))
	}
	for _, m := range moments {
		m.Bad = true
		list := some[m]
		if len(list) > 3 {
			list = append(slices.Clone(list[:3]), "...")
		}
		m.Notes = append(m.Notes, what+": "+strings.Join(list, ", "))
	}
}

// merged puts seconds without anything to tell together.
func merged(all []Moment) []Moment {
	plain := func(m *Moment) bool { return !m.Bad && len(m.Notes) == 0 }
	var out []Moment
	for i := 0; i < len(all); {
		end := i
		for end < len(all) && plain(&all[end]) {
			end++
		}
		if end-i < mergeFrom {
			end = max(end, i+1)
			out = append(out, all[i:end]...)
			i = end
			continue
		}
		sum := all[i]
		for _, m := range all[i+1 : end] {
			sum.To, sum.Slowest = m.To, max(sum.Slowest, m.Slowest)
			sum.Sent += m.Sent
			sum.OK += m.OK
		}
		out = append(out, sum)
		i = end
	}
	return out
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// Summary is the run in one line: "20000 sent, 19998 ok, 0 failed, 2 unknown, 0 lost, 0 doubled; slowest 312 ms".
func (r *Result) Summary() string {
	text := fmt.Sprintf("%d sent, %d ok, %d failed, %d unknown", r.Sent, r.OK, r.Failed, r.Unknown)
	if r.Wrong > 0 {
		text += fmt.Sprintf(", %d wrong", r.Wrong)
	}
	if e := r.Executed; e != nil {
		text += fmt.Sprintf(", %d lost, %d doubled", e.Lost, e.Doubled)
	}
	return text + "; slowest " + FormatMS(r.Response.Max)
}
