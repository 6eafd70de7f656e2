package bench_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench"
)

func TestParseTerm(t *testing.T) {
	for text, want := range map[string]bench.Term{
		"p99 < 50ms":                   {Metric: "p99", Op: "<", Limit: 50},
		"lost == 0":                    {Metric: "lost", Op: "=="},
		"recovery<2s":                  {Metric: "recovery", Op: "<", Limit: 2000},
		"error_rate < 0.1%":            {Metric: "error_rate", Op: "<", Limit: 0.001},
		"service p95 of login <= 20ms": {Kind: "service", Metric: "p95", Of: "login", Op: "<=", Limit: 20},
		`p50 in "kill server1" < 1s`:   {Metric: "p50", In: "kill server1", Op: "<", Limit: 1000},
		"rate >= 990/s":                {Metric: "rate", Op: ">=", Limit: 990},
		"lag p999 < 1ms":               {Kind: "lag", Metric: "p99.9", Op: "<", Limit: 1},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := bench.ParseTerm(text)
			require.NoError(t, err)
			want.Text = text
			assert.InDelta(t, want.Limit, got.Limit, 1e-12)
			got.Limit = want.Limit
			assert.Equal(t, want, got)
		})
	}
}

func TestTermFaults(t *testing.T) {
	const head = "rate: 1\nduration: 9s\nrequest: {path: /a}\nevents: [{at: 1s, do: kill server1}]\n"
	for text, want := range map[string]string{
		"expect:\n  - p98 < 5ms\n":                                `p.yaml:6:5: "p98" is not measured; there are p50, p90`,
		"expect:\n  - errorrate < 5\n":                            `; did you mean "error_rate"?`,
		"expect:\n  - p99 < 5\n":                                  `p.yaml:6:11: "5" is not a time: write one such as 50ms or 2s`,
		"expect:\n  - 'p99 < 5'\n":                                `p.yaml:6:12: "5" is not a time`,
		"expect:\n  - error_rate < 150%\n":                        `p.yaml:6:18: "150%" is more than all`,
		"expect:\n  - failed is 0\n":                              `p.yaml:6:5: "failed is 0" is not an expression`,
		"expect:\n  - lost == 0\n":                                "p.yaml:6:5: lost and doubled can be told only with executed",
		"expect:\n  - p99 of b < 1s\n":                            `p.yaml:6:5: there is no request "b"; there are POST /a`,
		"expect:\n  - p99 in \"kill server2\" < 1s\n":             `there is no phase or event "kill server2"; there are start, kill server1; did you mean "kill server1"?`,
		"expect:\n  - lag p99 of a < 1s\n":                        "schedule lag is of the whole run",
		"events: []\n":                                            `mapping key "events" already defined`,
		"expect: {lsot: 0}\n":                                     `p.yaml:5:10: unknown field "lsot"; did you mean "lost"`,
		"feeders: []\nexpect: [p99 < 5ms for 2s]\n":               "is not an expression",
		"executed: {kvdb_list: a}\nexpect: [lost in start < 1]\n": "lost is of the whole run, not of a phase",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := bench.ParseProfile("p.yaml", []byte(head+text))
			require.ErrorContains(t, err, want)
		})
	}
}

func TestEventTexts(t *testing.T) {
	const head = "rate: 1\nduration: 9s\nrequest: {path: /a}\nevents:\n  - "
	for text, want := range map[string]string{
		"{at: 1s, do: kill server1}":                           "kill server1",
		"{at: 1s, do: deploy services/v2.star}":                "deploy v2.star",
		"{at: 1s, do: latency 200ms on back ends}":             "latency 200ms on back ends",
		"{at: 1s, do: latency, link: database, by: 20ms}":      "latency 20ms on database",
		"{at: 1s, do: cut redis}":                              "cut redis",
		"{at: 1s, do: reload haproxy}":                         "reload",
		"{when: p99 > 200ms for 2s, do: drain server2}":        "drain server2",
		"{at: 1s, run: a}\n  - {after: run a, do: mend redis}": "run a",
	} {
		t.Run(text, func(t *testing.T) {
			p, err := bench.ParseProfile("p.yaml", []byte(head+text))
			require.NoError(t, err)
			assert.Equal(t, want, p.Events[0].Label())
		})
	}
	for text, want := range map[string]string{
		"{at: 1s, do: kil server1}":                    `event "kil server1" is not known; there are deploy, `,
		"{at: 1s, do: kil server2}":                    `; did you mean "kill"?`,
		"{at: 1s, do: latency on redis}":               "write it as latency 200ms on LINK",
		"{at: 1s, do: latency, link: redis}":           `event "latency" needs by`,
		"{at: 1s, do: reload, server: a}":              `event "reload" takes no server`,
		"{when: p99 > 2s for ever, do: kill a}":        `p.yaml:5:25: "ever" is not a time`,
		"{when: lost > 0, do: kill a}":                 "p.yaml:5:12: lost is known only when the run is over",
		"{when: p99 > 1s, after: x, do: kill a}":       "an event has when or after, not both",
		"{after: kil a, do: stop b}\n  - {do: kill a}": `there is no other event "kil a"; did you mean "kill a"?`,
	} {
		t.Run(text, func(t *testing.T) {
			_, err := bench.ParseProfile("p.yaml", []byte(head+text))
			require.ErrorContains(t, err, want)
		})
	}
}
