package node_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// docCRM is the CRM of docs/messages.md.
func docCRM(t *testing.T) string {
	t.Helper()
	crm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		body, known := string(raw), strings.Contains(r.URL.Path+string(raw), "7")
		switch {
		case r.URL.Path == "/soap":
			assert.Equal(t, `"urn:crm/GetCustomer"`, r.Header.Get("SOAPAction"))
			assert.Contains(t, body, `<soap:Body><GetCustomer xmlns="urn:crm"><id>`)
			answer := `<GetCustomerResponse xmlns="urn:crm"><name>Sean</name></GetCustomerResponse>`
			if !known {
				w.WriteHeader(http.StatusInternalServerError)
				answer = `<s:Fault><faultcode>s:Client</faultcode><faultstring>no such customer</faultstring></s:Fault>`
			}
			_, _ = io.WriteString(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><version>2</version></s:Header><s:Body>`+answer+`</s:Body></s:Envelope>`)
		case r.URL.Path == "/xml":
			assert.Equal(t, `<?xml version="1.0" encoding="UTF-8"?><get xmlns="urn:crm"><id>7</id></get>`, body)
			_, _ = io.WriteString(w, `<c:customer xmlns:c="urn:crm"><c:name>Sean</c:name></c:customer>`)
		case !known:
			w.WriteHeader(http.StatusNotFound)
		default:
			assert.Equal(t, "PUT /customers/7", r.Method+" "+r.URL.RequestURI())
			assert.JSONEq(t, `{"name":{"first":"Sean","last":"O'Brien"},"source":"parley"}`, body)
			_, _ = io.WriteString(w, `{"display":"Sean O'Brien","log":{"count":3}}`)
		}
	}))
	t.Cleanup(crm.Close)
	return crm.URL
}

// TestDocsOfMessages does what docs/json-rpc.md and docs/messages.md say, in the order of each page.
func TestDocsOfMessages(t *testing.T) {
	const documented = "http://127.0.0.1:35102"
	for page, requests := range map[string]int{"json-rpc.md": 4, "messages.md": 9} {
		t.Run(page, func(t *testing.T) {
			text, err := os.ReadFile("../../docs/" + page)
			require.NoError(t, err)
			examples, err := os.ReadFile("../message/example_test.go")
			require.NoError(t, err)
			crm := docCRM(t)
			g := newGround(t)
			g.run("server1")
			answer, asked := "", 0
			for _, m := range docBlock.FindAllStringSubmatch(string(text), -1) {
				file, language, text := m[1], m[2], m[3]
				switch language {
				case "python":
					require.NoError(t, g.deploy("server1", file, text))
				case "yaml":
					require.NoError(t, g.define(strings.ReplaceAll(text, documented, crm)), text)
				case "go":
					assert.Contains(t, string(examples), text)
				case "http":
					head, body, _ := strings.Cut(text, "\n")
					method, path, _ := strings.Cut(head, " ")
					_, _, answer = g.request(method, g.url("server1")+path, strings.TrimSuffix(body, "\n"))
					asked++
				default:
					got := strings.ReplaceAll(docCID.ReplaceAllString(answer, "..."), crm, documented)
					assert.Equal(t, strings.TrimSuffix(text, "\n"), got)
				}
			}
			assert.Equal(t, requests, asked)
		})
	}
}
