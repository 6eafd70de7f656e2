package rest

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/sio"
)

// Config is a REST channel in the catalog.
type Config struct {
	channel.Base
	URLPath      string        `json:"url_path" kind:"required" doc:"path of the channel, such as /customers/{id}; a name in braces takes one segment and becomes a parameter"`
	MatchSlash   bool          `json:"match_slash" doc:"whether the name in braces that ends url_path takes all that is left of the path, slashes included"`
	Method       Methods       `json:"method" doc:"HTTP methods that the channel takes, one or a list; empty for all"`
	URLParamsPri string        `json:"url_params_pri" choices:"qs-over-path,path-over-qs" doc:"which wins where the query string and the path have a parameter of one name: qs-over-path or path-over-qs"`
	ParamsPri    string        `json:"params_pri" choices:"channel-params-over-msg,msg-over-channel-params" doc:"which wins where parameters and body have a field of one name: channel-params-over-msg or msg-over-channel-params"`
	MergeParams  bool          `json:"merge_url_params_req" doc:"whether parameters of the path and the query string become input, too"`
	Timeout      kind.Duration `json:"timeout" doc:"how long a request may take"`
	MaxBody      int64         `json:"max_body" doc:"size that a request's body may have, in bytes, also once a compressed one was inflated"`
	Idempotent   bool          `json:"idempotent,omitempty" doc:"handling a request twice does no more than handling it once: the load-balancer sends it to another server where the one that had it died, whatever its method"`

	ContentEncoding string `json:"content_encoding" choices:",gzip" doc:"gzip: replies are compressed for callers that accept it; empty: never"`
	GzipMinSize     int64  `json:"gzip_min_size" doc:"size from which on replies are compressed, in bytes"`

	CORSOrigins     []string      `json:"cors_origins" doc:"websites whose pages may read replies, such as https://app.example.com, or * for all; empty: none"`
	CORSMethods     Methods       `json:"cors_methods" doc:"methods that those pages may use; empty: all that the channel takes"`
	CORSHeaders     []string      `json:"cors_headers" doc:"request headers that those pages may send; * for all"`
	CORSExpose      []string      `json:"cors_expose" doc:"reply headers that those pages may read, beside the CID"`
	CORSCredentials bool          `json:"cors_credentials" doc:"whether those pages may send cookies and credentials that the browser keeps"`
	CORSMaxAge      kind.Duration `json:"cors_max_age" doc:"how long a browser may keep what it was allowed"`

	CacheExpiry  kind.Duration `json:"cache_expiry" doc:"how long a reply is kept for requests like it; 0: it is not kept"`
	CacheSize    int64         `json:"cache_size" doc:"how much memory kept replies may take on each server, in bytes"`
	CacheMethods Methods       `json:"cache_methods" doc:"methods whose replies are kept"`
}

// Defaults are the values of keys that a config leaves out.
func Defaults() Config {
	return Config{
		Base:         channel.Base{IsActive: true, DataFormat: sio.JSON},
		URLParamsPri: queryFirst,
		ParamsPri:    paramsFirst,
		Timeout:      kind.Seconds(30),
		MaxBody:      1 << 20,
		MergeParams:  true,
		GzipMinSize:  1 << 10,
		CORSOrigins:  []string{},
		CORSHeaders:  []string{"Authorization", "Content-Type"},
		CORSExpose:   []string{},
		CORSMaxAge:   kind.Seconds(600),
		CacheSize:    16 << 20,
		CacheMethods: Methods{"GET", "HEAD"},
	}
}

// Which of two values of one name wins.
const (
	queryFirst   = "qs-over-path"
	pathFirst    = "path-over-qs"
	paramsFirst  = "channel-params-over-msg"
	payloadFirst = "msg-over-channel-params"
)

// Methods are HTTP methods in capitals. In a config they are one text or a list; empty means all.
type Methods []string

// TypeName says what Methods accept.
func (m *Methods) TypeName() string { return "text or a list of text" }

// UnmarshalJSON accepts both forms, in any case.
func (m *Methods) UnmarshalJSON(raw []byte) error {
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		var one string
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		if list = nil; one != "" {
			list = []string{one}
		}
	}
	*m = nil
	for _, method := range list {
		if method = strings.ToUpper(strings.TrimSpace(method)); !slices.Contains(*m, method) {
			*m = append(*m, method)
		}
	}
	return nil
}

// MarshalJSON writes a list, so that equal configs have one form.
func (m Methods) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]string(m))
}

// Choices are of kind.Chooser.
func (Config) Choices() map[string][]string { return map[string][]string{"data_format": sio.Formats()} }

// Check finds all that is wrong with the values.
func (c Config) Check() kind.Faults {
	faults := c.CheckBase(sio.Formats()...)
	for _, problem := range pathProblems(c.URLPath) {
		faults.Add("url_path", "%s", problem)
	}
	if c.MatchSlash && !endsInName(c.URLPath) {
		faults.Add("match_slash", "it needs a url_path that ends in a name in braces, such as /files/{name}: that name takes all that is left of the path, "+
			"slashes included, one character or more; names before it take one segment")
	}
	c.Method.check("method", &faults)
	if c.URLParamsPri != queryFirst && c.URLParamsPri != pathFirst {
		faults.Add("url_params_pri", "expected %s or %s, not %q", queryFirst, pathFirst, c.URLParamsPri)
	}
	if c.ParamsPri != paramsFirst && c.ParamsPri != payloadFirst {
		faults.Add("params_pri", "expected %s or %s, not %q", paramsFirst, payloadFirst, c.ParamsPri)
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "it must be more than 0")
	}
	if c.MaxBody <= 0 {
		faults.Add("max_body", "it must be more than 0 bytes, not %d", c.MaxBody)
	}
	if c.ContentEncoding != "" && c.ContentEncoding != gzipCoding {
		faults.Add("content_encoding", "expected gzip or nothing, not %q", c.ContentEncoding)
	}
	if c.GzipMinSize < 0 {
		faults.Add("gzip_min_size", "it must be 0 bytes or more, not %d", c.GzipMinSize)
	}
	if c.CacheSize <= 0 {
		faults.Add("cache_size", "it must be more than 0 bytes, not %d", c.CacheSize)
	}
	c.CacheMethods.check("cache_methods", &faults)
	c.checkCORS(&faults)
	return faults
}

// check finds what is no method.
func (m Methods) check(key string, faults *kind.Faults) {
	for _, method := range m {
		if !isToken(method) {
			faults.Add(key, "%q is no HTTP method; expected one such as GET or POST", method)
		}
	}
}

// isToken is what RFC 9110, section 5.6.2, calls so.
func isToken(s string) bool {
	for _, r := range s {
		isAlphanumeric := (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9')
		if !isAlphanumeric && !strings.ContainsRune("!#$%&'*+-.^_`|~", r) {
			return false
		}
	}
	return s != ""
}
