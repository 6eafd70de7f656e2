package sio_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// FuzzSOAP holds that a message which is taken is XML, that its faults are the sender's, and that a header can be put into it.
func FuzzSOAP(f *testing.F) {
	for _, seed := range []string{
		string(message("<r><cust_id>1</cust_id><name>a</name><address><street>b</street><zip>2</zip></address></r>")), string(message("")), string(message("<r/><r/>")),
		`<Envelope xmlns="` + sio.SOAP12 + `"><Header><a:b xmlns:a="u" mustUnderstand="1">&amp;</a:b></Header><Body><r><tags/><sizes>1</sizes></r></Body></Envelope>`,
		`<s:Envelope xmlns:s="` + sio.SOAP11 + `"><s:Header/><s:Body/></s:Envelope>`, "<Envelope><Body/></Envelope>", "<!DOCTYPE a><Envelope/>",
		"\ufeff" + `<s:Envelope xmlns:s='` + sio.SOAP11 + `'><s:Header><!-- c --></s:Header><s:Body><![CDATA[ ]]><x:r xmlns:x="y"><rows/></x:r></s:Body></s:Envelope>`,
	} {
		f.Add([]byte(seed))
	}
	shape := customer()
	f.Fuzz(func(t *testing.T, raw []byte) {
		var held *service.Request
		_, inputErr := sio.Wrap(keep(&held), shape, options(sio.SOAP)).Handle(t.Context(), &service.Request{Raw: raw})
		if inputErr != nil {
			requireInvalid(t, inputErr)
		}
		_, treeErr := sio.DecodeSOAP(raw)
		if treeErr != nil {
			requireMalformed(t, treeErr, "malformed XML at line ")
		}
		e, err := sio.ReadEnvelope(raw)
		if err != nil {
			requireInvalid(t, err)
			return
		}
		if treeErr == nil {
			_, err := reference(raw)
			require.NoError(t, err, "what is accepted here is XML for encoding/xml too")
		}
		if e.Namespace != sio.SOAP11 && e.Namespace != sio.SOAP12 {
			return
		}
		again, err := sio.ReadEnvelope(e.WithHeader(raw, []byte(`<b xmlns="urn:b"/>`)))
		require.NoError(t, err)
		require.Equal(t, e.Operation, again.Operation)
		require.Equal(t, append([]sio.Element{{Namespace: "urn:b", Name: "b"}}, e.Headers...), again.Headers)
	})
}
