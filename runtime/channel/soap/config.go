package soap

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// Config is what a channel_soap holds.
type Config struct {
	channel.Base
	URLPath     string            `json:"url_path" kind:"required" doc:"path of the channel, such as /soap/customers; its WSDL is there too, at ?wsdl"`
	SOAPAction  string            `json:"soap_action" doc:"the SOAPAction that callers of service send; channels that differ by it may share one url_path"`
	SOAPVersion string            `json:"soap_version" choices:",1.1,1.2" doc:"version of SOAP that callers speak, 1.1 or 1.2; empty: each in its own"`
	Operation   string            `json:"operation" doc:"name of the operation that service is; empty: service's own, such as GetClient for crm.get-client"`
	Operations  map[string]string `json:"operations" names:"services" doc:"in place of service: names of operations, and the service behind each"`
	OneWay      []string          `json:"one_way" doc:"operations that have no reply: it is 202 with an empty body, once the service is done"`
	Namespace   string            `json:"namespace" doc:"namespace of the operations' elements and of the WSDL; empty: the system's own"`
	Timeout     kind.Duration     `json:"timeout" doc:"how long a request may take"`
	MaxBody     int64             `json:"max_body" doc:"size that a request's body may have, in bytes"`
}

// Defaults are a channel's values where its config says nothing.
func Defaults() Config {
	return Config{
		Base:    channel.Base{IsActive: true, DataFormat: sio.SOAP},
		Timeout: kind.Seconds(30),
		MaxBody: 1 << 20,
	}
}

// Common is the Base, in the one format that SOAP has.
func (c Config) Common() channel.Base {
	base := c.Base
	base.DataFormat = sio.SOAP
	return base
}

// Services are those behind the operations.
func (c Config) Services() []string {
	names := make([]string, 0, len(c.Operations))
	for _, operation := range slices.Sorted(maps.Keys(c.Operations)) {
		names = append(names, c.Operations[operation])
	}
	return names
}

// names are those of the operations.
func (c Config) names() []string {
	if len(c.Operations) == 0 {
		return []string{c.single()}
	}
	return slices.Sorted(maps.Keys(c.Operations))
}

// single is the name of the one operation that service is.
func (c Config) single() string {
	if c.Operation != "" {
		return c.Operation
	}
	return words(c.Service[strings.LastIndexByte(c.Service, '.')+1:])
}

// words is a text as a name in XML: get-client-details becomes GetClientDetails.
func words(s string) string {
	var b strings.Builder
	upper := true
	for _, r := range s {
		isLetter := r|0x20 >= 'a' && r|0x20 <= 'z'
		isDigit := r >= '0' && r <= '9'
		switch {
		case !isLetter && !isDigit:
			upper = true
			continue
		case isDigit && b.Len() == 0:
			b.WriteByte('_')
		case isLetter && upper:
			r &^= 0x20
		}
		upper = false
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "Operation"
	}
	return b.String()
}

var operationName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func isOperation(name string) bool { return len(name) <= 100 && operationName.MatchString(name) }

// Choices are of kind.Chooser.
func (Config) Choices() map[string][]string {
	return map[string][]string{"data_format": {sio.SOAP, sio.XML, ""}}
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	switch {
	case c.Service == "" && len(c.Operations) == 0:
		faults.Add("service", "missing; name the service that this channel exposes, or give operations")
	case c.Service != "" && len(c.Operations) > 0:
		faults.Add("operations", "service is given too; give the one or the other")
	case c.Service == "" && c.SOAPAction != "":
		faults.Add("soap_action", "it goes with service; the SOAPAction of one of the operations is the operation's name")
	case c.Service == "" && c.Operation != "":
		faults.Add("operation", "it goes with service, not with operations")
	case c.Operation != "" && !isOperation(c.Operation):
		faults.Add("operation", "%q is no name of an operation; names are letters, digits, _, - and points, and begin with a letter", c.Operation)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Operations)) {
		if !isOperation(name) {
			faults.Add("operations", "%q is no name of an operation; names are letters, digits, _, - and points, and begin with a letter", name)
		}
		if c.Operations[name] == "" {
			faults.Add("operations", "%s has no service", name)
		}
	}
	if len(faults) == 0 {
		for _, name := range c.OneWay {
			if !slices.Contains(c.names(), name) {
				faults.Add("one_way", "there is no operation %q; there is %s", name, strings.Join(c.names(), ", "))
			}
		}
	}
	if f := c.DataFormat; f != sio.SOAP && f != sio.XML && f != "" {
		faults.Add("data_format", "%q cannot be; SOAP is XML", f)
	}
	if strings.ContainsFunc(c.SOAPAction, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' }) {
		faults.Add("soap_action", "%q holds what a header's quoted URI cannot; give it without quotes", c.SOAPAction)
	}
	if v := c.SOAPVersion; v != "" && v != v11 && v != v12 {
		faults.Add("soap_version", "expected 1.1, 1.2 or nothing for both, not %q", v)
	}
	if _, err := url.Parse(c.Namespace); err != nil || strings.ContainsAny(c.Namespace, " \t\r\n<>\"") || c.Namespace == sio.SOAP11 || c.Namespace == sio.SOAP12 {
		faults.Add("namespace", "%q is no URI that elements of one's own can be in, such as urn:example:customers", c.Namespace)
	}
	c.checkPath(&faults)
	if c.Timeout <= 0 {
		faults.Add("timeout", "it must be more than 0")
	}
	if c.MaxBody <= 0 {
		faults.Add("max_body", "it must be more than 0 bytes, not %d", c.MaxBody)
	}
	return faults
}

func (c Config) checkPath(faults *kind.Faults) {
	path := c.URLPath
	if path == "" {
		faults.Add("url_path", "missing; it is a path such as /soap/customers")
		return
	}
	if path[0] != '/' {
		faults.Add("url_path", "%q must start with /", path)
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		faults.Add("url_path", "%q holds a %% that begins no escape", path)
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune("?#{}", r) }) {
		faults.Add("url_path", "%q holds what the path of a SOAP channel cannot: blanks, and any of ? # { }", path)
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			faults.Add("url_path", "%q has the segment %q, which clients and servers remove from paths", path, segment)
		}
	}
	if service.Reserved(plain) != "" {
		faults.Add("url_path", "%q belongs to the system", path)
	}
}
