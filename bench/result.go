package bench

import (
	"encoding/json"
	"io"
	"time"
)

// Result is what a run found. Offsets are seconds from the start of the measured part, latencies milliseconds.
type Result struct {
	Name     string    `json:"name"`
	Address  string    `json:"address"`
	Request  string    `json:"request"` // such as "POST /tutorial/first-service"
	Started  time.Time `json:"started"` // of the measured part
	Rate     float64   `json:"rate"`    // asked for, requests a second
	Duration float64   `json:"duration_s"`
	Warmup   Counts    `json:"warmup"`
	Workers  int       `json:"workers"`             // most requests under way at once
	Users    int       `json:"users,omitempty"`     // of a closed loop: then response time counts from when a request was sent, as service time does
	Protocol string    `json:"protocol,omitempty"`  // h2, zeromq or file; empty: http/1.1
	Shard    string    `json:"shard,omitempty"`     // such as 3/8; empty: the whole
	Merged   int       `json:"merged_of,omitempty"` // how many shards it was merged of

	Counts
	Dropped      int            `json:"dropped"`          // of the schedule, never sent: the run was broken off
	NeverSent    int            `json:"never_sent"`       // of the failed: not one byte went out, as when the connection was refused
	AchievedRate float64        `json:"achieved_rate"`    // requests a second really sent
	Statuses     map[string]int `json:"statuses"`         // replies by HTTP status
	Errors       []ErrorCount   `json:"errors,omitempty"` // most frequent first
	Executed     *Executed      `json:"executed,omitempty"`

	Response Latency `json:"response_time"` // from when each request was due to the end of its reply
	Service  Latency `json:"service_time"`  // from when it was sent
	Lag      Latency `json:"schedule_lag"`  // from when it was due until it was sent
	Held     int     `json:"held"`          // requests that were late because all workers waited for the target

	Events    []EventResult   `json:"events"`
	Phases    []Phase         `json:"phases"`             // the time between events
	Parts     []Phase         `json:"parts,omitempty"`    // the profile's phases, where it has some
	Requests  []RequestResult `json:"requests,omitempty"` // where there are several
	Servers   []Server        `json:"servers,omitempty"`
	Services  []ServiceCount  `json:"services,omitempty"` // the servers' own statistics, where they were asked
	Log       []LogLine       `json:"log,omitempty"`      // what the servers' own logs say of that time, where they were read
	Generator Generator       `json:"generator"`
	Series    Series          `json:"series"`

	Verdicts []Verdict `json:"verdicts,omitempty"` // each expectation of the profile
	Invalid  []string  `json:"invalid,omitempty"`  // why the figures do not count
	Unmet    []string  `json:"unmet,omitempty"`    // expectations of the profile that do not hold

	Histograms *Histograms `json:"histograms,omitempty"` // with which results are merged
}

// LogLine is one line of a server's own log.
type LogLine struct {
	At   float64 `json:"at_s"`
	From string  `json:"from"` // the server, or the part of the cluster
	Text string  `json:"text"`
}

// Generator is what the load generator itself took.
type Generator struct {
	CPU        float64 `json:"cpu_s"`          // of user and system; 0 where the operating system does not say
	Cores      float64 `json:"cores"`          // how many it kept busy on the average
	PerRequest float64 `json:"per_request_us"` // of CPU
	Memory     float64 `json:"memory_mb"`      // most that was resident since the process began; 0 where it is not known
}

// RequestResult is one request of several.
type RequestResult struct {
	Name string `json:"name"`
	Counts
	Response Latency `json:"response_time"`
	Service  Latency `json:"service_time"`
}

// ServiceCount is what the servers' own statistics say of one service over the run, beside what the client saw.
type ServiceCount struct {
	Service  string  `json:"service"`
	Requests int64   `json:"requests"` // invocations
	Errors   int64   `json:"errors"`
	Mean     float64 `json:"mean_ms"`
	P50      float64 `json:"p50_ms"`
	P95      float64 `json:"p95_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`

	Itself *Latency `json:"itself,omitempty"` // exact, by the service's own clock, where it wrote down what each request took
}

// Histograms are those behind the latencies, each compressed as HdrHistogram writes them (V2, base64), with times in
// microseconds.
type Histograms struct {
	Response string         `json:"response"`
	Service  string         `json:"service"`
	Lag      string         `json:"lag"`
	OwnLag   string         `json:"own_lag"` // of the requests that no slow target held up
	Phases   []TwoOf        `json:"phases"`
	Parts    []TwoOf        `json:"parts,omitempty"`
	Requests []TwoOf        `json:"requests,omitempty"`
	Buckets  map[int]string `json:"buckets"` // of response time, by place in the series
}

// TwoOf are the histograms of one part of a run.
type TwoOf struct {
	Response string `json:"response"`
	Service  string `json:"service"`
}

// Counts are requests by what the client saw. Sent is the sum of the others.
type Counts struct {
	Sent    int `json:"sent"`
	OK      int `json:"ok"`
	Failed  int `json:"failed"`
	Unknown int `json:"unknown"`
	Wrong   int `json:"wrong"` // replies of success that a check refused
}

