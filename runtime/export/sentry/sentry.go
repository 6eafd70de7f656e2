// Package sentry reports errors of services to Sentry, as envelopes: https://develop.sentry.dev/sdk/data-model/envelopes/.
package sentry

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/export"
	"github.com/parley-run/parley/runtime/kind"
)

// Error is one error of a service.
type Error struct {
	At      time.Time
	CID     string
	Service string
	Channel string
	Type    string // such as *errors.errorString
	Message string
	Frames  []Frame // the outermost call first; none: nobody knows
	Trace   string  // ID of its trace; empty: none
	Span    string
}

// Frame is one place on a call stack.
type Frame struct {
	File     string
	Function string
	Line     int
	Column   int
	Own      bool // of a service, not of what runs it
}

// Config says where errors go, and of whom they are.
type Config struct {
	DSN         kind.Secret // such as https://KEY@o1.ingest.sentry.io/42
	Environment string
	Release     string
	Server      string
	Version     string // of Parley
	Now         func() time.Time
}

// target is what a DSN says.
type target struct{ url, key string }

// parse reads {scheme}://{key}[:{secret}]@{host}[/{path}]/{project}. Its error does not show the DSN.
func parse(dsn string) (target, error) {
	malformed := errors.New("the DSN of Sentry: expected one such as https://KEY@o1.ingest.sentry.io/42")
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User.Username() == "" {
		return target{}, malformed
	}
	slash := strings.LastIndexByte(u.Path, '/')
	if slash < 0 || u.Path[slash+1:] == "" {
		return target{}, malformed
	}
	at := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path[:slash] + "/api/" + u.Path[slash+1:] + "/envelope/"}
	return target{at.String(), u.User.Username()}, nil
}

// New is the format: an envelope for each error.
func New(c Config) (*Format, error) {
	at, err := parse(c.DSN.Form())
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Format{config: c, target: at}, nil
}

// Format writes envelopes. It is of one exporter.
type Format struct {
	config Config
	target target

	reported int64 // dropped and failed errors that Sentry was told of
	pending  int64 // likewise, with what is being told
	counts   func() export.Counts
}

// Tell lets Sentry know what was dropped, by counts: without that its own figures are wrong.
func (f *Format) Tell(counts func() export.Counts) { f.counts = counts }

// What follows is an event's payload: https://develop.sentry.dev/sdk/data-model/event-payloads/.
type (
	event struct {
		ID          string            `json:"event_id"`
		Timestamp   string            `json:"timestamp"`
		Platform    string            `json:"platform"`
		Level       string            `json:"level"`
		Logger      string            `json:"logger"`
		Transaction string            `json:"transaction,omitempty"`
		Server      string            `json:"server_name,omitempty"`
		Release     string            `json:"release,omitempty"`
		Environment string            `json:"environment,omitempty"`
		Tags        map[string]string `json:"tags"`
		Exception   exceptions        `json:"exception"`
		Contexts    *contexts         `json:"contexts,omitempty"`
		SDK         sdk               `json:"sdk"`
	}
	exceptions struct {
		Values []exception `json:"values"`
	}
	exception struct {
		Type       string      `json:"type"`
		Value      string      `json:"value"`
		Stacktrace *stacktrace `json:"stacktrace,omitempty"`
	}
	stacktrace struct {
		Frames []frame `json:"frames"`
	}
	frame struct {
		Filename string `json:"filename"`
		Function string `json:"function"`
		Line     int    `json:"lineno,omitempty"`
		Column   int    `json:"colno,omitempty"`
		InApp    bool   `json:"in_app"`
	}
	contexts struct {
		Trace traceContext `json:"trace"`
	}
	traceContext struct {
		Trace string `json:"trace_id"`
		Span  string `json:"span_id"`
	}
	sdk struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
)

// longest bounds a message; Sentry cuts longer ones.
const longest = 8192

const maxTag = 200 // characters of a tag's value that Sentry takes

func cut(text string, most int) string {
	if text = strings.ToValidUTF8(text, "?"); len(text) > most {
		return strings.ToValidUTF8(text[:most], "")
	}
	return text
}

func (f *Format) sdk() sdk { return sdk{"parley", f.config.Version} }

func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	return hex.EncodeToString(id[:])
}

