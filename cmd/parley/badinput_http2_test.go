package main_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// exchange2 sends one request over a connection of HTTP/2, as no proper client would, and gives its status: "" where the
// stream or the connection was ended without one.
func (f front) exchange2(t *testing.T, fields []string, data string) string {
	t.Helper()
	config := f.tls.Clone()
	config.NextProtos = []string{"h2"}
	conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", f.address)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	require.NoError(t, framer.WriteSettings())
	var head bytes.Buffer
	encode := hpack.NewEncoder(&head)
	for i := 0; i < len(fields); i += 2 {
		require.NoError(t, encode.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: data == ""}))
	if data != "" {
		_ = framer.WriteData(1, true, []byte(data)) // fails where the other side has closed, and that is an answer
	}
	for {
		frame, err := framer.ReadFrame()
		var late net.Error
		switch {
		case errors.As(err, &late) && late.Timeout():
			t.Error("neither an answer nor an end")
			return ""
		case err != nil:
			return ""
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			return frame.PseudoValue("status")
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return ""
		}
	}
}

// TestBadInputOverHTTP2: behind the load-balancers requests go on in HTTP/1, where what a field holds could be taken for more
// than a field.
func TestBadInputOverHTTP2(t *testing.T) {
	const marker = "GET /marker HTTP/1.1\r\nHost: x\r\n\r\n"
	post := func(more ...string) []string {
		return append([]string{":method", "POST", ":scheme", "https", ":path", "/echo", ":authority", "x"}, more...)
	}
	for _, f := range fronts(t) {
		if f.tls == nil {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			stop := f.others(t)
			for _, row := range []struct {
				name   string
				fields []string
				data   string
				want   string // statuses that may come; "" too, but for the good one
			}{
				{"a good one", post("content-length", "7"), `{"a":1}`, "200"},
				{"more than its length", post("content-length", "2"), "{}" + marker, "400"},
				{"less than its length", post("content-length", "200"), "{}", "400 502"},
				{"two lengths", post("content-length", "2", "content-length", "35"), "{}" + marker, "400"},
				{"a length that is none", post("content-length", "+2"), "{}" + marker, "400"},
				{"chunks", post("transfer-encoding", "chunked"), "0\r\n\r\n" + marker, "400"},
				{"chunks and a length", post("transfer-encoding", "chunked", "content-length", "2"), "{}", "400"},
				{"a connection's header", post("connection", "keep-alive"), "{}", "400"},
				{"a line in a value", post("x-a", "1\r\nContent-Length: 0\r\n\r\n"+marker), "{}", "400"},
				{"a bare LF in a value", post("x-a", "1\nTransfer-Encoding: chunked"), "0\r\n\r\n" + marker, "400"},
				{"a zero byte in a value", post("x-a", "1\x00"), "{}", "400"},
				{"a line in a name", post("x-a: 1\r\ncontent-length", "0"), "{}" + marker, "400"},
				{"a colon in a name", post("x-a:b", "0"), "{}", "400"},
				{"capitals in a name", post("X-Long", "0"), "{}", "400"},
				{"a line in the path", []string{":method", "POST", ":scheme", "https", ":authority", "x", ":path", "/echo HTTP/1.1\r\nHost: x\r\n\r\n" + marker}, "{}", "400"},
				{"a blank in the path", []string{":method", "POST", ":scheme", "https", ":authority", "x", ":path", "/echo HTTP/1.1"}, "{}", "400 404"}, // that path is served by nobody
				{"a line in the method", []string{":method", "GET /marker HTTP/1.1\r\nHost: x\r\n\r\nPOST", ":scheme", "https", ":authority", "x", ":path", "/echo"}, "{}", "400"},
				{"a line in the host", []string{":method", "POST", ":scheme", "https", ":authority", "x\r\n\r\n" + marker, ":path", "/echo"}, "{}", "400"},
				{"two paths", post(":path", "/marker"), "{}", "400"},
				{"a long header", post("x-long", strings.Repeat("x", 16<<10-100)), "{}", "200 400 431"},
			} {
				t.Run(row.name, func(t *testing.T) {
					got := f.exchange2(t, row.fields, row.data)
					if row.name == "a good one" {
						assert.Equal(t, row.want, got)
						return
					}
					assert.Contains(t, row.want, got)
				})
			}
			for n := 1; n <= f.cluster.Servers(); n++ {
				logs, err := f.cluster.Logs(n)
				require.NoError(t, err)
				assert.False(t, strings.Contains(logs, "SMUGGLED"), "server %d ran what was smuggled", n)
			}
			stop()
		})
	}
}
