// Package rest is the outgoing HTTP connection.
//
// Each connection has a transport of its own: HTTP/1.1 with keep-alive, or HTTP/2 where it says so, TLS by the system's
// authorities or its own, no proxy whatever the environment says. Redirects are not followed unless it says so: the service
// sees the status and the Location header, and decides; credentials go nowhere that the definition does not name.
//
// A POST, PUT, PATCH or DELETE is sent a second time only when not one byte of it had been written. GET, HEAD
// and OPTIONS are also sent again when a kept-alive connection ended before the first byte of an answer. Idle
// connections are let go after 4 s, before the 5 s after which many servers do, so that a POST hardly ever
// meets a connection that the other side is just closing.
package rest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
)

const (
	idleLimit   = 4 * time.Second
	headerBytes = 256 << 10 // of a reply
	userAgent   = "parley"
	jsonType    = "application/json"
	textType    = "text/plain; charset=utf-8"
	contentType = "Content-Type"
)

// conn implements outconn.Conn.
type conn struct {
	cfg       Config
	name      string
	cidHeader string // as it is written
	base      *url.URL
	path      template
	fixed     *url.URL // with the path, where that holds no names
	header    http.Header
	host      string        // of a Host header; "" goes by the address
	blank     *http.Request // what all requests have in common
	textType  []string
	dataType  []string
	tls       *secure
	lines     atomic.Pointer[line] // what calls go through now
	elsewhere *http.Transport      // what redirects to other addresses go through; nil: none do
	slots     chan struct{}        // one is held by each call
	signer    outconn.Signer
	format    format
}

func build(cfg Config, d outconn.Deps) (outconn.Conn, error) {
	base, err := url.Parse(cfg.Host)
	if err != nil {
		return nil, kind.Faults{{Path: "host", Message: err.Error()}}
	}
	path, err := parseTemplate(cfg.URLPath)
	if err != nil {
		return nil, kind.Faults{{Path: "url_path", Message: err.Error()}}
	}
	base.Path = ""
	c := &conn{
		cfg: cfg, name: d.Name, cidHeader: d.Names.CIDHeader, base: base, path: path,
		header: http.Header{"User-Agent": {userAgent}}, textType: []string{textType}, format: formatOf(cfg.DataFormat),
		slots: make(chan struct{}, cfg.PoolSize), signer: d.Signer,
	}
	if c.tls, err = newSecure(cfg, d); err != nil {
		return nil, err
	}
	c.lines.Store(c.newLine())
	if c.elsewhere, err = newElsewhere(cfg); err != nil {
		return nil, err
	}
	if len(path.names) == 0 {
		u := *base
		u.RawPath, u.RawQuery = path.parts[0], path.query
		if u.Path, err = url.PathUnescape(path.parts[0]); err != nil {
			return nil, kind.Faults{{Path: "url_path", Message: err.Error()}}
		}
		c.fixed = &u
	}
	c.dataType = []string{c.format.contentType}
	if cfg.DataFormat != "" {
		c.textType = c.dataType
	}
	if cfg.ContentType != "" {
		c.textType = []string{cfg.ContentType}
		c.dataType = c.textType
	}
	for name, value := range cfg.Headers {
		c.setHeader(c.header, name, value, &c.host)
	}
	c.blank = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: c.host}
	return c, nil
}

func newTransport(cfg Config, config *tls.Config) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(cfg.HTTP2)
	return &http.Transport{
		DialContext:            (&net.Dialer{Timeout: cfg.Timeout.Std()}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    cfg.Timeout.Std(),
		Protocols:              &protocols,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: idleLimit, PingTimeout: idleLimit}, // a peer that is gone is noticed
		MaxConnsPerHost:        cfg.PoolSize,
		MaxIdleConnsPerHost:    cfg.PoolSize,
		IdleConnTimeout:        idleLimit,
		MaxResponseHeaderBytes: headerBytes,
	}
}

// setHeader sets one header. Host is no header to package net/http, and the CID's goes by its own spelling.
func (c *conn) setHeader(h http.Header, name, value string, host *string) {
	switch key := http.CanonicalHeaderKey(name); {
	case key == "Host":
		*host = value
	case strings.EqualFold(name, c.cidHeader):
		h[c.cidHeader] = []string{value}
	default:
		h[key] = []string{value}
	}
}

// Close lets go of the idle connections.
func (c *conn) Close(context.Context) error {
	c.lines.Load().close()
	if c.elsewhere != nil {
		c.elsewhere.CloseIdleConnections()
	}
	return nil
}
