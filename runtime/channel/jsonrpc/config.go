package jsonrpc

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Config is a JSON-RPC channel in the catalog.
type Config struct {
	channel.Base
	URLPath      string            `json:"url_path" kind:"required" doc:"path of the channel, such as /rpc"`
	Methods      map[string]string `json:"methods" names:"services" doc:"services by the name of the method that calls them; the channel's own service is called by the service's name"`
	SilentStatus int               `json:"silent_status" choices:"204,200" doc:"HTTP status where there is no reply, to notifications: 204, or 200 for clients that take no other"`
	Timeout      kind.Duration     `json:"timeout" doc:"how long a request, or all of a batch, may take"`
	MaxBody      int64             `json:"max_body" doc:"size that a request's body may have, in bytes"`
	MaxBatch     int               `json:"max_batch" doc:"how many calls one batch may hold"`
	BatchWorkers int               `json:"batch_workers" doc:"how many calls of one batch run at the same time"`
}

// Defaults are the values of keys that a config leaves out.
func Defaults() Config {
	return Config{
		Base:         channel.Base{IsActive: true, DataFormat: sio.JSON},
		SilentStatus: http.StatusNoContent, Timeout: kind.Seconds(30), MaxBody: 1 << 20, MaxBatch: 100, BatchWorkers: 8,
	}
}

// Common is the Base with the format that SimpleIO must know: the channel itself puts JSON on.
func (c Config) Common() channel.Base {
	b := c.Base
	b.DataFormat = sio.Decoded
	return b
}

// Services are those that methods call.
func (c Config) Services() []string {
	names := slices.Sorted(maps.Values(c.Methods))
	return slices.Compact(names)
}

// Choices are of kind.Chooser.
func (Config) Choices() map[string][]string { return map[string][]string{"data_format": {sio.JSON}} }

// Check finds all that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if c.Service == "" && len(c.Methods) == 0 {
		faults.Add("service", "missing; name the service that this channel exposes, or several in methods")
	}
	if c.DataFormat != sio.JSON {
		faults.Add("data_format", "expected json, not %q: JSON-RPC has no other format", c.DataFormat)
	}
	for _, method := range slices.Sorted(maps.Keys(c.Methods)) {
		switch {
		case method == "":
			faults.Add("methods", "a method has no name")
		case strings.HasPrefix(method, "rpc."):
			faults.Add("methods", "%q begins with rpc., which the standard keeps for itself", method)
		case c.Methods[method] == "":
			faults.Add("methods", "%s: name the service that this method calls", method)
		case c.Service == method && c.Methods[method] != method:
			faults.Add("methods", "%s: the channel's own service has that name already", method)
		}
	}
	if problem := pathProblem(c.URLPath); problem != "" {
		faults.Add("url_path", "%s", problem)
	}
	if c.SilentStatus != http.StatusNoContent && c.SilentStatus != http.StatusOK {
		faults.Add("silent_status", "expected 204 or 200, not %d", c.SilentStatus)
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "it must be more than 0")
	}
	if c.MaxBody <= 0 {
		faults.Add("max_body", "it must be more than 0 bytes, not %d", c.MaxBody)
	}
	if c.MaxBatch < 1 {
		faults.Add("max_batch", "it must be at least 1, not %d", c.MaxBatch)
	}
	if c.BatchWorkers < 1 {
		faults.Add("batch_workers", "it must be at least 1, not %d", c.BatchWorkers)
	}
	return faults
}

// pathProblem is what is wrong with a url_path, in words; "" is nothing.
func pathProblem(path string) string {
	switch {
	case path == "":
		return "missing; it is a path such as /rpc"
	case path[0] != '/':
		return "it must start with /"
	case strings.ContainsAny(path, "{}?#%") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "it holds a character that no fixed path has; use letters, digits and - . _ ~"
	}
	for _, segment := range strings.Split(strings.TrimSuffix(path[1:], "/"), "/") {
		if segment == "." || segment == ".." || segment == "" && path != "/" {
			return "it has an empty segment, . or .., which clients and servers remove from paths"
		}
	}
	if service.Reserved(path) != "" {
		return "it is under a path that belongs to the system"
	}
	return ""
}
