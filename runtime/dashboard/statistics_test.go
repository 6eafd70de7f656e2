package dashboard_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

// asked is what a service was asked last, as JSON.
func asked(t *testing.T, b *backend, name string) string {
	t.Helper()
	calls := b.called(name)
	require.NotEmpty(t, calls, "%s was not called", name)
	text, err := service.AppendJSON(nil, calls[len(calls)-1])
	require.NoError(t, err)
	return string(text)
}

func TestStatisticsAskForTheTimeOfTheAddress(t *testing.T) {
	users := &backend{answers: answers("x")}
	b, _ := serve(t, users)
	b.logIn("anna")
	for _, row := range []struct{ name, query, slowest, series string }{
		{"nothing said", "", `{"kind":"service","last":"hour","n":10,"server":""}`, `{"kind":"service","last":"hour","live":false,"name":"","points":120,"server":""}`},
		{
			"a kind, a server and a length", "?kind=outconn&server=server2&last=year", `{"kind":"outconn","last":"year","n":10,"server":"server2"}`,
			`{"kind":"outconn","last":"year","live":false,"name":"","points":120,"server":"server2"}`,
		},
		{
			"from one moment to another", "?from=2026-11-20T10:00&to=2026-11-20T11:30", `{"from":"2026-11-20T10:00:00Z","kind":"service","n":10,"server":"","to":"2026-11-20T11:30:00Z"}`,
			`{"from":"2026-11-20T10:00:00Z","kind":"service","live":false,"name":"","points":120,"server":"","to":"2026-11-20T11:30:00Z"}`,
		},
		{
			"from a moment until now", "?from=2026-11-20", `{"from":"2026-11-20T00:00:00Z","kind":"service","n":10,"server":""}`,
			`{"from":"2026-11-20T00:00:00Z","kind":"service","live":false,"name":"","points":120,"server":""}`,
		},
		{
			"a minute, whose chart shows a quarter of an hour", "?last=minute", `{"kind":"service","last":"minute","n":10,"server":""}`,
			`{"from":"2026-11-21T11:45:00Z","kind":"service","live":false,"name":"","points":120,"server":""}`,
		},
		{"words that are none", "?kind=x&last=y", `{"kind":"service","last":"hour","n":10,"server":""}`, `{"kind":"service","last":"hour","live":false,"name":"","points":120,"server":""}`},
	} {
		require.Equal(t, http.StatusOK, b.get("/statistics"+row.query).status, row.name)
		assert.JSONEq(t, row.slowest, asked(t, users, "parley.stats.slowest"), row.name)
		assert.JSONEq(t, row.slowest, asked(t, users, "parley.stats.most-used"), row.name)
		assert.JSONEq(t, row.series, asked(t, users, "parley.stats.series"), row.name)
	}
	for query, want := range map[string]string{
		"?from=tomorrow": "from: expected a time in UTC such as 2026-11-21T17:05, not &#34;tomorrow&#34;",
		"?from=2026-11-20T10:00&to=2026-11-20T09:00": "the time ends at 2026-11-20T09:00, before it begins at 2026-11-20T10:00",
		"?to=2026-11-20T09:00":                       "from: expected a time in UTC",
	} {
		got := b.get("/statistics" + query)
		assert.Equal(t, http.StatusBadRequest, got.status, query)
		assert.Contains(t, got.body, want)
		assert.Contains(t, got.body, `id="from"`, "the form is still there")
	}
}

func TestChartsWithoutJavaScript(t *testing.T) {
	said := answers("x")
	point := func(at string, usage int, mean float64) o {
		return o{"at": at, "usage": usage, "rate": float64(usage) / 60, "mean_ms": mean, "p95_ms": 2 * mean, "p99_ms": 4 * mean}
	}
	said["parley.stats.series"] = o{"from": "2026-11-21T11:00:00Z", "to": "2026-11-21T11:05:00Z", "slot_seconds": 60, "points": []any{
		point("2026-11-21T11:00:00Z", 60, 10), point("2026-11-21T11:01:00Z", 120, 20), point("2026-11-21T11:02:00Z", 0, 0), point("2026-11-21T11:03:00Z", 60, 5), point("2026-11-21T11:04:00Z", 0, 0),
	}}
	b, _ := serve(t, &backend{answers: said})
	b.logIn("anna")
	page := b.get("/statistics").body
	assert.Contains(t, page, `<path class="l1" d="M0.0 81.0h.1L150.0 2.0L300.0 160.0L450.0 81.0L600.0 160.0"/>`, "requests: a slot without any is 0")
	assert.Contains(t, page, `<path class="l1" d="M0.0 140.2h.1L150.0 120.5M450.0 150.1h.1"/>`, "times: a slot without a request is a gap, one alone a dot")
	assert.Contains(t, page, `aria-label="How long they took: p99 up to 80 ms, p95 up to 40 ms, mean up to 20 ms"`)
	assert.Contains(t, page, `data-columns="[[1795258800,1795258860,1795258920,1795258980,1795259040],[1,2,0,1,0],[0,0,0,0,0],[10,20,null,5,null],[20,40,null,10,null],[40,80,null,20,null]]"`)
	assert.Contains(t, page, "The figures behind it, a minute each")

	said["parley.stats.slowest"] = o{"from": "2026-11-21T11:00:00Z", "to": "2026-11-21T12:00:00Z", "all_usage": 0, "items": []any{}}
	page = b.get("/statistics?server=server1").body
	assert.Contains(t, page, "No request in the last hour on server1.")
	assert.NotContains(t, page, "<figure")
}

