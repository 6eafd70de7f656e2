package steps_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// answering is a server that answers with headers and a body.
func answering(t *testing.T, body string, header ...string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// packed is a text through a compressor.
func packed(t *testing.T, text string, open func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var b bytes.Buffer
	w := open(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestPackedRepliesAreUnpacked(t *testing.T) {
	zip := packed(t, `{"a": 1}`, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	z := packed(t, `{"a": 1}`, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	bare := packed(t, `{"a": 1}`, func(w io.Writer) io.WriteCloser {
		f, err := flate.NewWriter(w, flate.BestSpeed)
		require.NoError(t, err)
		return f
	})
	twice := packed(t, zip, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	rows := []struct{ name, coding, body, fault string }{
		{"not at all", "identity", `{"a": 1}`, ""},
		{"gzip", "gzip", zip, ""},
		{"gzip by another name", "X-GZIP", zip, ""},
		{"deflate", "deflate", z, ""},
		{"deflate without its envelope", "deflate", bare, ""},
		{"twice", "gzip, deflate", twice, ""},
		{"nothing", "gzip", "", ""},
		{"no gzip", "gzip", `{"a": 1}`, "the reply says Content-Encoding gzip, and its body cannot be read as that"},
		{"half of it", "gzip", zip[:len(zip)-9], "unexpected EOF"},
		{"a coding that was not asked for", "br", "\x0b\x03", "the reply is not JSON"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{})
			err := k.say("Given address \"" + answering(t, row.body, "Content-Encoding", row.coding) + "\"\nAnd format \"JSON\"\n" + invoking)
			if row.fault != "" {
				assert.ErrorContains(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			if row.body != "" {
				k.must(`Then JSON response is equal to "{"a": 1}"`)
			}
			k.must(`Then header "Content-Encoding" is "` + row.coding + `"`)
		})
	}
}

// redirecting is a server that sends on, and keeps what came: each request as method, path, body, and what was sent with it.
func redirecting(t *testing.T, elsewhere string) (address string, came *[]string) {
	t.Helper()
	came = &[]string{}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		note := strings.TrimSpace(r.Method + " " + r.URL.Path + " " + string(body))
		for _, name := range []string{"Content-Type", "Authorization", "Cookie", "Referer"} {
			if v := r.Header.Get(name); v != "" {
				note += "; " + name + ": " + v
			}
		}
		*came = append(*came, note)
		status := map[string]int{"/301": 301, "/302": 302, "/303": 303, "/307": 307, "/308": 308, "/round": 302, "/away": 302, "/nowhere": 302, "/cookie": 302}[r.URL.Path]
		switch {
		case status == 0:
			return
		case r.URL.Path == "/round":
			w.Header().Set("Location", "/round")
		case r.URL.Path == "/away":
			w.Header().Set("Location", elsewhere+"/end")
		case r.URL.Path == "/cookie":
			w.Header().Set("Set-Cookie", "s=1")
			w.Header().Set("Location", "end")
		case r.URL.Path != "/nowhere":
			w.Header().Set("Location", "/end")
		}
		w.WriteHeader(status)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, came
}

func TestRedirectsAreFollowedAsPythonRequestsDoes(t *testing.T) {
	const (
		body   = "Given format \"JSON\"\nAnd request is \"1\"\n"
		asJSON = " 1; Content-Type: application/json"
	)
	rows := []struct {
		name, lines string
		came        []string
		status      string // 200 unless said
	}{
		{"301 of a GET", `Given URL path "/301"`, []string{"GET /301", "GET /end"}, ""},
		{"301 of a POST", body + "And URL path \"/301\"\nAnd HTTP method \"POST\"", []string{"POST /301" + asJSON, "GET /end"}, ""},
		{"301 of a PUT", body + "And URL path \"/301\"\nAnd HTTP method \"PUT\"", []string{"PUT /301" + asJSON, "PUT /end"}, ""},
		{"302 of a PUT", body + "And URL path \"/302\"\nAnd HTTP method \"PUT\"", []string{"PUT /302" + asJSON, "GET /end"}, ""},
		{"303 of a POST", body + "And URL path \"/303\"\nAnd HTTP method \"POST\"", []string{"POST /303" + asJSON, "GET /end"}, ""},
		{"307 of a POST", body + "And URL path \"/307\"\nAnd HTTP method \"POST\"", []string{"POST /307" + asJSON, "POST /end" + asJSON}, ""},
		{"308 of a PUT", body + "And URL path \"/308\"\nAnd HTTP method \"PUT\"", []string{"PUT /308" + asJSON, "PUT /end" + asJSON}, ""},
		{"no place to go", `Given URL path "/nowhere"`, []string{"GET /nowhere"}, "302"},
		{"a cookie on the way", `Given URL path "/cookie"`, []string{"GET /cookie", "GET /end; Cookie: s=1"}, ""},
		{"a cookie said in a step", "Given URL path \"/302\"\nAnd header \"Cookie\" \"s=2\"", []string{"GET /302; Cookie: s=2", "GET /end"}, ""},
		{
			"credentials on the same server", "Given URL path \"/302\"\nAnd header \"Authorization\" \"Bearer x\"",
			[]string{"GET /302; Authorization: Bearer x", "GET /end; Authorization: Bearer x"},
			"",
		},
		{"credentials on another port", "Given URL path \"/away\"\nAnd header \"Authorization\" \"Bearer x\"", []string{"GET /away; Authorization: Bearer x"}, ""},
		{"a referer said in a step", "Given URL path \"/302\"\nAnd header \"Referer\" \"r\"", []string{"GET /302; Referer: r", "GET /end; Referer: r"}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			other, reached := redirecting(t, "")
			address, came := redirecting(t, other)
			status := "200"
			if row.status != "" {
				status = row.status
			}
			k := begin(t, steps.Options{})
			k.must("Given address \"" + address + "\"\n" + row.lines + "\nAnd response format \"RAW\"\n" + invoking + "Then status is \"" + status + "\"")
			assert.Equal(t, row.came, *came)
			if strings.Contains(row.lines, "/away") {
				assert.Equal(t, []string{"GET /end"}, *reached, "without what is for the first server")
			}
		})
	}
	t.Run("for ever", func(t *testing.T) {
		address, came := redirecting(t, "")
		k := begin(t, steps.Options{})
		assert.ErrorContains(t, k.say("Given address \""+address+"\"\nAnd URL path \"/round\"\n"+invoking), "there were more than 30 redirects")
		assert.Len(t, *came, 31)
	})
	t.Run("no cookie reaches the next request", func(t *testing.T) {
		address, came := redirecting(t, "")
		k := begin(t, steps.Options{})
		k.must("Given address \"" + address + "\"\nAnd URL path \"/cookie\"\n" + invoking + "Given URL path \"/x\"\n" + invoking)
		assert.Equal(t, []string{"GET /cookie", "GET /end; Cookie: s=1", "GET /x"}, *came)
	})
}

func TestAnAddressThatDoesNotAnswerIsNamedWithHowLongItWasTried(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, says nothing
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, silent.Close()) })
	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half a")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(half.Close)
	away := httptest.NewServer(http.RedirectHandler("http://"+silent.Addr().String()+"/", http.StatusFound))
	t.Cleanup(away.Close)
	limit := "the limit is 500 ms)"
	rows := []struct {
		name, address string
		fault         []string
	}{
		{"nobody listens", "http://" + closed.Addr().String(), []string{"no reply from " + closed.Addr().String() + ": ", "connection refused", "(tried for "}},
		{
			"nobody answers", "http://" + silent.Addr().String(),
			[]string{"no reply from " + silent.Addr().String() + ": it takes connections and does not answer (tried for ", limit},
		},
		{"nobody speaks TLS", "https://" + silent.Addr().String(), []string{"no reply from " + silent.Addr().String() + ": no connection could be made (tried for ", limit}},
		{"where it was sent on to", away.URL, []string{"no reply from " + silent.Addr().String() + ": it takes connections", limit}},
		{"a reply that does not end", half.URL, []string{"the reply to GET " + half.URL + "/ does not end: 6 bytes have come (tried for ", limit}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{Timeout: 500 * time.Millisecond})
			for _, send := range []string{invoking, "When the URL is invoked in the background\nAnd the background reply has arrived"} {
				err := k.say("Given address \"" + row.address + "\"\n" + send)
				require.Error(t, err)
				for _, text := range row.fault {
					assert.ErrorContains(t, err, text)
				}
				assert.Contains(t, k.world.Explain(err).Text(), "again:    curl -i -X GET "+row.address+"/")
				assert.ErrorContains(t, k.say(`Then status is "200"`), "there is no reply to look at")
			}
		})
	}
}