func (f *Format) event(e Error) event {
	out := event{
		ID: newID(), Timestamp: e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), Platform: "other", Level: "error", Logger: "parley",
		Transaction: e.Service, Server: f.config.Server, Release: f.config.Release, Environment: f.config.Environment, SDK: f.sdk(),
		Tags: map[string]string{"cid": e.CID, "service": e.Service, "server": f.config.Server},
	}
	if e.Channel != "" {
		out.Tags["channel"] = e.Channel
	}
	for name, value := range out.Tags {
		if out.Tags[name] = strings.ReplaceAll(cut(value, maxTag), "\n", " "); value == "" {
			delete(out.Tags, name)
		}
	}
	one := exception{Type: e.Type, Value: cut(e.Message, longest)}
	if len(e.Frames) > 0 {
		one.Stacktrace = &stacktrace{}
		for _, at := range e.Frames {
			one.Stacktrace.Frames = append(one.Stacktrace.Frames, frame{at.File, at.Function, at.Line, at.Column, at.Own})
		}
	}
	out.Exception.Values = []exception{one}
	if e.Trace != "" {
		out.Contexts = &contexts{traceContext{e.Trace, e.Span}}
	}
	return out
}

// Post is an envelope of one event; batches are of one.
func (f *Format) Post(batch []Error) (export.Post, error) {
	e := f.event(batch[0])
	var body bytes.Buffer
	write := func(v any) error { // one line
		raw, err := json.Marshal(v)
		body.Write(append(raw, '\n'))
		return err
	}
	item := func(kind string, v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		err = write(struct {
			Type        string `json:"type"`
			Length      int    `json:"length"`
			ContentType string `json:"content_type"`
		}{kind, len(raw), "application/json"})
		body.Write(append(raw, '\n'))
		return err
	}
	err := write(struct {
		ID   string `json:"event_id"`
		Sent string `json:"sent_at"`
		SDK  sdk    `json:"sdk"`
	}{e.ID, f.config.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), f.sdk()})
	if err == nil {
		err = item("event", e)
	}
	if lost := f.lost(); err == nil && lost > 0 {
		err = item("client_report", report{f.config.Now().Unix(), []discarded{{"queue_overflow", "error", lost}}})
	}
	return export.Post{URL: f.target.url, Body: body.Bytes(), Header: http.Header{
		"Content-Type":  {"application/x-sentry-envelope"},
		"X-Sentry-Auth": {"Sentry sentry_version=7, sentry_client=parley/" + f.config.Version + ", sentry_key=" + f.target.key},
	}}, err
}

type (
	report struct {
		Timestamp int64       `json:"timestamp"`
		Discarded []discarded `json:"discarded_events"`
	}
	discarded struct {
		Reason   string `json:"reason"`
		Category string `json:"category"`
		Quantity int64  `json:"quantity"`
	}
)

// lost is how many errors were dropped since Sentry was last told.
func (f *Format) lost() int64 {
	if f.counts == nil {
		return 0
	}
	c := f.counts()
	f.pending = c.Dropped + c.Failed
	return f.pending - f.reported
}

// usualSilence is what a 429 asks for that does not say.
const usualSilence = time.Minute

// Answer goes by Sentry's rules for clients: https://develop.sentry.dev/sdk/expected-features/rate-limiting/. What is over a limit is
// to be dropped, not kept.
func (f *Format) Answer(status int, header http.Header, _ []byte) export.Verdict {
	v := export.Answered(status, header)
	limit, told := limitOf(header)
	if v.Taken {
		f.reported = f.pending
		v.After = limit // this one was taken, the next would not be
	}
	if status == http.StatusTooManyRequests {
		if v.Again = false; told {
			v.After = limit // 0: what it limits is none of ours
		} else if v.After == 0 {
			v.After = usualSilence
		}
	}
	v.Shed = v.After > 0 && !v.Again
	return v
}

// limitOf reads X-Sentry-Rate-Limits, such as "60:error;default:organization, 2700:transaction:project", as far as it is about
// errors.
func limitOf(header http.Header) (limit time.Duration, told bool) {
	text := header.Get("X-Sentry-Rate-Limits")
	for one := range strings.SplitSeq(text, ",") {
		parts := strings.Split(strings.TrimSpace(one), ":")
		seconds, err := strconv.ParseFloat(parts[0], 64)
		if err != nil || seconds <= 0 {
			continue
		}
		told = true
		all := len(parts) < 2 || parts[1] == ""
		if !all {
			for category := range strings.SplitSeq(parts[1], ";") {
				all = all || category == "error" || category == "default"
			}
		}
		if all {
			limit = max(limit, min(time.Duration(seconds*float64(time.Second)), time.Hour))
		}
	}
	return limit, told
}
