package steps_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/steps"
)

func mockRows() []thenRow {
	return []thenRow{
		{toMocks, `the CRM received 1 request`, ""},
		{toMocks, `the CRM received 2 requests`, "the CRM mock received another number\n  expected: 2\n  got:      1"},
		{toMocks, `the CRM received 2 requests within 0.2 seconds`, "still so after 0.2 seconds"},
		{toMocks, `the CRM received 1 message`, ""},
		{toMocks, `the fraud detection system received 1 message within 0.1 seconds`, "the Fraud detection mock received another number"},
		{toMocks, `the ERP received 1 message`, `no mock is called "ERP"`},
		{toMocks, `the fraud detection system receives nothing for 0.1 seconds`, ""},
		{toMocks, `the CRM receives nothing for 0.1 seconds`, "the CRM mock received something"},
		{counted, `its message has JSON Pointer "/name" "Sean"`, ""},
		{counted, `its message has JSON Pointer "/name" "Joe"`, `expected: "Joe"`},
		{counted, `its message has JSON Pointer "/none" "Joe"`, "there is no such value"},
		{toMocks, `its message has JSON Pointer "/name" "Sean"`, "no message to look at"},
		{counted, `its request has JSON Pointer "/name" "Sean"`, ""},
		{counted, `its request has JSON Pointer "/name" "Joe"`, `expected: "Joe"`},
		{counted, `its message has JSON Pointer "/id" that is JSON "7"`, ""},
		{counted, `its message has JSON Pointer "/id" that is JSON "8"`, "expected: 8"},
		{counted, `its request has JSON Pointer "/id" that is JSON "7"`, ""},
		{counted, `its request has JSON Pointer "/id" that is JSON "8"`, "expected: 8"},
		{counted, `its message has JSON Pointer "/text" that is a text of JSON "{"a": 1}"`, ""},
		{counted, `its message has JSON Pointer "/text" that is a text of JSON "{"a": 2}"`, "at /a\n    expected: 2\n    got:      1"},
		{counted, `its message has JSON Pointer "/id" that is a text of JSON "7"`, "is no text"},
		{counted, `its message has JSON Pointer "/when" that is a time of the last 100 seconds`, ""},
		{counted, `its message has JSON Pointer "/old" that is a time of the last 100 seconds`, "is another time"},
		{counted, `its message has JSON Pointer "/name" that is a time of the last 100 seconds`, "is no time"},
		{counted, `its request has header "X-Parley-CID" "c1"`, ""},
		{counted, `its request has header "X-Parley-CID" "c2"`, `expected: "c2"`},
		{counted, `its request has header "X-None" "c2"`, `received no header "X-None"`},
		{toMocks, `no unexpected call was received`, ""},
		{unknown, `no unexpected call was received`, "CRM received GET /get-nobody"},
	}
}

func loadRows() []thenRow {
	const (
		good = "Given URL path \"/json\"\nWhen I send 500 requests per second in the background\n"
		bad  = "Given URL path \"/missing\"\nWhen I send 500 requests per second in the background\n"
	)
	return []thenRow{
		{good, "at least 20 requests were answered within 5 seconds\nAnd no request failed", ""},
		{good, `at least 0 requests were answered`, "at least 0 requests are always answered, so this step asserts nothing"},
		{bad, `at least 20 requests were answered within 0.2 seconds`, "fewer requests were answered"},
		{good + "Then at least 20 requests were answered within 5 seconds\nWhen the background requests stop\n", `no request failed`, ""},
		{good + "And the background requests stop\n", `no request failed`, ""},
		{bad + "Then I sleep for \"0.1\"\n", `no request failed`, "404 Not Found"},
		{"Given URL path \"/json\"\n", `no request failed`, "no requests were sent in the background"},
	}
}

func TestThenOfMocks(t *testing.T) {
	t.Setenv("NOW", time.Now().UTC().Format("2006-01-02T15:04:05.000000"))
	checkRows(t, mockRows(), `Given format "RAW"`, steps.Options{})
}

func TestThenOfLoad(t *testing.T) {
	t.Setenv("SERVER", sampleServer(t))
	checkRows(t, loadRows(), `Given address "$SERVER"`, steps.Options{})
}

func clusterRows() []thenRow {
	const (
		one     = "Given service file \"version/v1/version.star\" is deployed\n"
		refused = one + "When deploying \"refused/syntax.star\" is tried\n"
		pinged  = "Given URL path \"/parley/ping\"\nWhen I send 20 requests per second for 0.5 seconds\n"
		taken   = one + "When deploying \"version/v1/version.star\" is tried\n"
	)
	return []thenRow{
		{one, `server 1 answers`, ""},
		{one, `server 2 answers`, "there is no server 2"},
		{one, `server 1 does not answer`, "server 1 answers"},
		{"When server 1 is killed\n", `server 1 answers`, "server 1 does not answer"},
		{"When server 1 is stopped\n", "server 1 does not answer", ""},
		{"When server 1 is restarted\n", `server 1 answers within 5 seconds`, ""},
		{one, `all servers are at the same revision`, ""},
		{"When server 1 is stopped\n", `all servers are at the same revision`, "the servers are not at the same revision"},
		{refused, `it is refused with "syntax.star:4:"`, ""},
		{refused, `it is refused with "syntax.star:9:"`, "was refused with other words"},
		{taken, `it is refused with "syntax.star:9:"`, "was not refused"},
		{one, `it is refused with "syntax.star:9:"`, "nothing was tried"},
		{taken, `it is accepted`, ""},
		{refused, `it is accepted`, "was refused"},
		{one, `service "demo.version" is deployed`, ""},
		{one, `service "demo.none" is deployed`, `service "demo.none" is not deployed`},
		{one + "When service \"demo.version\" is undeployed\n", `service "demo.version" is not deployed`, ""},
		{one, `service "demo.version" is not deployed`, `service "demo.version" is deployed`},
		{pinged, `server 1 answered at least 10 requests`, ""},
		{pinged, `server 1 answered at least 11 requests`, "server1 answered too few requests"},
		{pinged, `server 2 answered at least 1 request`, "there is no server 2"},
		{pinged, `every server answered at least 10 requests`, ""},
		{pinged, `every server answered at least 11 requests`, "at least 11\n  got:      server1 10"},
		{one, `the log of server 1 contains "server is ready"`, ""},
		{one, `the log of server 1 contains "no such words"`, "the text is not in the log"},
		{one, `the servers' logs contain "server is ready"`, ""},
		{one, `the servers' logs contain "no such words"`, "the text is not in the log"},
	}
}

func TestThenOfClusters(t *testing.T) {
	binary, err := fixtures.Binary()
	if err != nil {
		binary, err = fixtures.Build(t.Context(), t.TempDir())
	}
	require.NoError(t, err)
	checkRows(t, clusterRows(), `Given a cluster of 1 server`, steps.Options{Spec: fixtures.Spec{Binary: binary}})
}
