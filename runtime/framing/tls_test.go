package framing_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// certified gives a server's configuration, and that of clients which trust it.
func certified(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	lent := httptest.NewUnstartedServer(nil)
	lent.StartTLS()
	defer lent.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lent.Certificate())
	return &tls.Config{Certificates: lent.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12},
		&tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
}

// TestRequestsByTLS: what is said inside TLS is held to the same rules.
func TestRequestsByTLS(t *testing.T) {
	server, client := certified(t)
	handle := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.NotNil(t, r.TLS)
		echo(w, r)
	})
	for _, protocols := range [][]string{nil, {"http/1.1"}} {
		client := client.Clone()
		client.NextProtos = protocols
		for _, row := range rows() {
			for _, isSlow := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, slow: %v, ALPN: %v", row.name, isSlow, protocols), func(t *testing.T) {
					conn := tls.Client(dial(t, serveBy(t, server, handle, isSlow)), client)
					assert.Equal(t, row.want, replies(t, conn, row.text))
				})
			}
		}
	}
}

func TestHTTP2StaysByTLS(t *testing.T) {
	server, client := certified(t)
	address := serveBy(t, server, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s %v", r.Proto, r.Method, r.TLS.ServerName)
	}), false)
	for _, row := range []struct {
		name, want string
		http2      bool
	}{
		{"HTTP/2", "HTTP/2.0 POST example.com", true},
		{"HTTP/1.1", "HTTP/1.1 POST example.com", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: client.Clone(), ForceAttemptHTTP2: row.http2}
			defer transport.CloseIdleConnections()
			for range 3 {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+address, strings.NewReader("a body"))
				require.NoError(t, err)
				res, err := transport.RoundTrip(req)
				require.NoError(t, err)
				raw, err := io.ReadAll(res.Body)
				require.NoError(t, err)
				require.NoError(t, res.Body.Close())
				assert.Equal(t, row.want, string(raw))
			}
		})
	}
}

// TestLengthsOverHTTP2 has what only a broken client sends.
func TestLengthsOverHTTP2(t *testing.T) {
	server, client := certified(t)
	client.NextProtos = []string{"h2"}
	address := serveBy(t, server, http.HandlerFunc(echo), false)
	for _, row := range []struct {
		name    string
		lengths []string
		want    string
	}{
		{"none", nil, "200"},
		{"one", []string{"2"}, "200"},
		{"two", []string{"2", "3"}, "400"},
		{"two of one value", []string{"2", "2"}, "400"},
		{"a sign", []string{"+2"}, "400"},
		{"two in one", []string{"2, 2"}, "400"},
		{"nothing", []string{""}, "400"},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn := tls.Client(dial(t, address), client)
			_, err := io.WriteString(conn, http2.ClientPreface)
			require.NoError(t, err)
			framer := http2.NewFramer(conn, conn)
			framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
			require.NoError(t, framer.WriteSettings())
			var head bytes.Buffer
			encode := hpack.NewEncoder(&head)
			fields := []string{":method", "POST", ":scheme", "https", ":path", "/a", ":authority", "x"}
			for _, length := range row.lengths {
				fields = append(fields, "content-length", length)
			}
			for i := 0; i < len(fields); i += 2 {
				require.NoError(t, encode.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
			}
			require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true}))
			status := ""
			for status == "" { // the body comes once the head was answered, so that no other frame comes first
				frame, err := framer.ReadFrame()
				require.NoError(t, err)
				if m, ok := frame.(*http2.MetaHeadersFrame); ok {
					status = m.PseudoValue("status")
				}
				if s, ok := frame.(*http2.SettingsFrame); ok && s.IsAck() && row.want == "200" {
					require.NoError(t, framer.WriteData(1, true, []byte("{}")))
				}
			}
			assert.Equal(t, row.want, status)
		})
	}
}

// TestHandshakesHoldNobodyUp: clients that open connections and say nothing, or say something else than TLS.
func TestHandshakesHoldNobodyUp(t *testing.T) {
	server, client := certified(t)
	address := serveBy(t, server, http.HandlerFunc(echo), false)
	for range 50 {
		dial(t, address)
	}
	plain := dial(t, address)
	_, err := io.WriteString(plain, "DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	told, err := io.ReadAll(plain)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", string(told))
	junk := dial(t, address)
	_, err = io.WriteString(junk, "\x00\x01\x02\x03\x04\x05 and so on")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, junk)
	var late net.Error
	assert.False(t, err != nil && assert.ErrorAs(t, err, &late) && late.Timeout(), "the connection was not closed")
	assert.Equal(t, []string{`GET /a ""`}, replies(t, tls.Client(dial(t, address), client), "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"))
}

// TestSilentHandshakeEnds: it has as long as the head of a request.
func TestSilentHandshakeEnds(t *testing.T) {
	config, _ := certified(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	run(t, l, &http.Server{ReadHeaderTimeout: 50 * time.Millisecond, TLSConfig: config})
	conn := dial(t, l.Addr().String())
	_, err = io.Copy(io.Discard, conn)
	require.NoError(t, err, "the server closes the connection")
}
