package rest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/locked"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// logs collects what is logged.
type logs struct{ locked.Buffer }

func (l *logs) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(l.String()))
	for dec.More() {
		var line map[string]any
		require.NoError(t, dec.Decode(&line))
		lines = append(lines, line)
	}
	return lines
}

// serve mounts a channel as the node does.
func serve(t *testing.T, config string, handle service.HandlerFunc, shape *service.Shape) (*httptest.Server, *logs) {
	t.Helper()
	c, err := rest.Kind().Parse([]byte(config))
	require.NoError(t, err)
	out := &logs{}
	built, err := rest.Kind().New(c, channel.Deps{
		Name: "Test", Names: service.ParleyNames(), Log: slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Handle: sio.Wrap(handle, shape, sio.Options{Format: c.Common().DataFormat, Names: service.ParleyNames(), Service: "test.service"}),
	})
	require.NoError(t, err)
	mounted := built.(channel.HTTP)
	mux := http.NewServeMux()
	mux.Handle(mounted.Route().Path, mounted)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server, out
}

const config = `{"service":"test.service","url_path":"/test"}`

func do(t *testing.T, method, url, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	return send(t, req)
}

func send(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Regexp(t, "^[0-9a-f]{24}$", resp.Header.Get("X-Parley-CID"))
	return resp, string(raw)
}

// envelope is the JSON of an error reply to resp.
func envelope(resp *http.Response, details string) string {
	body, _ := sio.EncodeError("json", service.ParleyNames(), resp.Header.Get("X-Parley-CID"), details)
	return string(body)
}

func echo(_ context.Context, req *service.Request) (*service.Response, error) {
	return &service.Response{Payload: req.Input}, nil
}

func answer(resp *service.Response, err error) service.HandlerFunc {
	return func(context.Context, *service.Request) (*service.Response, error) { return resp, err }
}

func TestJSON(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{{Name: "cust_id", Required: true}}, Output: []service.Field{{Name: "cust_id"}}}
	server, logs := serve(t, config, echo, shape)
	resp, body := do(t, "POST", server.URL+"/test", `{"cust_id":"123"}`)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, `{"response":{"cust_id":123}}`, body)
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	assert.EqualValues(t, len(body), resp.ContentLength)

	lines := logs.lines(t)
	require.Len(t, lines, 1)
	assert.Equal(t, resp.Header.Get("X-Parley-CID"), lines[0]["cid"])
	assert.Equal(t, "INFO", lines[0]["level"])
	assert.Equal(t, "Test", lines[0]["channel"])
	assert.Equal(t, "test.service", lines[0]["service"])
	assert.EqualValues(t, 200, lines[0]["status"])
	assert.GreaterOrEqual(t, lines[0]["ms"], 0.0)
}

func TestXML(t *testing.T) {
	shape := &service.Shape{Input: []service.Field{{Name: "cust_id", Required: true}}, Output: []service.Field{{Name: "cust_id"}}}
	server, _ := serve(t, `{"service":"test.service","url_path":"/test","data_format":"xml"}`, echo, shape)
	resp, body := do(t, "POST", server.URL+"/test", `<request><cust_id>123</cust_id></request>`)
	cid := resp.Header.Get("X-Parley-CID")
	assert.Equal(t, "<response><parley_env><cid>"+cid+"</cid><result>PARLEY_OK</result></parley_env><item><cust_id>123</cust_id></item></response>", body)
	assert.Equal(t, "application/xml", resp.Header.Get("Content-Type"))

	resp, body = do(t, "POST", server.URL+"/test", `<request><cust_id>x</cust_id></request>`)
	cid = resp.Header.Get("X-Parley-CID")
	assert.Equal(t, 400, resp.StatusCode)
	assert.Equal(t, "application/xml", resp.Header.Get("Content-Type"))
	assert.Equal(t, "<response><parley_env><cid>"+cid+"</cid><result>PARLEY_ERROR</result>"+
		"<details>input is not valid: cust_id: expected an integer, not \"x\"</details></parley_env></response>", body)
}

