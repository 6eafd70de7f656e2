package steps_test

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// talk is a feature file whose scenarios are said line by line.
type talk struct {
	t     *testing.T
	suite *steps.Suite
	file  *steps.File
	world *steps.World
}

// begin begins the first scenario of a feature file.
func begin(t *testing.T, o steps.Options) *talk {
	t.Helper()
	suite := steps.New(o)
	k := &talk{t: t, suite: suite, file: suite.File("features/talk.feature")}
	k.next()
	t.Cleanup(func() {
		assert.NoError(t, k.world.End())
		assert.NoError(t, k.file.Close())
		assert.NoError(t, suite.Close())
	})
	return k
}

// next begins another scenario.
func (k *talk) next() {
	k.t.Helper()
	if k.world != nil {
		require.NoError(k.t, k.world.End())
	}
	w, err := k.file.Begin(k.t.Context(), "talk")
	require.NoError(k.t, err)
	k.world = w
}

// say does lines, each with its keyword, up to the first that fails.
func (k *talk) say(lines string) error {
	k.t.Helper()
	var kind steps.Kind
	for line := range strings.Lines(lines) {
		keyword, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch keyword {
		case "Given":
			kind = steps.Given
		case "When":
			kind = steps.When
		case "Then":
			kind = steps.Then
		case "":
			continue
		default:
			require.Equal(k.t, "And", keyword)
		}
		bound, err := k.suite.Vocabulary().Bind(kind, text)
		require.NoError(k.t, err)
		if err := bound.Run(k.t.Context(), k.world); err != nil {
			return err
		}
	}
	return nil
}

func (k *talk) must(lines string) {
	k.t.Helper()
	require.NoError(k.t, k.say(lines))
}

// sent is a request as it reached a server.
type sent struct {
	method, uri, host, body string
	header                  http.Header
}

// listener is a server that keeps what it was last sent, and answers with 204.
func listener(t *testing.T) (address string, last *sent) {
	t.Helper()
	last = &sent{}
	return hears(t, func(s sent) { *last = s }), last
}

// hears is a server that passes on what it is sent, and answers with 204.
func hears(t *testing.T, pass func(sent)) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		pass(sent{r.Method, r.RequestURI, r.Host, string(body), r.Header})
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func projectFiles() fstest.MapFS {
	return fstest.MapFS{
		"features/json/request/one.json":   {Data: []byte(`{"one": 1}`)},
		"features/json/request/bad.json":   {Data: []byte("{\n  \"one\": oops\n}")},
		"features/json/request/both":       {Data: []byte(`"of the request's format"`)},
		"features/raw/request/both":        {Data: []byte(`of the response's format`)},
		"features/raw/request/quirk.json":  {Data: []byte(`{"quirk": true}`)},
		"features/raw/request/empty.txt":   {},
		"features/form/request/a/r.csv":    {Data: []byte("1;2\n")},
		"features/form/request/fields.txt": {Data: []byte("x=1&y=2")},
		"json/request/above.json":          {Data: []byte(`{"above": true}`)},
	}
}

const (
	unset    = "\x00" // a header that is not there
	invoking = "When the URL is invoked\n"
)

