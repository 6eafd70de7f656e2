package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
)

// Config is what a definition holds.
type Config struct {
	IsActive    bool              `json:"is_active" doc:"an inactive connection refuses every call"`
	Host        string            `json:"host" kind:"required" doc:"scheme, host and port, such as http://127.0.0.1:35102"`
	URLPath     string            `json:"url_path" doc:"path on the host; {name} is filled from params"`
	DataFormat  string            `json:"data_format" choices:"json,xml," doc:"format of requests and replies: json, xml, or empty for text as it is"`
	PingMethod  string            `json:"ping_method" doc:"HTTP method of a ping"`
	PoolSize    int               `json:"pool_size" doc:"TCP connections to the host; calls beyond wait for one"`
	Timeout     kind.Duration     `json:"timeout" doc:"of one call, waiting for a connection included; seconds or a text such as \"500ms\""`
	ContentType string            `json:"content_type" doc:"Content-Type of requests; empty goes by data_format"`
	Security    string            `json:"security" names:"security" doc:"name of the security definition whose credentials each request shows; empty: none"`
	Headers     map[string]string `json:"headers" doc:"headers of each request, by name"`
	MaxResponse int64             `json:"max_response" doc:"bytes of a reply's body; a longer one is an error"`
	HTTP2       bool              `json:"http2" doc:"whether HTTP/2 is spoken with an https host that can; several calls then share a TCP connection"`

	FollowRedirects string   `json:"follow_redirects" choices:"none,same_host,any" doc:"redirects that are followed: none, same_host, or any. Credentials and headers go to the connection's own address alone"`
	AllowAddresses  []string `json:"allow_addresses" doc:"addresses or CIDRs that a redirect to another address may lead to, although they are of this machine or a private network, such as 10.0.0.0/8"`

	TLS
}

// TLS is how an https host is spoken to.
type TLS struct {
	CA                 string      `json:"tls_ca" doc:"authorities that the host's certificate must be of: PEM, or the path of a PEM file on each server; empty: those that the system trusts"`
	Certificate        string      `json:"tls_certificate" doc:"certificate to show to a host that asks for one: PEM, or the path of a PEM file on each server"`
	Key                kind.Secret `json:"tls_key" doc:"its private key in PEM, or a reference to it such as file:/path; empty: it is in the certificate's file"`
	ServerName         string      `json:"tls_server_name" doc:"name that the host's certificate must have; empty: the host's"`
	MinVersion         string      `json:"tls_min_version" choices:"1.2,1.3" doc:"1.2 or 1.3"`
	InsecureSkipVerify bool        `json:"tls_insecure_skip_verify" doc:"true: the host's certificate is not verified, and anybody in between can read and change what is sent; for tests alone"`
}

// Defaults are the values of keys that a config leaves out.
func Defaults() Config {
	return Config{
		IsActive: true, URLPath: "/", DataFormat: formatJSON, PingMethod: http.MethodHead,
		PoolSize: 20, Timeout: kind.Seconds(10), MaxResponse: 16 << 20,
		FollowRedirects: redirectNone, TLS: TLS{MinVersion: "1.2"},
	}
}

// Kind is the row for the node's table of kinds.
func Kind() outconn.Kind {
	return outconn.Define("outgoing_rest", "an outgoing HTTP connection to a REST API", []string{"plain_http", "rest"}, Defaults(), build)
}

// SecurityName is the definition that requests are signed by.
func (c Config) SecurityName() string { return c.Security }

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	faults := c.check()
	if c.DataFormat != formatJSON && c.DataFormat != formatXML && c.DataFormat != "" {
		faults.Add("data_format", "unknown format %q; expected json, xml or empty", c.DataFormat)
	}
	return faults
}

// check finds what is wrong with all but the format.
func (c Config) check() kind.Faults {
	var faults kind.Faults
	c.checkAddress(&faults)
	c.checkTLS(&faults)
	c.checkRedirects(&faults)
	if !isToken(c.PingMethod) {
		faults.Add("ping_method", "expected an HTTP method such as HEAD, not %q", c.PingMethod)
	}
	if c.PoolSize < 1 {
		faults.Add("pool_size", "expected at least 1 connection, not %d", c.PoolSize)
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "expected more than 0 seconds")
	}
	if c.MaxResponse < 1 {
		faults.Add("max_response", "expected at least 1 byte, not %d", c.MaxResponse)
	}
	if !isHeaderText(c.ContentType) {
		faults.Add("content_type", "expected text without line breaks")
	}
	names := make([]string, 0, len(c.Headers))
	for name := range c.Headers {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !isToken(name) {
			faults.Add("headers", "%q is no name of a header", name)
		} else if !isHeaderText(c.Headers[name]) {
			faults.Add("headers", "%s: expected text without line breaks", name)
		}
	}
	return faults
}

func (c Config) checkAddress(faults *kind.Faults) {
	u, err := url.Parse(c.Host)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		// A URL that cannot be read may hold a password: it is not repeated.
		faults.Add("host", "expected http://host:port or https://host:port")
	case u.User != nil:
		faults.Add("host", "it may hold no user name or password; send an Authorization header by headers")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		faults.Add("host", "only scheme, host and port belong here; the path belongs into url_path")
	}
	if !strings.HasPrefix(c.URLPath, "/") {
		faults.Add("url_path", "expected a path that begins with /, not %q", c.URLPath)
		return
	}
	if _, err := parseTemplate(c.URLPath); err != nil {
		faults.Add("url_path", "%s", err)
	}
}

// isToken says whether s is a token of RFC 9110, as names of methods and headers are.
func isToken(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return s != ""
}

func isHeaderText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// template is a url_path: fixed parts, each but the first behind the value of a name.
type template struct {
	parts []string // escaped
	names []string // one fewer than parts
	query string   // fixed, in front of the params
}

func parseTemplate(path string) (template, error) {
	var t template
	path, t.query, _ = strings.Cut(path, "?")
	for {
		before, rest, found := strings.Cut(path, "{")
		if strings.ContainsRune(before, '}') {
			return t, fmt.Errorf("} without { in %q", path)
		}
		u, err := url.Parse(strings.ReplaceAll(before, "//", "/"))
		if err != nil {
			return t, fmt.Errorf("%q is no path", before)
		}
		t.parts = append(t.parts, u.EscapedPath())
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.ContainsAny(name, "{/") {
			return t, fmt.Errorf("expected {name} in %q", path)
		}
		t.names = append(t.names, name)
		path = after
	}
}
