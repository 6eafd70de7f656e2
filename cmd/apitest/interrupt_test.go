package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// endsWithin is how long an interrupted run may take here. The promise is a second; a busy machine gets more, and what it
// would wait for takes a minute.
const endsWithin = 30 * time.Second

// beginsWithin is how soon what takes long begins when the server has been asked for something; what the report says was
// interrupted tells whether it had.
const beginsWithin = time.Second

// TestInterrupt ends a run in the middle of each thing that takes long, and wants all reports of what had been done.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct{ name, steps, cut string }{
		{"a request hangs", "And URL path \"/hang\"\nWhen the URL is invoked", "the URL is invoked"},
		{"a request in the background hangs", "And URL path \"/hang\"\nWhen the URL is invoked in the background\nWhen the background reply has arrived", "the background reply"},
		{"a load hangs", "And URL path \"/hang\"\nWhen I send 5 requests per second in the background\nThen I sleep for \"60\"", "I sleep"},
		{"a step sleeps", "And URL path \"/met\"\nWhen the URL is invoked\nThen I sleep for \"60\"", "I sleep"},
		{"a step is tried again", "And URL path \"/met\"\nWhen the URL is invoked\nThen status is \"201\" within 60 seconds", "status is"},
		{"a WebSocket is being opened", "And URL path \"/hang\"\nWhen I connect to the WebSocket", "I connect"},
		{"a WebSocket is open", "And URL path \"/deaf\"\nWhen I connect to the WebSocket\nAnd I send the WebSocket message \"x\"\nThen a WebSocket message is received within 60 seconds", "is received"},
		{"a reply stops in the middle", "And URL path \"/half\"\nWhen the URL is invoked", "the URL is invoked"},
		{"a server takes the connection and says nothing", "And address \"http://SILENT\"\nWhen the URL is invoked", "the URL is invoked"},
		{"TLS is never agreed", "And address \"https://SILENT\"\nWhen the URL is invoked", "the URL is invoked"},
		{"a WebSocket's server says nothing", "And address \"http://SILENT\"\nWhen I connect to the WebSocket", "I connect to the WebSocket"},
		{"a WSX channel says nothing", "And address \"http://SILENT\"\nAnd I use Zato WSX\nAnd I connect to a Zato WSX channel without credentials", "I connect to a Zato WSX"},
		{"an OAuth2 server says nothing", "And OAuth2 endpoint \"http://SILENT/token\"\nAnd OAuth2 credentials \"u\" \"p4ss-word\"\nAnd I store an OAuth2 bearer token under \"t\"", "OAuth2"},
		{"Cassandra does not answer", "And Cassandra contact points \"127.0.0.1\"\nAnd Cassandra port \"SILENT_PORT\"\nAnd I connect to keyspace \"k\" as \"c\"", "I connect to keyspace"},
		{"Redis does not answer", "And Redis \"redis://SILENT/0\"\nAnd the Redis key \"a\" is \"b\"", "Redis"},
		{"an XPath takes long", "And URL path \"/wide\"\nAnd format \"XML\"\nWhen the URL is invoked\nThen XPath \"//b[count(//b[. = '2']) > 0]\" is \"1\"", "XPath"},
		{"a database does not answer", "And I connect to \"postgresql://u:p@SILENT/db\" as \"db\"", "I connect to"},
		{"another database does not answer", "And I connect to \"mysql+pymysql://u:p@SILENT/db\" as \"db\"", "I connect to"},
		{"a query takes long", "And I connect to \"sqlite://\" as \"db\"\nAnd URL path \"/met\"\nWhen the URL is invoked\n" +
			"Given I store \"with recursive t(n) as (select 1 union all select n+1 from t) select max(n) from t\" query result under \"x\", using \"#db\"", "query result"},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, silent, met := takingLong(t) // of its own: what an earlier run still asks for tells nothing of this one
			steps := strings.NewReplacer("SILENT_PORT", port(silent), "SILENT", silent).Replace(c.steps)
			cutOff(t, "And address \""+address+"\"\n"+steps, c.cut, met)
		})
	}
}