func TestRequestAsTheServiceSeesIt(t *testing.T) {
	var got *service.Request
	server, _ := serve(t, `{"service":"test.service","url_path":"/customers/{id}/orders/{order}"}`, func(_ context.Context, req *service.Request) (*service.Response, error) {
		got = req
		return nil, nil
	}, nil)
	req, err := http.NewRequestWithContext(t.Context(), "PUT", server.URL+"/customers/a%2Fb/orders/7?tag=x&tag=y&order=8", strings.NewReader(`{"a":1}`))
	require.NoError(t, err)
	req.Header.Set("x-own", "1")
	resp, body := send(t, req)
	assert.Empty(t, body)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, resp.Header.Get("X-Parley-CID"), got.CID)
	assert.Equal(t, "Test", got.Channel)
	assert.Equal(t, "PUT", got.Method)
	assert.Equal(t, "/customers/a/b/orders/7", got.Path)
	assert.Equal(t, map[string][]string{"id": {"a/b"}, "order": {"8"}, "tag": {"x", "y"}}, got.Params)
	assert.Equal(t, []string{"1"}, got.Header["X-Own"])
	assert.Equal(t, `{"a":1}`, string(got.Raw))
}

func TestReplyAsTheServiceSaysIt(t *testing.T) {
	server, _ := serve(t, config, answer(&service.Response{
		Status: 201, Raw: []byte("a;b\n"), ContentType: "text/csv",
		Header: map[string][]string{"location": {"/test/1"}, "Set-Cookie": {"a=1", "b=2"}, "content-length": {"999"}, "Transfer-Encoding": {"chunked"}, "X-Parley-CID": {"forged"}},
	}, nil), nil)
	resp, body := do(t, "POST", server.URL+"/test", "")
	assert.Equal(t, 201, resp.StatusCode)
	assert.Equal(t, "a;b\n", body)
	assert.EqualValues(t, len(body), resp.ContentLength)
	assert.Empty(t, resp.TransferEncoding)
	assert.Equal(t, "text/csv", resp.Header.Get("Content-Type"))
	assert.Equal(t, "/test/1", resp.Header.Get("Location"))
	assert.Equal(t, []string{"a=1", "b=2"}, resp.Header.Values("Set-Cookie"))
}

func TestHead(t *testing.T) {
	server, _ := serve(t, config, answer(&service.Response{Payload: "hello"}, nil), nil)
	resp, body := do(t, "HEAD", server.URL+"/test", "")
	assert.Equal(t, 200, resp.StatusCode)
	assert.Empty(t, body)
	assert.EqualValues(t, 5, resp.ContentLength)
}

func TestNoContent(t *testing.T) {
	server, _ := serve(t, config, answer(&service.Response{Status: 204, Payload: "not sent"}, nil), nil)
	resp, body := do(t, "POST", server.URL+"/test", "")
	assert.Equal(t, 204, resp.StatusCode)
	assert.Empty(t, body)
	assert.Empty(t, resp.Header.Get("Content-Type"))
}

func TestErrors(t *testing.T) {
	for _, row := range []struct {
		name, query, body string
		resp              *service.Response
		err               error
		status            int
		details, logged   string
		level             string
	}{
		{"malformed JSON", "", "{\"a\":\n}", nil, nil, 400, "malformed JSON at line 2, column 1: '}' where a value should be", "malformed JSON", "INFO"},
		{"malformed query", "?a=%zz", "", nil, nil, 400, `malformed query string: invalid URL escape "%zz"`, "malformed query", "INFO"},
		{"of the service", "", "", nil, fmt.Errorf("while asking: %w", &service.Error{Code: service.NotFound, Message: "no customer 7", Fix: "use another id"}), 404, "no customer 7; use another id", "while asking: no customer 7", "INFO"},
		{"upstream", "", "", nil, service.Errorf(service.Upstream, `outconn "CRM": %w`, errors.New("connection refused")), 502, `outconn "CRM": connection refused`, "connection refused", "ERROR"},
		{"internal", "", "", nil, errors.New("secret cause"), 500, "internal error", "secret cause", "ERROR"},
		{"internal, in words", "", "", nil, &service.Error{Code: service.Internal, Message: "in words", Err: errors.New("deep cause")}, 500, "in words", "in words: deep cause", "ERROR"},
		{"a status of its own", "", "", nil, &service.Error{Code: service.Invalid, Status: 422, Message: "in words"}, 422, "in words", "in words", "INFO"},
		{"status that cannot be", "", "", &service.Response{Status: 100}, nil, 500, `service "test.service" set the status 100, which no final reply can have`, "set the status 100", "ERROR"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, logs := serve(t, config, answer(row.resp, row.err), nil)
			resp, body := do(t, "POST", server.URL+"/test"+row.query, row.body)
			assert.Equal(t, row.status, resp.StatusCode)
			assert.Equal(t, envelope(resp, row.details), body)
			assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
			lines := logs.lines(t)
			require.Len(t, lines, 1)
			assert.Contains(t, lines[0]["err"], row.logged)
			assert.Equal(t, row.level, lines[0]["level"])
			assert.Equal(t, resp.Header.Get("X-Parley-CID"), lines[0]["cid"])
		})
	}
}

