package otlp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/bench"
)

// Receiver is where results go.
type Receiver struct {
	URL      string            // of metrics, such as http://127.0.0.1:4318/v1/metrics
	Header   map[string]string // of the request, such as a key
	Resource map[string]string // attributes of who sends: service.name and the like
	Version  string            // of what sends
	Timeout  time.Duration     // of all tries together
}

// path is where a receiver takes metrics, below its base URL.
const path = "/v1/metrics"

const usualTimeout = 10 * time.Second

// Find is the receiver of a base URL that was given, else that of the environment as OpenTelemetry's specification has it
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/): OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, or
// OTEL_EXPORTER_OTLP_ENDPOINT and /v1/metrics; ..._HEADERS and ..._TIMEOUT go with either. nil: there is none, or the environment
// has switched metrics off. getenv is os.Getenv.
func Find(given string, getenv func(string) string) (*Receiver, error) {
	either := func(name string) (text, from string) {
		for _, from := range []string{"OTEL_EXPORTER_OTLP_METRICS_" + name, "OTEL_EXPORTER_OTLP_" + name} {
			if text := getenv(from); text != "" {
				return text, from
			}
		}
		return "", ""
	}
	target, from := given, "the URL for results"
	if given == "" {
		if getenv("OTEL_SDK_DISABLED") == "true" || getenv("OTEL_METRICS_EXPORTER") == "none" {
			return nil, nil //nolint:nilnil // as documented: none
		}
		target, from = either("ENDPOINT")
	}
	if target == "" {
		return nil, nil //nolint:nilnil // as documented: none
	}
	if problem := bench.CheckOTLP(target); problem != "" {
		return nil, fmt.Errorf("%s: %s", from, problem)
	}
	if from != "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" {
		target = below(target)
	}
	r := &Receiver{URL: target, Timeout: usualTimeout}
	if text, from := either("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("%s: expected milliseconds, such as 10000, not %q", from, text)
		}
		r.Timeout = time.Duration(ms) * time.Millisecond
	}
	var err error
	text, from := either("HEADERS")
	if r.Header, err = pairs(text); err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if r.Resource, err = pairs(getenv("OTEL_RESOURCE_ATTRIBUTES")); err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	r.Resource["service.name"] = cmp.Or(getenv("OTEL_SERVICE_NAME"), r.Resource["service.name"], "apitest")
	return r, nil
}

// below is where a base URL takes metrics; one that says so already stays.
func below(base string) string {
	u, err := url.Parse(base)
	if err != nil || strings.HasSuffix(u.Path, path) {
		return base
	}
	u.Path = strings.TrimRight(u.Path, "/") + path
	return u.String()
}

// pairs reads a list such as a=1,b=two%20words.
func pairs(text string) (map[string]string, error) {
	out := map[string]string{}
	for one := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		name, value, found := strings.Cut(one, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !found || name == "" || err != nil {
			return nil, errors.New("expected a list such as name=value,name=value, with %20 and the like in values") // no value: it may be a secret
		}
		out[name] = value
	}
	return out, nil
}

// firstWait is that before a second try; it doubles.
const firstWait = 250 * time.Millisecond

// Send sends the result, again and again where the receiver asks for that, until the time is over. An error names the URL, and what
// to do.
func (r *Receiver) Send(ctx context.Context, result *bench.Result) error {
	body, err := encode(result, r.Resource, r.Version)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // keys go to nobody else
	defer client.CloseIdleConnections()
	wait := firstWait
	for {
		after, err := r.post(ctx, client, body)
		if err == nil || after < 0 {
			return err
		}
		pause := time.NewTimer(max(after, wait))
		wait *= 2
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return fmt.Errorf("%w; given up after %s", err, r.Timeout)
		}
	}
}

// never is a wait that has no end.
const never = -1

// post tries once. after is how long to wait at least before it is tried again, or never.
func (r *Receiver) post(ctx context.Context, client *http.Client, body []byte) (after time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(body))
	if err != nil {
		return never, errors.New("the URL for results cannot be used")
	}
	req.Header.Set("User-Agent", "apitest")
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return never, fmt.Errorf("%s did not answer within %s; is it an OTLP/HTTP receiver?", req.URL.Redacted(), r.Timeout)
	case err != nil:
		var of *url.Error
		if errors.As(err, &of) { // it names the URL once more
			err = of.Err
		}
		return never, fmt.Errorf("%s cannot be reached: %w; start the receiver there, or give its URL", req.URL.Redacted(), err)
	}
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096)) // what there is will do
	_ = res.Body.Close()
	return r.answered(req.URL.Redacted(), res, answer)
}

// answered says what an answer means, as OTLP/HTTP has it: 429, 502, 503 and 504 may be tried again.
func (r *Receiver) answered(shown string, res *http.Response, body []byte) (after time.Duration, err error) {
	text := strings.TrimSpace(string(body))
	if len(text) > 300 {
		text = text[:300] + "..."
	}
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return never, partial(shown, body)
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return never, fmt.Errorf("%s answered %s; give its key by OTEL_EXPORTER_OTLP_HEADERS, such as api-key=KEY", shown, res.Status)
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusMethodNotAllowed:
		return never, fmt.Errorf("%s answered %s: no OTLP/HTTP receiver of metrics is there; give the base URL, such as http://127.0.0.1:4318", shown, res.Status)
	}
	err = fmt.Errorf("%s answered %s: %s", shown, res.Status, text)
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		s, _ := strconv.Atoi(res.Header.Get("Retry-After")) // none: soon
		return time.Duration(max(0, s)) * time.Second, err
	}
	return never, fmt.Errorf("%w; its log says why", err)
}

// partial says whether an answer of success refuses some of it all the same.
func partial(shown string, body []byte) error {
	var told struct {
		PartialSuccess struct {
			Rejected json.Number `json:"rejectedDataPoints"`
			Message  string      `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if err := json.Unmarshal(body, &told); err != nil {
		return nil //nolint:nilerr // some answer with an empty body
	}
	if n, _ := told.PartialSuccess.Rejected.Int64(); n > 0 {
		return fmt.Errorf("%s refused %d data points: %s", shown, n, told.PartialSuccess.Message)
	}
	return nil
}