// takingLong are a server whose paths take long in several ways, one that takes connections and says nothing, and what is told
// when somebody has come to what takes long.
func takingLong(t *testing.T) (address, silent string, met <-chan struct{}) {
	t.Helper()
	told := make(chan struct{}, 1)
	meet := func() {
		select {
		case told <- struct{}{}:
		default: // it is known already
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hang":
			meet()
			<-r.Context().Done()
		case "/deaf": // it reads one message, and no goodbye
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer func() { _ = c.CloseNow() }()
			if _, _, err := c.Read(r.Context()); err == nil {
				meet()
				<-t.Context().Done()
			}
		case "/met":
			meet()
		case "/half":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			_ = http.NewResponseController(w).Flush()
			meet()
			<-r.Context().Done()
		case "/wide": // so many elements that comparing all with all takes long
			meet()
			w.Header().Set("Content-Type", "text/xml")
			_, _ = fmt.Fprintf(w, "<a>%s</a>", strings.Repeat("<b>1</b>", 10_000))
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	return server.URL, silentServer(t, meet), told
}

// cutOff runs a feature whose second scenario does not end, sends Ctrl-C when it has come to what takes long, and wants it to
// end soon, with a report of what there was. cut is the line that was running.
func cutOff(t *testing.T, steps, cut string, met <-chan struct{}) {
	t.Helper()
	dir := t.TempDir()
	feature := "Feature: cut\n  Scenario: done before\n    Given I store \"x\" under \"y\"\n" +
		"  Scenario: cut off\n    Given I store \"x\" under \"y\"\n" + steps + "\n" +
		"  Scenario: never begun\n    Given I store \"x\" under \"y\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cut.feature"), []byte(feature), 0o600))
	out := &bytes.Buffer{}
	run := exec.Command("apitest", "run", "cut.feature", "--parallel", "1", "--format", "pretty,junit,cucumber,html", "--out", "reports")
	run.Dir, run.Stdout, run.Stderr = dir, out, out
	require.NoError(t, run.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = run.Wait() // its exit code tells
	}()
	select {
	case <-met:
	case <-ended:
		t.Fatalf("it ended by itself:\n%s", out)
	case <-time.After(time.Minute):
		_ = run.Process.Kill()
		t.Fatal("it never came to what takes long")
	}
	select {
	case <-ended:
		t.Fatalf("it ended by itself:\n%s", out)
	case <-time.After(beginsWithin):
	}
	interrupted := time.Now()
	require.NoError(t, run.Process.Signal(os.Interrupt))
	select {
	case <-ended:
	case <-time.After(endsWithin):
		_ = run.Process.Kill()
		<-ended
		t.Fatalf("it goes on %s after Ctrl-C:\n%s", endsWithin, out)
	}
	t.Logf("ended %s after Ctrl-C", time.Since(interrupted).Round(time.Millisecond))
	assert.Equal(t, exitInterrupted, run.ProcessState.ExitCode(), out)
	text := out.String()
	assert.Contains(t, text, "✓ done before")
	assert.Contains(t, text, "- cut off  INTERRUPTED")
	assert.Contains(t, text, "the run was interrupted while this step ran")
	assert.Contains(t, interruptedStep(t, filepath.Join(dir, "reports", "cucumber.json")), cut)
	assert.Contains(t, text, "3 scenarios: 1 passed, 2 skipped")
	assert.Contains(t, text, "Interrupted: this is what had been done by then")
	for _, name := range []string{"junit.xml", "cucumber.json", "report.html"} {
		report, err := os.ReadFile(filepath.Join(dir, "reports", name))
		require.NoError(t, err)
		assert.Contains(t, string(report), "done before", name)
		assert.Contains(t, string(report), "the run was interrupted while this step ran", name)
		assert.Contains(t, string(report), "never begun", name)
	}
}

// interruptedStep is the step that was running when Ctrl-C came, by a report.
func interruptedStep(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var features []struct {
		Elements []struct {
			Steps []struct {
				Name   string
				Result struct {
					Error string `json:"error_message"`
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &features))
	for _, element := range features[0].Elements {
		for _, step := range element.Steps {
			if strings.Contains(step.Result.Error, "the run was interrupted while this step ran") {
				return step.Name
			}
		}
	}
	return ""
}

// port is that of an address.
func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// silentServer accepts connections and never says a word.
func silentServer(t *testing.T, meet func()) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			meet()
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
	return l.Addr().String()
}