func TestTheRequestIsSentAsItWasSaid(t *testing.T) {
	rows := []struct {
		name, lines string
		want        sent // empty: whatever
		header      map[string]string
	}{
		{"nothing said", "", sent{method: "GET", uri: "/"}, map[string]string{
			"Content-Type": unset, "Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "parley-apitest", "Authorization": unset,
		}},
		{"a format and no body", `Given format "JSON"`, sent{method: "GET"}, map[string]string{"Content-Type": unset, "Content-Length": unset}},
		{
			"a JSON body, with GET too",
			"Given format \"JSON\"\nAnd request is \"{\"a\":[1,{}],\"ü\":\"\U0001F600/<\"}\"",
			sent{method: "GET", body: "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"\\u00fc\": \"\\ud83d\\ude00/<\"\n}"},
			map[string]string{"Content-Type": "application/json"},
		},
		{
			"JSON says what it is, whatever a step said", `Given header "Content-Type" "text/plain"
			And format "JSON"
			And request is "7"`,
			sent{body: "7"},
			map[string]string{"Content-Type": "application/json"},
		},
		{"RAW says nothing", "Given format \"RAW\"\nAnd request is \"a b\"", sent{body: "a b"}, map[string]string{"Content-Type": unset}},
		{"RAW, with a header", "Given format \"RAW\"\nAnd header \"content-type\" \"text/x\"\nAnd request is \"a\"", sent{body: "a"}, map[string]string{"Content-Type": "text/x"}},
		{"XML", "Given format \"XML\"\nAnd request is \"<a><b/></a>\"", sent{}, map[string]string{"Content-Type": "application/xml"}},
		{"XML, with a header", "Given format \"XML\"\nAnd header \"Content-Type\" \"text/xml\"\nAnd request is \"<a/>\"", sent{}, map[string]string{"Content-Type": "text/xml"}},
		{"a format in small letters", "Given request format \"json\"\nAnd request is \"[]\"", sent{body: "[]"}, map[string]string{"Content-Type": "application/json"}},
		{"the URL, put together as it stands", "Given URL path \"/a//b/\"\nAnd query string \"?x=1&y=%20z\"", sent{uri: "/a//b/?x=1&y=%20z"}, nil},
		{"no slash between address and path", "Given address \"HERE/v1\"\nAnd URL path \".2?\"\nAnd query string \"x\"", sent{uri: "/v1.2?x"}, nil},
		{"what may not stand in a URL", "Given URL path \"/a b/ü{x}\"\nAnd query string \"?q=1 2|3&p=100%\"", sent{uri: "/a%20b/%C3%BC%7Bx%7D?q=1%202%7C3&p=100%25"}, nil},
		{"a % that begins no code", "Given query string \"?p=%4x&q=%4\"", sent{uri: "/?p=%254x&q=%254"}, nil},
		{"a blank before the address", `Given address " HERE/x"`, sent{uri: "/x/"}, nil},
		{"a method of any word, in capitals", `Given HTTP method "purge"`, sent{method: "PURGE"}, nil},
		{"a method is taken as it stands", `Given HTTP method "$GREETING"`, sent{method: "$GREETING"}, nil},
		{"a header, the last one said", "Given header \"X-A\" \"1\"\nAnd header \"x-a\" \"2\"", sent{}, map[string]string{"X-A": "2"}},
		{"the host", `Given header "Host" "shop.example"`, sent{host: "shop.example"}, nil},
		{"the user agent", `Given user agent is "curl/8"`, sent{}, map[string]string{"User-Agent": "curl/8"}},
		{"no compression", `Given header "Accept-Encoding" "identity"`, sent{}, map[string]string{"Accept-Encoding": "identity"}},
		{"credentials", `Given Basic Auth "joe" "top secret"`, sent{}, map[string]string{"Authorization": "Basic am9lOnRvcCBzZWNyZXQ="}},
		{"a body from a file", "Given format \"JSON\"\nAnd request \"one.json\"", sent{body: "{\n  \"one\": 1\n}"}, nil},
		{"from a folder above", "Given format \"JSON\"\nAnd request \"above.json\"", sent{body: "{\n  \"above\": true\n}"}, nil},
		{"the folder of the request's format first", "Given format \"JSON\"\nAnd response format \"RAW\"\nAnd request \"both\"", sent{body: `"of the request's format"`}, nil},
		{"then that of the response's", "Given format \"JSON\"\nAnd response format \"RAW\"\nAnd request \"quirk.json\"", sent{body: "{\n  \"quirk\": true\n}"}, nil},
		{"an empty file", "Given format \"RAW\"\nAnd HTTP method \"POST\"\nAnd request \"empty.txt\"", sent{method: "POST"}, map[string]string{"Content-Length": "0"}},
		{"a stored document", "Given I store \"7\" under \"n\"\nAnd format \"JSON\"\nAnd request is \"{\"n\": #{n}}\"", sent{body: "{\n  \"n\": 7\n}"}, nil},
		{"a large text", "Given format \"JSON\"\nAnd request is a text of 5 bytes", sent{body: `"xxx"`}, nil},
		{"the body taken back", "Given format \"RAW\"\nAnd request is \"a\"\nAnd there is no request body", sent{method: "GET"}, map[string]string{"Content-Length": unset}},
		{
			"the body of JSON taken back", "Given format \"JSON\"\nAnd request is \"{}\"\n" + invoking + "Given there is no request body",
			sent{method: "GET"},
			map[string]string{"Content-Type": unset},
		},
		{"the body taken back, not its header", "Given header \"Content-Type\" \"a/b\"\nAnd there is no request body", sent{}, map[string]string{"Content-Type": "a/b"}},
		{
			"a form", `Given format "FORM"
			And HTTP method "POST"
			And request param "a" is "1 ü&"
			And request param "b" is "2"
			And request param "a" is "3~"`,
			sent{method: "POST", body: "a=1+%C3%BC%26&a=3~&b=2"},
			map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		},
		{"a form in the place of a body", "Given format \"JSON\"\nAnd request is \"{}\"\nAnd format \"FORM\"\nAnd request param \"a\" is \"1\"", sent{body: "a=1"}, nil},
		{"a field takes the place of a body", "Given format \"JSON\"\nAnd request is \"{}\"\nAnd request param \"a\" is \"1\"", sent{method: "GET"}, nil},
		{"an empty form", `Given format "FORM"`, sent{method: "GET"}, map[string]string{"Content-Type": unset, "Content-Length": unset}},
		{
			"a form as text", "Given format \"FORM\"\nAnd request param \"a\" is \"1\"\nAnd request \"fields.txt\"",
			sent{body: "x=1&y=2"},
			map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		},
		{"a body of JSON is no form", "Given format \"JSON\"\nAnd request is \"{}\"\nAnd format \"FORM\"", sent{method: "GET"}, map[string]string{"Content-Type": unset}},
		{
			"a form of before, for RAW and back",
			"Given format \"FORM\"\nAnd request param \"a\" is \"1\"\nAnd format \"RAW\"\nAnd request is \"x\"\n" + invoking + "Given format \"FORM\"",
			sent{body: "a=1"},
			nil,
		},
		{"a form, cleaned up", "Given format \"FORM\"\nAnd request param \"a\" is \"1\"\nThen form is cleaned up\nGiven request param \"b\" is \"2\"", sent{body: "b=2"}, nil},
		{"a form for another format", "Given format \"RAW\"\nAnd request param \"a\" is \"1\"\nAnd request is \"b\"", sent{body: "b"}, nil},
	}
	t.Setenv("GREETING", "hello")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			address, got := listener(t)
			k := begin(t, steps.Options{FS: projectFiles(), Root: "."})
			k.must("Given address \"" + address + "\"\n" + strings.ReplaceAll(row.lines, "HERE", address) + "\n" + invoking)
			if row.want.method != "" {
				assert.Equal(t, row.want.method, got.method)
			}
			if row.want.uri != "" {
				assert.Equal(t, row.want.uri, got.uri)
			}
			if row.want.host != "" {
				assert.Equal(t, row.want.host, got.host)
			}
			if row.want.body != "" || row.want.method != "" {
				assert.Equal(t, row.want.body, got.body)
			}
			for name, value := range row.header {
				if value == unset {
					assert.Empty(t, got.header.Values(name), name)
				} else {
					assert.Equal(t, value, got.header.Get(name), name)
				}
			}
		})
	}
}