func TestARequestHasATimeoutWhereNoneIsConfigured(t *testing.T) {
	assert.Equal(t, time.Minute, steps.New(steps.Options{}).RequestTimeout())
	assert.Equal(t, time.Second, steps.New(steps.Options{Timeout: time.Second}).RequestTimeout())
}

func TestAReplyThatIsNotJSONIsShown(t *testing.T) {
	long := strings.Repeat("x", 200)
	rows := []struct {
		name, body string
		header     []string
		want, last string
	}{
		{
			"a page", "<html>\n<title>Bad gateway</title>\n1\n2\n3\n4\n5",
			[]string{"Content-Type", "text/html; charset=utf-8"},
			"the reply is not JSON: line 1, column 1: '<' stands where a value is expected\n  expected: JSON\n  got:      200 OK, text/html; charset=utf-8, 43 bytes:\n            <html>\n",
			"            3\n            ...",
		},
		{"a fault further down", "{\n \"a\": 1,\n \"b\": oops}", []string{"Content-Type", "application/json"}, "the reply is not JSON: line 3, column 7: ", "oops}"},
		{"a long line", long, []string{"Content-Type", "text/plain"}, "200 bytes:\n            " + long[:160] + "...", "..."},
		{"no text", "\xff\xfe", []string{"Content-Type", "image/png"}, "got:      200 OK, image/png, 2 bytes", "2 bytes"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{})
			err := k.say("Given address \"" + answering(t, row.body, row.header...) + "\"\nAnd format \"JSON\"\n" + invoking)
			require.Error(t, err)
			assert.Contains(t, err.Error(), row.want)
			assert.True(t, strings.HasSuffix(err.Error(), row.last), err.Error())
		})
	}
}

func TestTextOfAReply(t *testing.T) {
	rows := []struct{ name, kind, body, text string }{
		{"UTF-8", "text/plain; charset=utf-8", "Zoë", "Zoë"},
		{"UTF-8 that does not say so", "text/plain", "Zoë", "Zoë"},
		{"Latin-1", "text/plain; charset=ISO-8859-1", "Zo\xeb", "Zoë"},
		{"Latin-1 that does not say so", "text/plain", "Zo\xeb", "Zoë"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{})
			k.must("Given address \"" + answering(t, row.body, "Content-Type", row.kind) + "\"\nAnd format \"RAW\"\n" + invoking +
				"Then response is equal to \"" + row.text + "\"\nAnd response contains \"" + row.text + "\"")
		})
	}
}
