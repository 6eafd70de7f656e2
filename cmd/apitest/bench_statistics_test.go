package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

// took is what the service says in a log of requests of n, ... 3, 2, 1 ms, among other lines.
func took(n int) string {
	began := time.Date(2026, 5, 1, 23, 59, 59, 999_999_000, time.UTC)
	const layout = "2006-01-02T15:04:05.000000"
	var out strings.Builder
	for i := n; i > 0; i-- {
		fmt.Fprintf(&out, "time=%s level=INFO msg=\"bench.record took %s to %s\" cid=%d\n", began, began.Format(layout), began.Add(time.Duration(i)*time.Millisecond).Format(layout), i)
		fmt.Fprintln(&out, "time=now level=INFO msg=\"server is ready\"")
	}
	return out.String()
}

// TestServersAgreeWithServices holds servers' statistics against what services measured of 1,000 requests of 1 to 1000 ms.
func TestServersAgreeWithServices(t *testing.T) {
	for _, row := range []struct {
		name     string
		counted  bench.ServiceCount
		took     string
		met, not []string
	}{
		{
			"within",
			bench.ServiceCount{Requests: 1000, P50: 509.9, P95: 931.1},
			took(1000),
			[]string{"1000", "509.90 ms against 500.00 ms, +2.0 %", "931.10 ms against 950.00 ms, -2.0 %"},
			nil,
		},
		{
			"p50 above",
			bench.ServiceCount{Requests: 1000, P50: 511, P95: 950},
			took(1000),
			[]string{"1000", "950.00 ms against 950.00 ms, +0.0 %"},
			[]string{"the servers' p50 of bench.record within 2 % of what the services measured themselves: it is 511.00 ms against 500.00 ms, +2.2 %"},
		},
		{
			"p95 below",
			bench.ServiceCount{Requests: 1000, P50: 500, P95: 930},
			took(1000),
			[]string{"1000", "500.00 ms against 500.00 ms, +0.0 %"},
			[]string{"the servers' p95 of bench.record within 2 % of what the services measured themselves: it is 930.00 ms against 950.00 ms, -2.1 %"},
		},
		{
			"one not measured",
			bench.ServiceCount{Requests: 1000, P50: 500, P95: 950},
			took(999),
			[]string{"500.00 ms against 500.00 ms, +0.0 %", "950.00 ms against 950.00 ms, +0.0 %"},
			[]string{"the services measured 1000 requests of bench.record: it is 999"},
		},
		{"nothing", bench.ServiceCount{}, "", []string{"0"}, []string{"p50", "p95"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			times, err := tookTimes(row.took)
			require.NoError(t, err)
			own := exact(times)
			row.counted.Service, row.counted.Itself = "bench.record", &own
			var r bench.Result
			agree(&r, row.counted)
			var met []string
			for _, v := range r.Verdicts {
				if v.OK {
					met = append(met, v.Got)
				}
			}
			assert.Equal(t, row.met, met)
			require.Len(t, r.Unmet, len(row.not))
			for i, want := range row.not {
				assert.Contains(t, r.Unmet[i], want)
			}
			var left *exit
			if err := benchVerdict(&r, nil); len(row.not) == 0 {
				assert.NoError(t, err)
			} else if assert.ErrorAs(t, err, &left) {
				assert.Equal(t, exitFailed, left.code)
			}
		})
	}
}

func TestTookTimesRefuses(t *testing.T) {
	for _, said := range []string{"noon to 2026-05-01T10:00:00.000000", "2026-05-01T10:00:00.000000 to 2026"} {
		_, err := tookTimes("msg=\"bench.record took " + said + "\"")
		require.ErrorContains(t, err, `the log line "bench.record took `+said+`"`)
	}
}

// TestDelayed asks the back end of the profile statistics.
func TestDelayed(t *testing.T) {
	ask := func(body string) (int, string, time.Duration) {
		w := httptest.NewRecorder()
		began := time.Now()
		delayed(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)))
		return w.Code, w.Body.String(), time.Since(began)
	}
	code, text, after := ask(`{"id":2}`) // 2 x 0.618... is 1 and 0.236, whose square is 0.056
	assert.Equal(t, http.StatusOK, code)
	assert.Equal(t, `{"id":2}`, text)
	assert.GreaterOrEqual(t, after, 25*time.Millisecond)
	code, _, _ = ask("two")
	assert.Equal(t, http.StatusBadRequest, code)
}
