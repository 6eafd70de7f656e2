package message_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/message"
	"github.com/parley-run/parley/runtime/service"
)

func TestBuildSOAP(t *testing.T) {
	body := object("c:Get", object("id", int64(7)))
	raw, err := message.SOAP{Body: body, Header: object("c:Token", "x"), Namespaces: map[string]string{"c": "urn:c"}}.Build()
	require.NoError(t, err)
	assert.Equal(t, `<soap:Envelope xmlns:c="urn:c" xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header><c:Token>x</c:Token></soap:Header>`+
		`<soap:Body><c:Get><id>7</id></c:Get></soap:Body></soap:Envelope>`, string(raw))
	raw, err = message.SOAP{Version: message.SOAP12, Body: "<?xml version='1.0'?>\n<a>x</a>"}.Build()
	require.NoError(t, err)
	assert.Equal(t, `<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><a>x</a></soap:Body></soap:Envelope>`, string(raw))
	env, err := message.ParseSOAP(raw)
	require.NoError(t, err)
	assert.Equal(t, "1.2", env.Version)
	assert.Equal(t, "x", env.Payload().Text())
	raw, err = message.SOAP{Body: env.Payload()}.Build()
	require.NoError(t, err)
	assert.Contains(t, string(raw), `<soap:Body><a xmlns:soap="http://www.w3.org/2003/05/soap-envelope">x</a></soap:Body>`)
	raw, err = message.SOAP{}.Build()
	require.NoError(t, err)
	env, err = message.ParseSOAP(raw)
	require.NoError(t, err)
	assert.Nil(t, env.Payload())
	for _, tt := range []struct {
		soap message.SOAP
		says string
	}{
		{message.SOAP{Version: "2.0"}, "SOAP 2.0 is not known; versions are 1.1 and 1.2"},
		{message.SOAP{Body: object("x:a", nil)}, `SOAP body: XML: the prefix "x" of "x:a" is bound to no namespace`},
		{message.SOAP{Body: "<a>"}, `SOAP body: malformed XML at line 1`},
		{message.SOAP{Body: int64(1)}, `SOAP body: expected an object whose keys are elements, or XML, not int64`},
		{message.SOAP{Namespaces: map[string]string{"soap": "x"}}, `the prefix soap is that of the envelope`},
	} {
		_, err := tt.soap.Build()
		assert.ErrorContains(t, err, tt.says)
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name, raw, says string
		want            message.Fault
	}{
		{
			"1.1", `<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body><S:Fault><faultcode>S:Client</faultcode>
			<faultstring>no such customer</faultstring><faultactor>urn:crm</faultactor><detail><id>7</id></detail></S:Fault></S:Body></S:Envelope>`,
			"SOAP fault Client: no such customer",
			message.Fault{Code: "Client", Reason: "no such customer", Actor: "urn:crm", Detail: object("id", "7")},
		},
		{
			"1.2", `<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header/><e:Body><e:Fault><e:Code><e:Value>e:Sender</e:Value>
			<e:Subcode><e:Value>m:Late</e:Value></e:Subcode></e:Code><e:Reason><e:Text xml:lang="de">zu spät</e:Text><e:Text xml:lang="en-GB">too late</e:Text></e:Reason>
			<e:Detail><x/></e:Detail></e:Fault></e:Body></e:Envelope>`,
			"SOAP fault Sender/Late: too late",
			message.Fault{Code: "Sender", Subcode: "Late", Reason: "too late", Detail: object("x", "")},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, err := message.ParseSOAP([]byte(tt.raw))
			require.NoError(t, err)
			assert.Equal(t, tt.name, env.Version)
			require.NotNil(t, env.Fault)
			assert.Equal(t, tt.want, *env.Fault)
			assert.Equal(t, tt.says, env.Fault.Error())
		})
	}
}

func TestNoSOAP(t *testing.T) {
	for raw, says := range map[string]string{
		`<html/>`: `it is no SOAP envelope: the root element is {}html`,
		`<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>`: `the SOAP envelope has no Body`,
		`{}`: `malformed XML at line 1`,
	} {
		_, err := message.ParseSOAP([]byte(raw))
		require.ErrorContains(t, err, says)
		assert.Equal(t, service.Invalid, service.AsError(err).Code)
	}
}