func TestAStoredListIsAFieldOfManyValues(t *testing.T) {
	address, got := listener(t)
	k := begin(t, steps.Options{})
	k.must("Given address \"" + answering(t, `{"list": ["a b", 2, null, true]}`) + "\"\nAnd format \"JSON\"\n" + invoking + "Then I store \"/list\" from response under \"l\"")
	k.must("Given address \"" + address + "\"\nAnd format \"FORM\"\nAnd request param \"x\" is \"#l\"\n" + invoking)
	assert.Equal(t, "x=a+b&x=2&x=true", got.body)
}

func TestAFormWithFilesIsSentInParts(t *testing.T) {
	address, got := listener(t)
	k := begin(t, steps.Options{FS: projectFiles(), Root: "."})
	k.must(`Given address "` + address + `"
		And format "FORM"
		And HTTP method "POST"
		And header "Content-Type" "text/plain"
		And request file "report" is "a/r.csv"
		And request param "title" is "May"
		And request file "second" is "fields.txt"
		And request file "report" is "a/r.csv"
		When the URL is invoked`)
	kind, params, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	require.NoError(t, err)
	assert.Equal(t, "multipart/form-data", kind)
	type part struct{ field, file, kind, content string }
	var parts []part
	for r := multipart.NewReader(strings.NewReader(got.body), params["boundary"]); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		content, err := io.ReadAll(p)
		require.NoError(t, err)
		parts = append(parts, part{p.FormName(), p.FileName(), p.Header.Get("Content-Type"), string(content)})
	}
	assert.Equal(t, []part{{"title", "", "", "May"}, {"second", "fields.txt", "", "x=1&y=2"}, {"report", "r.csv", "", "1;2\n"}}, parts)
}

