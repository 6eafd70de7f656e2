package soap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/soap"
	"github.com/parley-run/parley/runtime/sio"
)

func TestConfig(t *testing.T) {
	c, err := soap.Kind().Parse([]byte(`{"operations":{"B":"two","A":"one","C":"two"},"url_path":"/soap","data_format":"xml"}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"one", "two"}, channel.Services(c))
	assert.Equal(t, sio.SOAP, c.Common().DataFormat)
	for _, row := range []struct{ name, config, want string }{
		{"nothing", `{}`, "service: missing; name the service that this channel exposes, or give operations; url_path: missing; it is a path such as /soap/customers"},
		{"both", `{"service":"a","operations":{"A":"a"},"url_path":"/a"}`, "operations: service is given too; give the one or the other"},
		{"an operation without a service", `{"operations":{"A":""},"url_path":"/a"}`, "operations: A has no service"},
		{"a name that is none", `{"operations":{"A b":"a"},"url_path":"/a"}`, `operations: "A b" is no name of an operation`},
		{"an action of several", `{"operations":{"A":"a"},"soap_action":"x","url_path":"/a"}`, "soap_action: it goes with service"},
		{"an action with quotes", `{"service":"a","soap_action":"\"x\"","url_path":"/a"}`, "give it without quotes"},
		{"a version", `{"service":"a","soap_version":"1.3","url_path":"/a"}`, `soap_version: expected 1.1, 1.2 or nothing for both, not "1.3"`},
		{"a format", `{"service":"a","data_format":"json","url_path":"/a"}`, `data_format: "json" cannot be; SOAP is XML`},
		{"a namespace of SOAP", `{"service":"a","namespace":"http://schemas.xmlsoap.org/soap/envelope/","url_path":"/a"}`, "is no URI that elements of one's own can be in"},
		{"one way", `{"service":"a.get-it","one_way":["Get"],"url_path":"/a"}`, `one_way: there is no operation "Get"; there is GetIt`},
		{"a path with a name", `{"service":"a","url_path":"/a/{b}"}`, `url_path: "/a/{b}" holds what the path of a SOAP channel cannot`},
		{"a path of the system", `{"service":"a","url_path":"/parley/x"}`, `url_path: "/parley/x" belongs to the system`},
		{"a path that does not begin", `{"service":"a","url_path":"a"}`, `url_path: "a" must start with /`},
		{"a path with dots", `{"service":"a","url_path":"/a/../b"}`, `has the segment ".."`},
		{"an escape", `{"service":"a","url_path":"/a%zz"}`, `holds a % that begins no escape`},
		{"no time", `{"service":"a","url_path":"/a","timeout":0,"max_body":0}`, "timeout: it must be more than 0; max_body: it must be more than 0 bytes, not 0"},
	} {
		_, err := soap.Kind().Parse([]byte(row.config))
		assert.ErrorContains(t, err, row.want, row.name)
	}
}
