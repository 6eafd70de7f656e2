package stats

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// metricsType is the media type of Prometheus's text format, version 0.0.4.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// Metrics are what this server counts, in Prometheus's text format. Names of services, channels and outgoing connections are
// the only labels whose number grows, and nobody who calls the server can make one up. Internal services are there
// with the query internal=1 alone.
func (s *Stats) Metrics() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", metricsType)
		_ = s.WriteMetrics(w, r.URL.Query().Get("internal") == "1") // the client may have gone
	})
}

// bounds are the upper ones of the histograms' buckets, in seconds.
func bounds() []float64 {
	return []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
}

// WriteMetrics writes, for each service, channel and outgoing connection that was called, requests by outcome (ok or error)
// and a histogram of their times, whose buckets are within 1 % of the exact ones.
func (s *Stats) WriteMetrics(to io.Writer, internal bool) error {
	w := bufio.NewWriter(to)
	now := s.now()
	for _, one := range []struct {
		kind Kind
		what string
	}{{ServiceKind, "Requests to a service"}, {ChannelKind, "Requests by a channel"}, {OutconnKind, "Calls of an outgoing connection"}} {
		var all []ServiceStats
		for _, c := range s.all(one.kind) {
			if one.kind == ServiceKind && isInternal(c.key.Name) && !internal {
				continue
			}
			if stats := c.snapshot(now); stats.Count > 0 {
				all = append(all, stats)
			}
		}
		name := "parley_" + one.kind.String()
		labels := func(of ServiceStats) string {
			return fmt.Sprintf(`%s="%s",server="%s"`, one.kind, escaped(of.Service), escaped(cmp.Or(s.server, "-")))
		}
		say(w, "# HELP %s_requests_total %s, by outcome.\n# TYPE %s_requests_total counter\n", name, one.what, name)
		for _, of := range all {
			failed := min(of.Errors, of.Count)
			say(w, "%s_requests_total{%s,outcome=\"ok\"} %d\n", name, labels(of), of.Count-failed)
			say(w, "%s_requests_total{%s,outcome=\"error\"} %d\n", name, labels(of), failed)
		}
		say(w, "# HELP %s_duration_seconds How long they took.\n# TYPE %s_duration_seconds histogram\n", name, name)
		for _, of := range all {
			writeHistogram(w, name+"_duration_seconds", labels(of), of)
		}
	}
	return w.Flush()
}

func writeHistogram(w io.Writer, name, labels string, of ServiceStats) {
	limits := bounds()
	counts := make([]int64, len(limits)+1)
	of.each(func(index int, n int64) {
		seconds, i := middleOf(index)/1e9, 0
		for i < len(limits) && seconds > limits[i] {
			i++
		}
		counts[i] += n
	})
	total := int64(0)
	for i, limit := range limits {
		total += counts[i]
		say(w, "%s_bucket{%s,le=\"%s\"} %d\n", name, labels, strconv.FormatFloat(limit, 'g', -1, 64), total)
	}
	say(w, "%s_bucket{%s,le=\"+Inf\"} %d\n", name, labels, of.Count)
	say(w, "%s_sum{%s} %s\n", name, labels, strconv.FormatFloat(float64(of.SumNS)/1e9, 'g', -1, 64))
	say(w, "%s_count{%s} %d\n", name, labels, of.Count)
}

// say writes to the buffer, whose Flush tells what went wrong.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// escaped is text as a label's value.
func escaped(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(text, "?"))
}