func TestBodyLimit(t *testing.T) {
	server, _ := serve(t, `{"service":"test.service","url_path":"/test","max_body":10,"data_format":""}`, echo, nil)
	const details = "the request's body is over the limit of 10 bytes of channel Test"
	for _, row := range []struct {
		name   string
		body   io.Reader
		status int
		want   string
	}{
		{"at the limit", strings.NewReader("0123456789"), 200, "0123456789"},
		{"over it", strings.NewReader("0123456789x"), 413, ""},
		{"at the limit, without a length", io.MultiReader(strings.NewReader("0123456789")), 200, "0123456789"},
		{"over it, without a length", io.MultiReader(strings.NewReader("0123456789x")), 413, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/test", row.body)
			require.NoError(t, err)
			resp, body := send(t, req)
			assert.Equal(t, row.status, resp.StatusCode)
			if row.status == 413 {
				row.want = envelope(resp, details)
			}
			assert.Equal(t, row.want, body)
		})
	}
}

// raw opens a connection and sends text as it is.
func raw(t *testing.T, server *httptest.Server, text string) net.Conn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return conn
}

func TestLengthOverTheLimitIsRefusedBeforeTheBody(t *testing.T) {
	server, _ := serve(t, config, echo, nil)
	conn := raw(t, server, "POST /test HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n")
	answer := make([]byte, len("HTTP/1.1 413"))
	_, err := io.ReadFull(conn, answer)
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1 413", string(answer))
}

func TestGigabyteTakesLittleMemory(t *testing.T) {
	server, _ := serve(t, config, echo, nil)
	for _, head := range []string{"Content-Length: 1073741824", "Transfer-Encoding: chunked"} {
		t.Run(head, func(t *testing.T) {
			var before, after runtime.MemStats
			piece := []byte(strings.Repeat("x", 1<<20))
			runtime.ReadMemStats(&before)
			conn := raw(t, server, "POST /test HTTP/1.1\r\nHost: x\r\n"+head+"\r\n\r\n")
			go func() {
				for range 1 << 10 {
					if strings.HasPrefix(head, "T") {
						if _, err := io.WriteString(conn, "100000\r\n"); err != nil {
							return
						}
					}
					if _, err := conn.Write(piece); err != nil {
						return
					}
					if strings.HasPrefix(head, "T") {
						_, _ = io.WriteString(conn, "\r\n")
					}
				}
			}()
			answer := make([]byte, len("HTTP/1.1 413"))
			_, err := io.ReadFull(conn, answer)
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			runtime.ReadMemStats(&after)
			assert.Equal(t, "HTTP/1.1 413", string(answer))
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10<<20))
		})
	}
}

func TestBodyThatDoesNotArrive(t *testing.T) {
	server, _ := serve(t, `{"service":"test.service","url_path":"/test","timeout":"50ms"}`, echo, nil)
	conn := raw(t, server, "POST /test HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{\"a\"")
	reply, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(reply), "HTTP/1.1 400")
	assert.Contains(t, string(reply), "the request's body did not arrive within 50ms")
}