func TestFiguresAsFiles(t *testing.T) {
	said := answers("x")
	said["parley.stats.summary"] = o{"all_usage": 3, "items": []any{
		o{"name": `=HYPERLINK("http://evil")`, "usage": 2, "mean_ms": 0.5, "usage_trend": []int{0, 2}}, o{"name": "a,b \"c\"", "usage": 1, "mean_ms": -1.25, "usage_trend": []int{1, 0}},
	}}
	users := &backend{answers: said}
	b, _ := serve(t, users)
	b.logIn("anna")
	csv := b.get("/statistics/download?format=csv&kind=channel&last=day")
	assert.Equal(t, "mean_ms,name,usage,usage_trend\n0.5,\"'=HYPERLINK(\"\"http://evil\"\")\",2,0 2\n-1.25,\"a,b \"\"c\"\"\",1,1 0\n", csv.body, "no spreadsheet runs a name")
	assert.Equal(t, "text/csv; charset=utf-8", csv.header.Get("Content-Type"))
	assert.Equal(t, "attachment; filename=statistics-channel.csv", csv.header.Get("Content-Disposition"))
	assert.JSONEq(t, `{"kind":"channel","last":"day","server":""}`, asked(t, users, "parley.stats.summary"))
	file := b.get("/statistics/download?format=json")
	assert.Contains(t, file.body, `"all_usage":3`)
	for path, status := range map[string]int{
		"/statistics/download?format=xml": 400, "/statistics/download?format=csv&from=x": 400, "/statistics/one/download?format=csv&name=x": 200,
		"/statistics/compare/download?format=csv": 200, "/statistics/compare/download?format=json&other_from=x": 400, "/statistics/requests/download?format=csv&what=samples": 200,
	} {
		assert.Equal(t, status, b.get(path).status, path)
	}
}

func TestLogsOfOneService(t *testing.T) {
	said := answers("x")
	attribute := func(value string) []any { return []any{o{"name": "service", "value": value}} }
	said["parley.server.logs"] = o{"next": "server1@9", "lines": []any{
		o{"at": "2026-11-21T11:00:00.5Z", "server": "server1", "level": "INFO", "message": "first", "cid": "c1", "attributes": attribute("crm.get")},
		o{"at": "2026-11-21T11:00:01Z", "server": "server1", "level": "ERROR", "message": "other", "attributes": attribute("crm.get-all")},
		o{"at": "2026-11-21T11:00:02Z", "server": "server2", "level": "WARN", "message": "second", "attributes": attribute("crm.get")},
	}}
	users := &backend{answers: said}
	b, _ := serve(t, users)
	b.logIn("anna")
	page := b.get("/logs?service=crm.get&level=INFO&server=server1&since=2026-11-21T10:00").body
	assert.JSONEq(t, `{"cid":"","contains":"crm.get","level":"INFO","limit":200,"server":"server1","since":"2026-11-21T10:00:00Z"}`, asked(t, users, "parley.server.logs"))
	assert.NotContains(t, page, "other", "a service whose name begins alike")
	assert.Less(t, strings.Index(page, ">second<"), strings.Index(page, ">first<"), "newest first")
	assert.Contains(t, page, `11:00:00.500</time>`)
	assert.Contains(t, page, `data-follow="/logs/stream?after=server1%409&amp;level=INFO&amp;server=server1&amp;service=crm.get"`)

	page = b.get("/logs?cid=c1").body
	assert.Less(t, strings.Index(page, ">first<"), strings.Index(page, ">second<"), "the story of one request, as it went")

	said["parley.server.logs"] = service.Errorf(service.Invalid, "since: expected a time")
	got := b.get("/logs?since=soon")
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.body, `value="soon"`, "what was typed stays")
}

