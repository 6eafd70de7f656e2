package haproxy

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/parley-run/parley/runtime/balancer"
	"github.com/parley-run/parley/runtime/certificate"
)

// text is haproxy.cfg while it is written. It stands in the place of text/template, which calls methods by name: a program
// with it carries every method of all that it is made of.
type text struct {
	Config
	strings.Builder
	err error // the first that there was
}

// line writes lines; verbs of fmt stand in them, and %% for a %.
func (t *text) line(format string, values ...any) { fmt.Fprintf(&t.Builder, format+"\n", values...) }

func (t *text) quote(s string) string {
	quoted, err := quote(s)
	t.err = cmp.Or(t.err, err)
	return quoted
}

// said is the body of an error's reply, quoted.
func (t *text) said(details string) string {
	body, err := t.envelope(details)
	t.err = cmp.Or(t.err, err)
	return t.quote(body)
}

// when is yes where it is so.
func when(so bool, yes string) string {
	if so {
		return yes
	}
	return ""
}

func (c Config) text() ([]byte, error) {
	t := &text{Config: c}
	t.global()
	t.defaults()
	t.front()
	t.relay()
	t.servers()
	t.statistics()
	return []byte(t.String()), t.err
}

func (t *text) global() {
	t.line(`# HAProxy for the Parley cluster %s. Made by Parley of its cluster.yaml and its catalog: change those, not this file.
#
# A request's way:  client -> front -> relay -> (a socket within this process) -> inner -> servers
#
# Why twice through? Where a server breaks off without a reply, HAProxy answers 502 to the first request of a client's
# connection. At later ones it closes the connection without a word, which tells clients to send the request again, and
# many do, POSTs too: the request would be handled twice. For "inner" each request is the first of its connection, so
# that each such request is answered 502 with %s: unknown.

global
    master-worker
    maxconn %d # connections; each request in flight takes two
    stats socket unix@%s mode 600 level admin expose-fd listeners
    stats timeout 30s
    log stdout format iso daemon notice # servers that go down and come back, with the time`, t.Cluster, balancer.OutcomeHeader, t.MaxConnections, t.Sockets.Runtime)
	if t.StateFile != "" {
		t.line(`    server-state-file %s # what is drained or down stays so when HAProxy is loaded anew`, t.quote(t.StateFile))
	}
	t.line(`    hard-stop-after 1h # an old process that still serves somebody after a reload`)
	if t.Certificate != "" {
		t.line(`    ssl-default-bind-options ssl-min-ver TLSv%s no-tls-tickets`, cmp.Or(t.MinVersion, "1.2"))
	}
	if t.ClientCA != "" {
		t.line(`    tune.ssl.cachesize 0 # a session that is resumed does not know the client's authorities
    tune.bufsize 32768 # of which headers may take the next for clients' certificates, which are long
    tune.maxrewrite 15360`)
	}
	if t.Stats != "" {
		t.line(`
userlist statistics
    user %s password %s`, t.User, t.quote(t.Password))
	}
	if t.Resolver != "" {
		t.line(`
# Servers' names may mean another address once a server was started anew.
resolvers names
    nameserver first %s
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 1s
    timeout retry 500ms
    hold valid 1s`, dialAddress(t.Resolver))
	}
}

func (t *text) defaults() {
	t.line(`
defaults
    mode http
    log global
    timeout connect 2s
    timeout check 1s
    timeout http-request 10s
    timeout http-keep-alive 2m
    timeout client 30s # without a byte of a request's body, or with a reply that the client does not take
    timeout client-fin 10s
    timeout server 11m # servers end what they work on in 10m
    timeout tunnel 1h # of WebSockets without a byte
    timeout queue 2s
    retries 3
    option redispatch 1 # each new try goes to another server
    option abortonclose # a client that has left takes its request along`)
	if t.StateFile != "" {
		t.line(`    load-server-state-from-file global`)
	}
	t.line(`    unique-id-format %%[uuid,regsub(-,,g),bytes(0,24)] # the CID of what HAProxy answers by itself`)
	t.error(502, "No reply came; the request may or may not have been handled", balancer.OutcomeHeader+" unknown")
	t.error(503, "No server is available to handle the request", "Retry-After 1")
	t.error(504, "No reply came in time; the request may or may not have been handled", balancer.OutcomeHeader+" unknown")
}

// error is what HAProxy answers by itself with a status. headers are names and values.
func (t *text) error(status int, details string, headers ...string) {
	all := ""
	for _, h := range headers {
		all += " hdr " + h
	}
	t.line(`    http-error status %d content-type application/json lf-string %s hdr %s %%ID%s hdr Cache-Control no-store`, status, t.said(details), t.Names.CIDHeader, all)
}