func TestErrorDoesNotWaitForABodyThatStalls(t *testing.T) {
	server, _ := serve(t, `{"service":"test.service","url_path":"/test","max_body":100}`, echo, nil)
	for _, row := range []struct{ name, request, status string }{
		{"too long", "POST /test HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\nab", "413"},
		{"chunked, too long, no end", "POST /test HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + strings.Repeat("x", 101) + "\r\n", "413"},
		{"malformed query", "POST /test?a=%zz HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab", "400"},
		{"trace", "TRACE /test HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab", "405"},
	} {
		t.Run(row.name, func(t *testing.T) {
			conn := raw(t, server, row.request)
			reply, err := io.ReadAll(conn)
			require.NoError(t, err, "the reply comes and the connection is closed")
			assert.True(t, strings.HasPrefix(string(reply), "HTTP/1.1 "+row.status), string(reply))
			assert.Contains(t, string(reply), "Connection: close\r\n")
		})
	}
}

func TestErrorKeepsTheConnectionWhereTheBodyIsThere(t *testing.T) {
	server, _ := serve(t, `{"service":"test.service","url_path":"/test","max_body":10}`, echo, nil)
	conn := raw(t, server, "")
	from := bufio.NewReader(conn)
	for range 3 {
		_, err := io.WriteString(conn, "POST /test HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890")
		require.NoError(t, err)
		resp, err := http.ReadResponse(from, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 413, resp.StatusCode)
		assert.False(t, resp.Close)
	}
}

func TestTraceAndConnectAreRefused(t *testing.T) {
	for _, row := range []struct{ method, methods, allow string }{
		{"TRACE", `""`, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"CONNECT", `""`, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		{"TRACE", `["GET","POST"]`, "GET, HEAD, OPTIONS, POST"},
	} {
		server, _ := serve(t, `{"service":"test.service","url_path":"/test","method":`+row.methods+`}`, echo, nil)
		conn := raw(t, server, row.method+" /test HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, 405, resp.StatusCode)
		assert.Equal(t, row.allow, resp.Header.Get("Allow"))
		assert.Equal(t, envelope(resp, "the method "+row.method+" is not served"), string(body))
	}
}

func TestDeadline(t *testing.T) {
	const short = `{"service":"test.service","url_path":"/test","timeout":"20ms"}`
	t.Run("passed", func(t *testing.T) {
		server, _ := serve(t, short, func(ctx context.Context, _ *service.Request) (*service.Response, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("asking CRM: %w", ctx.Err())
		}, nil)
		resp, body := do(t, "POST", server.URL+"/test", `{}`)
		assert.Equal(t, 504, resp.StatusCode)
		assert.Equal(t, envelope(resp, `service "test.service" did not answer within 20ms`), body)
	})
	t.Run("passed, and the service says where", func(t *testing.T) {
		server, _ := serve(t, short, func(ctx context.Context, _ *service.Request) (*service.Response, error) {
			<-ctx.Done()
			return nil, service.Errorf(service.Timeout, `outconn "CRM": no answer: %w`, ctx.Err())
		}, nil)
		resp, body := do(t, "POST", server.URL+"/test", `{}`)
		assert.Equal(t, 504, resp.StatusCode)
		assert.Equal(t, envelope(resp, `outconn "CRM": no answer: context deadline exceeded`), body)
	})
	t.Run("a connection serves on after a body that came in time", func(t *testing.T) {
		server, _ := serve(t, short, echo, nil)
		for range 3 {
			_, body := do(t, "POST", server.URL+"/test", `{"a":1}`)
			assert.Equal(t, `{"a":1}`, body)
		}
	})
}

func TestClientThatGoesLeavesNoNoise(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	server, logs := serve(t, config, func(ctx context.Context, _ *service.Request) (*service.Response, error) {
		defer close(ended)
		close(started)
		<-ctx.Done()
		return nil, ctx.Err()
	}, nil)
	conn := raw(t, server, "POST /test HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	<-started
	require.NoError(t, conn.Close())
	<-ended
	require.Eventually(t, func() bool { return len(logs.lines(t)) == 1 }, time.Minute, time.Millisecond)
	line := logs.lines(t)[0]
	assert.Equal(t, "client gone", line["msg"])
	assert.Equal(t, "DEBUG", line["level"])
}

func TestWriteErrorKeepsHeaders(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Allow", "GET")
	status := rest.WriteError(w, service.ZatoNames(), "", "c1", service.Errorf(service.NotAllowed, "PUT is not allowed here"))
	assert.Equal(t, 405, status)
	assert.Equal(t, 405, w.Code)
	assert.Equal(t, "GET", w.Header().Get("Allow"))
	assert.Equal(t, "c1", w.Header().Get("X-Zato-CID"))
	assert.Equal(t, `{"zato_env":{"cid":"c1","result":"ZATO_ERROR","details":"PUT is not allowed here"}}`, w.Body.String())
}

// discard is a reply that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header             { return d.header }
func (d discard) Write(p []byte) (int, error)     { return len(p), nil }
func (d discard) WriteHeader(int)                 {}
func (d discard) SetReadDeadline(time.Time) error { return nil }

// BenchmarkServeHTTP measures the channel alone: no socket, no SimpleIO.
func BenchmarkServeHTTP(b *testing.B) {
	c, err := rest.Kind().Parse([]byte(config))
	require.NoError(b, err)
	built, err := rest.Kind().New(c, channel.Deps{
		Name: "Test", Names: service.ParleyNames(), Log: slog.New(slog.DiscardHandler),
		Handle: answer(&service.Response{Raw: []byte("{}"), ContentType: "application/json"}, nil),
	})
	require.NoError(b, err)
	mounted := built.(channel.HTTP)
	body := bytes.NewReader([]byte(`{"cust_id":123,"cust_type":"A"}`))
	req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/test", body)
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		_, err := body.Seek(0, io.SeekStart)
		require.NoError(b, err)
		mounted.ServeHTTP(w, req)
	}
}
