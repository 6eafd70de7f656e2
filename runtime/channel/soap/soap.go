// Package soap is the channel_soap kind: services over SOAP 1.1 and 1.2, document/literal wrapped, with a WSDL of them.
//
// An operation is an element in Body: its children are the service's input, and the reply's are the output. Which version
// a reply is in goes by the request's envelope.
package soap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/spelling"
)

// Kind is the row of this kind in the node's table.
func Kind() channel.Kind {
	return channel.Define("channel_soap", "services over SOAP 1.1 and 1.2, with a WSDL", Defaults(), New)
}

// New builds the channel.
func New(c Config, d channel.Deps) (channel.Channel, error) {
	log := d.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &soap{
		config: c, deps: d, log: log.With(slog.String("channel", d.Name)), operations: map[string]*operation{}, namespace: c.Namespace,
		cidHeader: http.CanonicalHeaderKey(d.Names.CIDHeader),
	}
	if s.namespace == "" {
		s.namespace = d.Names.Namespace
	}
	behind := maps.Clone(c.Operations)
	if c.Service != "" {
		behind = map[string]string{c.single(): c.Service}
	}
	for name, serviceName := range behind {
		i := slices.IndexFunc(d.Services, func(e channel.Exposed) bool { return e.Name == serviceName })
		if i < 0 {
			return nil, fmt.Errorf("the operation %s: nobody has the service %q", name, serviceName)
		}
		op := &operation{Exposed: d.Services[i], name: name, action: name, oneWay: slices.Contains(c.OneWay, name)}
		if c.SOAPAction != "" {
			op.action = c.SOAPAction
		}
		op.before, op.after = s.response(name)
		s.operations[name] = op
		if c.Service != "" {
			s.only = op
		}
	}
	return s, nil
}

type soap struct {
	config     Config
	deps       channel.Deps
	log        *slog.Logger
	operations map[string]*operation
	only       *operation // nil: there are several
	namespace  string
	cidHeader  string
}

type operation struct {
	channel.Exposed
	name, action  string
	oneWay        bool
	before, after string // of the fields of a reply
}

// Route is where the channel wants to be mounted.
func (s *soap) Route() channel.Route {
	return channel.Route{Methods: []string{http.MethodGet, http.MethodPost}, Path: s.config.URLPath, Action: s.config.SOAPAction}
}

// message is one request, and what is known of it so far.
type message struct {
	cid       string
	version   string // v11 or v12: that of the reply
	start     time.Time
	operation *operation
}

// ServeHTTP answers one request that matches Route.
func (s *soap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := &message{cid: service.NewCID(), version: v11, start: time.Now()}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		s.serveWSDL(w, r, m)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.config.Timeout.Std())
	defer cancel()
	resp, err := s.handle(ctx, w, r, m)
	if err == nil && resp.Status != 0 && (resp.Status < 200 || resp.Status > 999) {
		err = service.Errorf(service.Internal, "service %q set the status %d, which no final reply can have", m.operation.Name, resp.Status)
	}
	if err == nil && resp.Status >= http.StatusBadRequest && isPart(resp) {
		err = m.failed(resp)
	}
	if err == nil {
		s.logged(ctx, r, m, s.reply(w, m, resp), nil)
		return
	}
	s.refuse(ctx, w, r, m, err)
}

func (s *soap) handle(ctx context.Context, w http.ResponseWriter, r *http.Request, m *message) (*service.Response, error) {
	mediaType, typed, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType == "application/soap+xml" {
		m.version = v12
	}
	if err := checkType(r.Header.Get("Content-Type"), mediaType, typed["charset"], err); err != nil {
		return nil, err
	}
	query, err := sio.DecodeQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	body := channel.Body{Channel: s.deps.Name, Max: s.config.MaxBody, Timeout: s.config.Timeout.Std()}
	raw, err := body.Read(ctx, w, r)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, service.Errorf(service.Invalid, "the request has no body; send a SOAP message")
	}
	envelope, err := sio.ReadEnvelope(raw)
	if err != nil {
		return nil, err
	}
	if err := s.accept(m, envelope); err != nil {
		return nil, err
	}
	action := strings.Trim(strings.TrimSpace(r.Header.Get("SOAPAction")), `"`)
	if action == "" {
		action = typed["action"]
	}
	if m.operation, err = s.choose(action, envelope.Operation); err != nil {
		return nil, err
	}
	resp, err := m.operation.Handle.Handle(ctx, &service.Request{
		CID: m.cid, Channel: s.deps.Name, Method: r.Method, Path: r.URL.Path, Params: query, Query: query, Header: r.Header, Raw: raw,
		Remote: r.RemoteAddr, TLS: r.TLS,
	})
	if resp == nil && err == nil {
		resp = &service.Response{ContentType: sio.SOAPFields}
	}
	return resp, err
}