func (t *text) front() {
	bind := listenAddress(t.Front)
	if t.Certificate != "" {
		bind += " ssl crt " + t.quote(t.Certificate) + " alpn h2,http/1.1"
	}
	if t.ClientCA != "" {
		bind += " ca-file " + t.quote(t.ClientCA) + " verify " + cmp.Or(when(t.ClientMust, "required"), "optional")
	}
	t.line(`
# Where clients call.
frontend front
    bind %s
    option idle-close-on-response # while HAProxy is loaded anew, connections end behind a reply, not before a request
    monitor-uri %s
    monitor fail if { nbsrv(servers) lt 1 }
    http-request return status 405 content-type application/json lf-string %s hdr %s %%ID hdr Allow 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' if { method CONNECT TRACE }
    # HAProxy takes a bare LF behind a chunk's size, and a Content-Length beside chunks, which others in front of it may read
    # in another way: nothing that comes behind such a body on its connection is taken for a request.
    http-request set-var(txn.chunked) bool(true) if { req.hdr(transfer-encoding) -m found }
    http-after-response set-header Connection close if { var(txn.chunked) -m bool }
    http-request del-header Forwarded
    http-request set-header X-Forwarded-For %%[src]
    http-request set-header X-Forwarded-Proto %s
    http-request set-header X-Forwarded-Host %%[req.hdr(host)]
    # Servers learn here which certificate the client has shown. Nobody else may tell them.`,
		bind, t.Names.LBAlive, t.said("This method is not served here"), t.Names.CIDHeader, cmp.Or(when(t.Certificate != "", "https"), "http"))
	for _, name := range []string{certificate.ClientHeader, certificate.ChainHeader, certificate.ProofHeader} {
		t.line(`    http-request del-header %s`, name)
	}
	if t.ClientCA != "" {
		t.line(`    http-request set-header %s %s
    http-request set-header %s :%%[ssl_c_der,base64]: if { ssl_c_used } { ssl_c_verify 0 }
    http-request set-header %s :%%[ssl_c_chain_der,base64]: if { ssl_c_used } { ssl_c_verify 0 } { ssl_c_chain_der -m found }`,
			certificate.ProofHeader, t.Proof, certificate.ClientHeader, certificate.ChainHeader)
	}
	t.line(`    default_backend relay`)
}

func (t *text) relay() {
	t.line(`
backend relay
    option http-server-close # a connection for each request: see the top
    retry-on conn-failure
    server inner unix@%[1]s

frontend inner
    bind unix@%[1]s mode 600 backlog 4096
    default_backend servers`, t.Sockets.Relay)
}

func (t *text) servers() {
	t.line(`
# The servers. One is down after two checks in a row that failed, and up after one that did not.
backend servers
    balance roundrobin
    option httpchk
    http-check send meth GET uri %s/ready ver HTTP/1.1 hdr Host parley
    http-check expect status 200
    http-reuse always
    # A request whose connection was refused goes to another server. One that was sent and not answered goes to another
    # server where handling it twice does no harm (GET, HEAD, channels that are idempotent); any other is answered 502.
    retry-on conn-failure empty-response`, t.Names.Prefix)
	unless := "{ method GET HEAD }"
	for _, r := range t.Repeats() {
		methods := ""
		for _, m := range r.Methods {
			methods += " " + t.quote(m)
		}
		t.line(`    http-request set-var(txn.repeat) bool(%t) if { path,url_dec -m reg %s }%s`, r.Allowed, t.quote(r.Path), when(methods != "", " { method"+methods+" }"))
		unless = "{ method GET HEAD } || { var(txn.repeat) -m bool } !{ path -m sub -i %2f }"
	}
	t.line(`    http-request disable-l7-retry unless %s
    http-response set-header %s %%s`, unless, balancer.ServerHeader)
	for _, e := range []struct {
		status int
		when   string
	}{{502, "did not answer"}, {504, "did not answer in time"}} {
		t.error(e.status, "%s "+e.when+"; it may or may not have handled the request", balancer.OutcomeHeader+" unknown", balancer.ServerHeader+" %s")
	}
	t.line(`    default-server check inter 200ms fastinter 50ms downinter 50ms fall 2 rise 1%s`, when(t.Resolver != "", " resolvers names init-addr last,libc,none"))
	for _, s := range t.Servers {
		tls := ""
		if s.TLS {
			name := t.nameOf(s)
			tls = fmt.Sprintf(" ssl verify required ca-file %s verifyhost %[2]s sni str(%[2]s) check-sni %[2]s", t.quote(t.ServersTLS.CA), name)
			if t.ServersTLS.Certificate != "" {
				tls += " crt " + t.quote(t.ServersTLS.Certificate)
			}
		}
		t.line(`    server %s %s weight %d%s`, s.Name, dialAddress(s.Address), s.Weight, tls)
	}
}

func (t *text) statistics() {
	if t.Stats == "" {
		return
	}
	t.line(`
# The statistics page. Its password: parley haproxy password
frontend statistics
    bind %s
    stats enable
    stats uri /
    stats refresh 5s
    stats hide-version
    stats http-request auth realm Parley unless { http_auth(statistics) }`, listenAddress(t.Stats))
}