func TestWhatABodySaysOfItselfStaysForLaterScenariosOfTheFile(t *testing.T) {
	address, got := listener(t)
	k := begin(t, steps.Options{FS: projectFiles(), Root: ".", State: steps.PerFeature})
	k.must("Given address \"" + address + "\"\nAnd format \"JSON\"\nAnd request is \"{}\"\nAnd I store \"1\" under \"n\"\n" + invoking)
	k.next()
	k.must(invoking)
	assert.Equal(t, "{}", got.body, "the body is sent again")
	k.next()
	k.must("Given format \"RAW\"\nAnd request is \"n#{n}\"\n" + invoking)
	assert.Equal(t, "n1", got.body)
	assert.Equal(t, "application/json", got.header.Get("Content-Type"))
	k.next()
	k.must("Given format \"XML\"\nAnd request is \"<a/>\"\n" + invoking)
	assert.Equal(t, "application/xml", got.header.Get("Content-Type"))
	k.next()
	k.must("Given format \"FORM\"\nAnd request param \"a\" is \"1\"\n" + invoking)
	assert.Equal(t, "application/x-www-form-urlencoded", got.header.Get("Content-Type"))
	k.next()
	k.must("Given request file \"f\" is \"a/r.csv\"\n" + invoking)
	assert.Contains(t, got.header.Get("Content-Type"), "multipart/form-data; boundary=")
	assert.Contains(t, got.body, "name=\"a\"")
	k.next()
	k.must("Then form is cleaned up\nGiven format \"RAW\"\nAnd request is \"x\"\n" + invoking)
	assert.Empty(t, got.header.Get("Content-Type"), "a form with files takes it away")
	k.next()
	k.must("Then context is cleaned up")
	assert.ErrorContains(t, k.say(invoking), "no address to send the request to")
	assert.ErrorContains(t, k.say(`Given URL path "#n"`), `nothing is stored under "n"`)
	k.must("Given address \"" + address + "\"\n" + invoking)
	assert.Equal(t, sent{method: "GET", uri: "/", host: got.host, header: got.header}, *got)
	assert.Equal(t, "parley-apitest", got.header.Get("User-Agent"))
}

func TestEachScenarioBeginsWithNothingSaid(t *testing.T) {
	address, _ := listener(t)
	k := begin(t, steps.Options{})
	k.must("Given address \"" + address + "\"\n" + invoking)
	k.next()
	assert.ErrorContains(t, k.say(invoking), "no address to send the request to")
}

func TestRequestsThatCannotBeAreRefused(t *testing.T) {
	rows := []struct{ name, lines, fault string }{
		{"no address", invoking, `no address to send the request to; say one with: Given address "http://host:port"`},
		{"an address without scheme", "Given address \"127.0.0.1:80\"\n" + invoking, `address "127.0.0.1:80" does not say how to get there; write it like http://127.0.0.1:80`},
		{"an address that is none of HTTP", "Given address \"ftp://x\"\n" + invoking, `address "ftp://x" is none of HTTP`},
		{"a port that is none", "Given address \"http://x:y\"\n" + invoking, "make no URL"},
		{"an unknown format", `Given format "YAML"`, `format "YAML" is not known; there are JSON, XML, RAW and FORM`},
		{"an unknown response format", `Given response format "text"`, `format "text" is not known`},
		{"a body without format", `Given request is "{}"`, `say what the request is first, with: format "JSON"`},
		{"a body's file without format", `Given request "one.json"`, `say what the request is first, with: format "JSON"`},
		{"a body that is no JSON", "Given format \"JSON\"\nAnd request is \"{oops}\"", "the request is not JSON: line 1, column 2"},
		{"a file that is no JSON", "Given format \"JSON\"\nAnd request \"bad.json\"", "features/json/request/bad.json: the request is not JSON: line 2, column 10"},
		{"no such file", "Given format \"JSON\"\nAnd request \"none.json\"", `no file "json/request/none.json": looked for features/json/request/none.json`},
		{"no such file in either folder", "Given format \"JSON\"\nAnd response format \"RAW\"\nAnd request \"none.json\"", `no file "raw/request/none.json"`},
		{"no such upload", `Given request file "f" is "none.csv"`, `no file "form/request/none.csv"`},
		{"a header's name with a blank", `Given header "X A" "1"`, `"X A" is no name of a header`},
		{"a header on two lines", "Given header \"X-A\" \"${TWO_LINES}\"", `header "X-A" cannot be "a\nb"`},
		{"a server where there is no cluster", `When the URL is invoked on server 2`, "there is no cluster"},
		{"in the background, over a WebSocket", "Given I use Zato WSX\nWhen the URL is invoked in the background", "there none can be sent in the background"},
		{"no reply in the background", `When the background reply has arrived`, "no request was sent in the background"},
	}
	t.Setenv("TWO_LINES", "a\nb")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{FS: projectFiles(), Root: "."})
			assert.ErrorContains(t, k.say(row.lines), row.fault)
		})
	}
}