func (c *Counts) add(o Outcome) {
	c.Sent++
	switch o {
	case OK:
		c.OK++
	case Failed:
		c.Failed++
	case Wrong:
		c.Wrong++
	default:
		c.Unknown++
	}
}

// ErrorCount is one error's text and how often it came.
type ErrorCount struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
}

// Executed compares what clients were told with the ids that the service recorded.
//
//	                 executed             not executed
//	told ok          as it should be      lost (LostAcknowledged)
//	told failed      FailedExecuted       lost (LostFailed)
//	told unknown     UnknownExecuted      UnknownNotExecuted
//
// Doubled is apart from that: ids executed more than once, whatever the client was told.
type Executed struct {
	Executed           int   `json:"executed"` // different ids of this run
	Lost               int   `json:"lost"`     // never executed, and the client was not told "unknown"
	LostFailed         int   `json:"lost_failed"`
	LostAcknowledged   int   `json:"lost_acknowledged"`
	Doubled            int   `json:"doubled"`
	FailedExecuted     int   `json:"failed_executed"`
	UnknownExecuted    int   `json:"unknown_executed"`
	UnknownNotExecuted int   `json:"unknown_not_executed"`
	Strange            int   `json:"strange"` // recorded elements that are no id of this run
	LostIDs            []int `json:"lost_ids,omitempty"`
	DoubledIDs         []int `json:"doubled_ids,omitempty"` // of both the first 20

	LostDue    []float64 `json:"lost_due_s,omitempty"` // when those were due
	DoubledDue []float64 `json:"doubled_due_s,omitempty"`
}

// Latency summarises times in milliseconds, over every request of which at least a byte was sent, whatever came back;
// one without a reply counts with the time until the client gave up.
type Latency struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_ms"`
	P50   float64 `json:"p50_ms"`
	P90   float64 `json:"p90_ms"`
	P95   float64 `json:"p95_ms"`
	P99   float64 `json:"p99_ms"`
	P999  float64 `json:"p999_ms"`
	Max   float64 `json:"max_ms"`
}

// EventResult is one event as it happened.
type EventResult struct {
	Label  string  `json:"label"`
	Do     string  `json:"do"`
	Server string  `json:"server,omitempty"`
	Due    float64 `json:"due_s"`
	At     float64 `json:"at_s"` // when it began; 0 and error set where it never did
	Took   float64 `json:"took_ms"`
	Error  string  `json:"error,omitempty"`

	// Where replies name their server: the first reply by that server, counted from this event's beginning and, for
	// start and restart, from the kill or stop before it. A restart's is the first one after it was done. A kill or
	// stop has it only where it came before the next event of that server began: then the supervisor, or somebody
	// else, had started it, and a start that follows was for a server that was up already.
	TrafficAgain     *float64 `json:"traffic_again_s,omitempty"`
	TrafficAgainDown *float64 `json:"traffic_again_since_down_s,omitempty"`
	UpAlready        bool     `json:"up_already,omitempty"`

	Detected *float64 `json:"detected_s,omitempty"` // from its beginning until the balancer took the server out of traffic, where somebody watched
	Skipped  string   `json:"skipped,omitempty"`    // why it never came, where it waited for something
	Impact   *Impact  `json:"impact,omitempty"`     // of what went wrong after it; nil: nothing did
}

// Impact is what went wrong after an event, until nothing had gone wrong for 3 seconds. Times are of when requests were due,
// in seconds from the event's beginning.
type Impact struct {
	Bad       int     `json:"bad"` // failed, unknown or wrong
	First     float64 `json:"first_s"`
	Recovery  float64 `json:"recovery_s"` // when the last one was due
	Recovered bool    `json:"recovered"`  // false: the run was over before
}

// Phase is the time from one event to the next. A request belongs to the phase in which it was due.
type Phase struct {
	Name     string  `json:"name"` // the event that began it
	From     float64 `json:"from_s"`
	To       float64 `json:"to_s"`
	Response Latency `json:"response_time"`
	Service  Latency `json:"service_time"`
	Counts
	FirstBad *float64 `json:"first_bad_s,omitempty"` // when the first request was due that did not end ok
	LastBad  *float64 `json:"last_bad_s,omitempty"`
}

// Server is how many replies named that server.
type Server struct {
	Name    string `json:"name"`
	Replies int    `json:"replies"`
}

// Series is the run over time, in buckets of one width by when requests were due.
type Series struct {
	Width   float64  `json:"width_s"`
	Buckets []Bucket `json:"buckets"`
}

// Bucket is one step of a Series. The latencies are of response time, 0 where nothing was measured.
type Bucket struct {
	From float64 `json:"from_s"`
	Counts
	Asked    float64        `json:"asked"`    // requests that the profile wanted to be sent in it; of a closed loop 0
	Achieved int            `json:"achieved"` // requests that were sent in it, whenever they were due
	P50      float64        `json:"p50_ms"`
	P95      float64        `json:"p95_ms"`
	P99      float64        `json:"p99_ms"`
	Max      float64        `json:"max_ms"`
	Servers  map[string]int `json:"servers,omitempty"`
}

// WriteJSON writes r, indented.
func (r *Result) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