func checkType(header, mediaType, charset string, err error) error {
	switch {
	case header == "":
		return nil
	case err != nil:
		return service.Errorf(service.Invalid, "the header Content-Type is malformed: %w", err)
	case mediaType != "text/xml" && mediaType != "application/xml" && mediaType != "application/soap+xml":
		return &service.Error{
			Code: service.Invalid, Status: http.StatusUnsupportedMediaType,
			Message: fmt.Sprintf("a body of type %.100q is no SOAP message", mediaType), Fix: "send text/xml for SOAP 1.1 or application/soap+xml for SOAP 1.2",
		}
	case charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii"):
		return &service.Error{
			Code: service.Invalid, Status: http.StatusUnsupportedMediaType, Message: fmt.Sprintf("the charset %.100q is not supported", charset), Fix: "send UTF-8",
		}
	}
	return nil
}

// choose finds the operation: Body's element names it, and the SOAPAction where that does not.
func (s *soap) choose(action, element string) (*operation, error) {
	if s.only != nil {
		if want := s.config.SOAPAction; want != "" && action != "" && action != want {
			return nil, service.Errorf(service.Invalid, "the SOAPAction %.200q is not served at %s; there is %q", action, s.config.URLPath, want)
		}
		return s.only, nil
	}
	named := s.operations[action[strings.LastIndexAny(action, "/#:")+1:]]
	switch op := s.operations[element]; {
	case op != nil && named != nil && named != op:
		return nil, service.Errorf(service.Invalid, "the SOAPAction is of the operation %s, and Body holds %s; send one of them", named.name, op.name)
	case op != nil:
		return op, nil
	case named != nil:
		return named, nil
	}
	known := slices.Sorted(maps.Keys(s.operations))
	e := service.Errorf(service.Invalid, "there is no operation %.200q; there is %s", element, strings.Join(known, ", "))
	if element == "" {
		e.Message = "the SOAP message's Body is empty, and its SOAPAction names no operation; there is " + strings.Join(known, ", ")
	} else if near := spelling.Nearest(element, known); near != "" {
		e.Fix = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, e
}

// refuse answers with a fault. A client that has gone may also be one that closed its sending side alone, so that it gets
// an answer all the same.
func (s *soap) refuse(ctx context.Context, w http.ResponseWriter, r *http.Request, m *message, err error) {
	var known *service.Error
	isKnown := errors.As(err, &known)
	switch late := errors.Is(ctx.Err(), context.DeadlineExceeded); {
	case late && !isKnown:
		err = &service.Error{Code: service.Timeout, Message: fmt.Sprintf("there was no answer within %s", s.config.Timeout.Std()), Err: err}
	case !late && r.Context().Err() != nil:
		if !isKnown {
			err = &service.Error{Code: service.Unavailable, Message: "the client closed the connection before the answer was there", Err: err}
		}
		status := s.fault(w, m, err)
		s.log.LogAttrs(ctx, slog.LevelDebug, "client gone", slog.String("cid", m.cid), slog.Int("status", status), slog.String("err", causeOf(err)))
		return
	}
	s.logged(ctx, r, m, s.fault(w, m, err), err)
}

// logged writes the one line that a request leaves, with the cause of an error, which its reply may not show.
func (s *soap) logged(ctx context.Context, r *http.Request, m *message, status int, err error) {
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError && (err == nil || isOurs(err)) {
		level = slog.LevelError
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(
		attrs,
		slog.String("cid", m.cid), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", status),
		slog.Float64("ms", float64(time.Since(m.start).Microseconds())/1000),
	)
	if m.operation != nil {
		attrs = append(attrs, slog.String("service", m.operation.Name), slog.String("operation", m.operation.name))
	}
	if err != nil {
		attrs = append(attrs, slog.String("err", causeOf(err)))
	}
	s.log.LogAttrs(ctx, level, "request", attrs...)
}

// causeOf is err for the log, with the cause that a *service.Error keeps from callers.
func causeOf(err error) string {
	text := err.Error()
	if e := service.AsError(err); e.Err != nil && !strings.Contains(text, e.Err.Error()) {
		return text + ": " + causeOf(e.Err)
	}
	return text
}