func TestSecretsOfRequestsAreMaskedEverywhere(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		for _, name := range []string{"Authorization", "X-Api-Key"} {
			_, _ = io.WriteString(w, name+" "+r.Header.Get(name)+"\n")
		}
		_, _ = io.WriteString(w, r.URL.RawQuery)
	}))
	t.Cleanup(server.Close)
	rows := []struct {
		name, lines string
		secrets     []string
	}{
		{"Basic Auth", `Given Basic Auth "joe" "top-secret/1"`, []string{"top-secret/1", "top-secret%2F1", "am9lOnRvcC1zZWNyZXQvMQ"}},
		{"such a header", `Given header "Authorization" "Basic am9lOnRvcC1zZWNyZXQvMQ=="`, []string{"top-secret/1", "am9lOnRvcC1zZWNyZXQvMQ"}},
		{"a bearer", `Given header "Authorization" "Bearer abc.def"`, []string{"abc.def"}},
		{"a key", `Given header "X-Api-Key" "k-1234"`, []string{"k-1234"}},
		{"in the query string", `Given query string "?api_key=k+1234&page=2"`, []string{"k+1234", "k 1234"}},
		{"in the address", `Given address "http://joe:hunter2@` + server.Listener.Addr().String() + `"`, []string{"hunter2", "am9lOmh1bnRlcjI"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := begin(t, steps.Options{})
			k.must("Given address \"" + server.URL + "\"\n" + row.lines + "\n" + invoking)
			text := k.world.Explain(k.say(`Then status is "200"`)).Text()
			require.Contains(t, text, "got:      401")
			assert.Contains(t, text, steps.Masked)
			for _, secret := range row.secrets {
				assert.NotContains(t, text, secret)
			}
		})
	}
}

func TestTheCommandLineRepeatsTheRequest(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: ", err)
	}
	rows := []struct{ name, lines string }{
		{"nothing said", `Given URL path "/a"`},
		{"JSON", "Given HTTP method \"PUT\"\nAnd format \"JSON\"\nAnd request is \"{\"it's\": \"ü $HOME\"}\"\nAnd Basic Auth \"joe\" \"top secret\""},
		{"RAW, without a type", "Given HTTP method \"POST\"\nAnd format \"RAW\"\nAnd request is \"a=1&@b\""},
		{"a form", "Given HTTP method \"POST\"\nAnd format \"FORM\"\nAnd request param \"password\" is \"hunter2\""},
		{"files", "Given HTTP method \"POST\"\nAnd format \"FORM\"\nAnd request file \"f\" is \"a/r.csv\""},
		{"HEAD", `Given HTTP method "HEAD"`},
		{"brackets", `Given query string "?a[]=1&b=[2-1]"`},
		{"an empty header", `Given header "X-Empty" "$EMPTY"`},
		{"a compression of one's own", `Given header "Accept-Encoding" "br"`},
	}
	t.Setenv("EMPTY", "")
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			requests := make(chan sent, 2)
			address := hears(t, func(s sent) { requests <- s })
			k := begin(t, steps.Options{FS: projectFiles(), Root: "."})
			k.must("Given address \"" + address + "\"\n" + row.lines + "\n" + invoking)
			first := <-requests
			line := k.world.Explain(k.say(`Then status is "999"`)).Exchange.Curl
			require.NotContains(t, line, "hunter2")
			c := exec.CommandContext(t.Context(), "sh", "-c", line)
			c.Env = append(os.Environ(), "BASIC_AUTH_PASSWORD=top secret", "PASSWORD=hunter2")
			out, err := c.CombinedOutput()
			require.NoError(t, err, "%s\n%s", line, out)
			first.header.Del("Accept-Encoding") // curl says those that it can undo
			second := <-requests
			second.header.Del("Accept-Encoding")
			assert.Equal(t, first, second, line)
		})
	}
}
