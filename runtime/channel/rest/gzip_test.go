package rest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

func gzipped(t *testing.T, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(plain)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func gunzipped(t *testing.T, raw string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(raw))
	require.NoError(t, err)
	plain, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(plain)
}

const gzipConfig = `{"service":"test.service","url_path":"/test","content_encoding":"gzip","data_format":""}`

func TestGzipReplies(t *testing.T) {
	long := strings.Repeat("so it goes ", 200)
	for _, row := range []struct {
		name, method, accept string
		resp                 service.Response
		compressed           bool
		vary                 []string
		etag                 string
	}{
		{"accepted", "GET", "gzip", service.Response{Payload: long}, true, []string{"Accept-Encoding"}, ""},
		{"among others", "GET", "br;q=1.0, GZIP ; q=0.5", service.Response{Payload: long}, true, []string{"Accept-Encoding"}, ""},
		{"anything", "GET", "*", service.Response{Payload: long}, true, []string{"Accept-Encoding"}, ""},
		{"HEAD", "HEAD", "gzip", service.Response{Payload: long}, true, []string{"Accept-Encoding"}, ""},
		{"with a tag", "GET", "gzip", service.Response{Payload: long, Header: map[string][]string{"ETag": {`"1"`}, "Vary": {"X-Own"}}}, true, []string{"X-Own", "Accept-Encoding"}, `W/"1"`},
		{"not accepted", "GET", "identity", service.Response{Payload: long}, false, []string{"Accept-Encoding"}, ""},
		{"refused", "GET", "gzip;q=0, *", service.Response{Payload: long}, false, []string{"Accept-Encoding"}, ""},
		{"refused with everything", "GET", "*;q=0", service.Response{Payload: long}, false, []string{"Accept-Encoding"}, ""},
		{"nonsense", "GET", "gzip;q=much", service.Response{Payload: long}, false, []string{"Accept-Encoding"}, ""},
		{"too short", "GET", "gzip", service.Response{Payload: "short"}, false, []string{"Accept-Encoding"}, ""},
		{"encoded already", "GET", "gzip", service.Response{Payload: long, Header: map[string][]string{"content-encoding": {"br"}}}, false, nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, _ := serve(t, gzipConfig, answer(&row.resp, nil), nil)
			resp, body := asked(t, row.method, server.URL+"/test", "Accept-Encoding", row.accept)
			assert.Equal(t, 200, resp.StatusCode)
			assert.Equal(t, row.vary, resp.Header.Values("Vary"))
			assert.Equal(t, row.etag, resp.Header.Get("ETag"))
			plain, _ := row.resp.Payload.(string)
			if row.compressed {
				assert.Equal(t, "gzip", resp.Header.Get("Content-Encoding"))
				assert.Less(t, resp.ContentLength, int64(len(plain)/2))
			} else {
				assert.NotEqual(t, "gzip", resp.Header.Get("Content-Encoding"))
				assert.EqualValues(t, len(plain), resp.ContentLength)
			}
			if row.method == "HEAD" {
				assert.Empty(t, body)
				return
			}
			assert.Len(t, body, int(resp.ContentLength))
			if row.compressed {
				body = gunzipped(t, body)
			}
			assert.Equal(t, plain, body)
		})
	}
}

func TestGzipIsForRepliesOfItsChannelAlone(t *testing.T) {
	server, _ := serve(t, config, answer(&service.Response{Payload: strings.Repeat("x", 5000)}, nil), nil)
	resp, _ := asked(t, "GET", server.URL+"/test", "Accept-Encoding", "gzip")
	assert.Empty(t, resp.Header.Get("Content-Encoding"))
	assert.Empty(t, resp.Header.Get("Vary"))
}

func TestGzipRequests(t *testing.T) {
	const small = `{"service":"test.service","url_path":"/test","max_body":1000,"data_format":""}`
	fits := strings.Repeat("a", 1000)
	for _, row := range []struct {
		name, coding string
		body         []byte
		status       int
		want         string
	}{
		{"gzip", "gzip", gzipped(t, []byte("hello")), 200, "hello"},
		{"by its old name", "X-Gzip", gzipped(t, []byte("hello")), 200, "hello"},
		{"as it is", "identity", []byte("hello"), 200, "hello"},
		{"at the limit", "gzip", gzipped(t, []byte(fits)), 200, fits},
		{"several in one", "gzip", append(gzipped(t, []byte("a")), gzipped(t, []byte("b"))...), 200, "ab"},
		{"nothing", "gzip", nil, 200, ""},
		{"over the limit", "gzip", gzipped(t, []byte(fits+"a")), 413, "the request's body is over the limit of 1000 bytes of channel Test"},
		{"a bomb", "gzip", gzipped(t, make([]byte, 900_000)), 413, "the request's body is over the limit of 1000 bytes of channel Test"},
		{"no gzip", "gzip", []byte("hello, this is no gzip"), 400, "the request's body is said to be gzip, and is not: gzip: invalid header"},
		{"cut off", "gzip", gzipped(t, []byte("hello"))[:12], 400, "the request's body is said to be gzip, and is not: unexpected EOF"},
		{"a wrong sum", "gzip", append(gzipped(t, []byte("hello"))[:21], 0, 0, 0, 0, 5, 0, 0, 0), 400, "the request's body is said to be gzip, and is not: gzip: invalid checksum"},
		{"another", "br", []byte("x"), 415, `the request's body is encoded as "br"; send it as it is, or with Content-Encoding: gzip`},
		{"twice", "gzip, gzip", []byte("x"), 415, `the request's body is encoded as "gzip, gzip"; send it as it is, or with Content-Encoding: gzip`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var seen []string
			server, _ := serve(t, small, func(ctx context.Context, req *service.Request) (*service.Response, error) {
				seen = req.Header["Content-Encoding"]
				return echo(ctx, req)
			}, nil)
			req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/test", bytes.NewReader(row.body))
			require.NoError(t, err)
			req.Header.Set("Content-Encoding", row.coding)
			resp, body := send(t, req)
			assert.Equal(t, row.status, resp.StatusCode)
			if row.status != 200 {
				row.want = envelope(resp, row.want)
			} else if row.coding != "identity" && len(row.body) > 0 {
				assert.Empty(t, seen, "the service sees what was inflated")
			}
			assert.Equal(t, row.want, body)
			if row.status == 415 {
				assert.Equal(t, "gzip", resp.Header.Get("Accept-Encoding"))
			}
		})
	}
}

func TestGzipBombTakesNeitherTimeNorMemory(t *testing.T) {
	server, _ := serve(t, config, echo, nil)
	bomb := bytes.Repeat(gzipped(t, make([]byte, 1<<20)), 512) // half a MB that says 512 MB
	require.Less(t, len(bomb), 1<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/test", bytes.NewReader(bomb))
	require.NoError(t, err)
	req.Header.Set("Content-Encoding", "gzip")
	resp, body := send(t, req)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	assert.Equal(t, 413, resp.StatusCode)
	assert.Equal(t, envelope(resp, "the request's body is over the limit of 1048576 bytes of channel Test"), body)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20))
	assert.Less(t, took, 30*time.Second)
}