func TestAuditPages(t *testing.T) {
	said := answers("x")
	var rows []any
	for i := range 101 {
		rows = append(rows, o{"revision": 500 - i, "at": "2026-11-21T11:00:00Z", "who": "anna", "what": "put", "changes": []any{o{"kind": "channel_rest", "name": "A", "action": "put", "hash_before": "a", "hash_after": "b"}}})
	}
	said["parley.audit.list"] = rows
	users := &backend{answers: said}
	b, _ := serve(t, users)
	b.logIn("anna")
	page := b.get("/audit?kind=channel_rest").body
	assert.JSONEq(t, `{"kind":"channel_rest","limit":101,"name":"","up_to":0}`, asked(t, users, "parley.audit.list"))
	assert.Contains(t, page, `href="/audit?before=401&amp;kind=channel_rest"`)
	assert.NotContains(t, page, "revision=400\"", "it is on the next page")
	b.get("/audit?before=401&kind=channel_rest")
	assert.JSONEq(t, `{"kind":"channel_rest","limit":101,"name":"","up_to":400}`, asked(t, users, "parley.audit.list"))

	said["parley.audit.list"] = []any{o{"revision": 5, "at": "2026-11-21T11:00:00Z", "changes": []any{o{"kind": "channel_rest", "name": "A", "action": "put", "hash_before": "a", "hash_after": "b"}}}}
	assert.Contains(t, b.get("/audit/change?revision=5").body, "Of definitions the log keeps hashes, not what was in them")
	assert.Equal(t, http.StatusNotFound, b.get("/audit/change?revision=7").status, "the log has none of that revision")
	assert.Equal(t, http.StatusBadRequest, b.get("/audit/change?revision=x").status)

	said["parley.audit.verify"] = o{"rows": 5, "revision": 5, "chain": "abc", "problems": []any{}}
	assert.Contains(t, b.post("/audit", "do", "verify").body, "Nothing was tampered with.")
	said["parley.audit.verify"] = o{"rows": 5, "problems": []any{"row 3 was changed"}}
	assert.Contains(t, b.post("/audit", "do", "verify", "chain", " abc ").body, "<li>row 3 was changed</li>")
	assert.JSONEq(t, `{"chain":"abc"}`, asked(t, users, "parley.audit.verify"))
}

func TestAFileIsUploaded(t *testing.T) {
	users := &backend{answers: answers("x")}
	b, _ := serve(t, users)
	b.logIn("anna")
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(b.get("/config").body)[1]
	upload := func(content string) (int, string) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		require.NoError(t, w.WriteField("token", token))
		require.NoError(t, w.WriteField("do", "diff"))
		part, err := w.CreateFormFile("file", "bank.yaml")
		require.NoError(t, err)
		_, err = io.WriteString(part, content)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/config", &body)
		require.NoError(t, err)
		req.Header.Set("Content-Type", w.FormDataContentType())
		res, err := b.Do(req)
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(raw)
	}
	status, page := upload("channel_rest: []\n")
	require.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"dialect":"","files":[{"name":"bank.yaml","content":"channel_rest: []\n"}]}`, asked(t, users, "parley.enmasse.diff"))
	assert.Contains(t, page, "What an import would do")
	for content, want := range map[string]string{"\xff\xfe": "bank.yaml is not text in UTF-8", "": "no file was given; choose one, or paste its text"} {
		status, page := upload(content)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Contains(t, page, want)
	}
	assert.Empty(t, users.called("parley.enmasse.import"))
}

func TestWhichSingleRequestsAreKept(t *testing.T) {
	users := &backend{answers: answers("x")}
	b, _ := serve(t, users)
	b.logIn("anna")
	assert.Equal(t, "/statistics/requests?service=x", b.post("/statistics/requests", "watched", " x ", "slow_ms", "500", "every", "").header.Get("Location"))
	assert.JSONEq(t, `{"service":"x","slow_ms":500}`, asked(t, users, "parley.stats.watch"), "what is left out stays as it is")
	assert.Contains(t, b.get("/").body, "Kept of x: requests from 500 ms up, no samples.")
	got := b.post("/statistics/requests", "watched", "x", "every", "often")
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.body, fmt.Sprintf("every: expected a whole number, not %s", "&#34;often&#34;"))

	none := answers("x")
	none["parley.stats.watches"], none["parley.stats.slow-requests"] = []any{}, []any{}
	b, _ = serve(t, &backend{answers: none})
	b.logIn("anna")
	unset := b.get("/statistics/requests").body
	assert.Contains(t, unset, "None are kept yet: see below.")
	assert.Contains(t, unset, "No request is kept until somebody says which are slow, or how many to sample.")

	looks := &backend{answers: answers("x"), may: func(_, name string) bool {
		return name != "parley.stats.slow-requests" && name != "parley.stats.samples"
	}}
	b, _ = serve(t, looks)
	b.logIn("victor")
	page := b.get("/statistics/one?name=x").body
	assert.NotContains(t, page, "Slow requests")
	assert.NotContains(t, page, "/statistics/requests")
	assert.Empty(t, looks.called("parley.stats.slow-requests"))
}
