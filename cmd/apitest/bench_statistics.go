package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/bench"
	"github.com/parley-run/parley/fixtures"
)

// tolerance is how far the servers' percentiles may be from what the services measured, relative to that.
const tolerance = 0.02

// delayed is a back end that answers after 20 to 120 ms, early ones more often, as real ones do. Which id takes how long is the
// same in each run.
func delayed(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		ID int `json:"id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	const golden = 0.6180339887498949 // its multiples spread evenly over 0 to 1, whatever the number of requests
	_, part := math.Modf(float64(asked.ID) * golden)
	select {
	case <-time.After(20*time.Millisecond + time.Duration(part*part*float64(100*time.Millisecond))):
	case <-r.Context().Done():
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"id":%d}`, asked.ID) // the service says where it did not come
}

// startDelayed starts the back end, and gives its URL.
func startDelayed(ctx context.Context) (address string, stop func() error, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: http.HandlerFunc(delayed), ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	return "http://" + l.Addr().String(), func() error {
		err := s.Close()
		if ended := <-done; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}, nil
}

// tookLine is what the service says of a request.
var tookLine = regexp.MustCompile(regexp.QuoteMeta(recordService) + ` took (\S+) to ([0-9T:.-]+)`)

// tookTimes are the times, ascending, that the service says in a log that its requests took.
func tookTimes(log string) ([]time.Duration, error) {
	const layout = "2006-01-02T15:04:05.000000" // of self.time
	var out []time.Duration
	for _, said := range tookLine.FindAllStringSubmatch(log, -1) {
		began, err := time.Parse(layout, said[1])
		if err != nil {
			return nil, fmt.Errorf("the log line %q: %w", said[0], err)
		}
		ended, err := time.Parse(layout, said[2])
		if err != nil {
			return nil, fmt.Errorf("the log line %q: %w", said[0], err)
		}
		out = append(out, ended.Sub(began))
	}
	slices.Sort(out)
	return out, nil
}

// measured are the times of all servers.
func measured(c *fixtures.Cluster) ([]time.Duration, error) {
	var all strings.Builder
	for n := 1; n <= c.Servers(); n++ {
		log, err := c.Logs(n)
		if err != nil {
			return nil, err
		}
		all.WriteString(log)
		all.WriteByte('\n')
	}
	return tookTimes(all.String())
}

// exact summarises times, which are in ascending order; percentiles are of the nearest rank, as those of the servers are.
func exact(times []time.Duration) bench.Latency {
	if len(times) == 0 {
		return bench.Latency{}
	}
	inMS := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	at := func(q float64) float64 { return inMS(times[max(int(math.Ceil(q*float64(len(times)))), 1)-1]) }
	var sum time.Duration
	for _, d := range times {
		sum += d
	}
	return bench.Latency{
		Count: int64(len(times)), Mean: inMS(sum) / float64(len(times)),
		P50: at(0.5), P90: at(0.9), P95: at(0.95), P99: at(0.99), P999: at(0.999), Max: inMS(times[len(times)-1]),
	}
}

// agree expects the servers' count and percentiles to be those of what the services measured themselves.
func agree(res *bench.Result, counted bench.ServiceCount) {
	own := counted.Itself
	res.Expect(fmt.Sprintf("the services measured %d requests of %s", counted.Requests, counted.Service), fmt.Sprint(own.Count), own.Count == counted.Requests)
	for _, row := range []struct {
		name          string
		servers, self float64
	}{{"p50", counted.P50, own.P50}, {"p95", counted.P95, own.P95}} {
		off := row.servers/row.self - 1
		got := fmt.Sprintf("%.2f ms against %.2f ms, %+.1f %%", row.servers, row.self, 100*off)
		res.Expect(fmt.Sprintf("the servers' %s of %s within %g %% of what the services measured themselves", row.name, counted.Service, 100*tolerance),
			got, math.Abs(off) <= tolerance) // of nothing it is no number, and not met
	}
}
