package dashboard_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

type o = map[string]any

// hostile is a text as nobody should store it, and everybody may.
const hostile = `"'><script>alert(1)</script></textarea></title><img src=x onerror=alert(2)>{{.}}javascript:alert(3)`

// answers are what all services say of a small cluster, in which every text that a user may store is text.
func answers(text string) map[string]any {
	now := "2026-11-21T11:59:58Z"
	line := o{
		"name": text, "usage": 7, "errors": 1, "rate": 0.5, "mean_ms": 2.5, "p50_ms": 2.0, "p95_ms": 4.0, "p99_ms": 5.0, "max_ms": 6.0, "time_ms": 17.5,
		"usage_share": 100, "time_share": 100, "usage_trend": []int{1, 6}, "mean_trend": []float64{1, 3},
	}
	report := o{"from": now, "to": now, "all_usage": 7, "all_time_ms": 17.5, "slot_seconds": 60, "items": []any{line}}
	fields := []any{
		o{"name": text, "type": "text", "required": true, "doc": text, "default": text, "example": text},
		o{"name": "n", "type": "int"},
		o{"name": "d", "type": "dict", "doc": text},
		o{"name": "b", "type": "bool"},
		o{"name": "pin", "type": "text", "secret": true, "default": "1234"},
	}
	key := func(name, kind string, secret, within bool) any {
		return o{"name": name, "type": kind, "default": `""`, "doc": text, "secret": secret, "within": within}
	}
	return map[string]any{
		"parley.cluster.members": []any{
			o{"name": "server1", "address": text, "seen_at": now, "counts": true, "revision": 5, "hash": text, "quarantined": []any{o{"object": text, "error": text}}, "problem": text},
			o{"name": "server2", "address": "h:2", "seen_at": now, "counts": false, "revision": 4, "hash": "b"},
		},
		"parley.server.list": []any{o{"name": "server1", "address": text, "state": "draining"}, o{"name": "server2", "state": "down", "restarts": 2}},
		"parley.balancer.stats": o{
			"kind": text, "error": text, "totals": o{"requests": 7}, "servers": []any{o{"name": text, "state": "up", "error": text, "weight": 100}},
		},
		"parley.server.info":     o{"name": "server1", "kvdb": text, "channels": []any{o{"kind": "channel_zmq", "name": text, "problem": text}}},
		"parley.stats.summary":   report,
		"parley.stats.slowest":   report,
		"parley.stats.most-used": report,
		"parley.stats.series": o{"from": now, "to": now, "slot_seconds": 60, "points": []any{
			o{"at": now, "usage": 6, "errors": 1, "rate": 0.1, "mean_ms": 2.5, "p50_ms": 2.0, "p95_ms": 4.0, "p99_ms": 5.0, "max_ms": 6.0}, o{"at": now, "usage": 1, "rate": 0.02, "mean_ms": 2.5, "p95_ms": 4, "p99_ms": 5},
		}},
		"parley.stats.samples":       []any{o{"service": text, "at": now, "cid": text, "server": text, "channel": text, "ms": 2.5, "failed": true, "request": text, "response": text}},
		"parley.stats.watches":       []any{o{"service": text, "slow_ms": 500, "every": 10}},
		"parley.stats.watch":         o{"service": text, "slow_ms": 500, "every": 0},
		"parley.stats.compare":       o{"from": now, "to": now, "other_from": now, "other_to": now, "items": []any{o{"name": text, "usage": 1, "other_usage": 2, "usage_change": -50.0, "mean_ms": 1.5, "other_mean_ms": 1, "mean_change": 50.0}}},
		"parley.stats.slow-requests": []any{o{"service": text, "at": now, "cid": text, "server": text, "channel": text, "ms": 2.5}},
		"parley.service.list":        []any{o{"name": text, "file": text, "doc": text}},
		"parley.service.get": o{
			"name": text, "file": text, "doc": text, "declared": true, "input": fields, "output": fields,
			"channels": []any{o{"kind": "channel_rest", "name": text, "path": text, "methods": []any{text}, "is_active": true}},
		},
		"parley.service.source":  o{"file": text, "source": "line 1\n" + text, "revision": 5, "services": []any{text}},
		"parley.service.history": o{"file": text, "items": []any{o{"revision": 5, "at": now, "who": text, "action": "put", "hash": text, "kept": true, "current": true}, o{"revision": 4, "at": now, "who": text, "action": "put", "hash": text, "kept": true}}},
		"parley.service.invoke":  o{text: text},
		"parley.kinds.list": []any{
			o{"name": "channel_rest", "group": "channels", "doc": text, "example": text, "fields": []any{
				key("is_active", "true or false", false, false),
				o{"name": "service", "type": "text", "required": true, "doc": text, "names": "services"},
				o{"name": "security", "type": "text", "default": `""`, "names": "security"},
				o{"name": "order", "type": "text", "default": `"x"`, "choices": []any{"", "x", text}},
				o{"name": "only", "type": "text", "default": `"one"`, "choices": []any{"one"}},
				key("timeout", `seconds or a text such as "500ms"`, false, false),
				key("methods", "a list of text", false, false), key("headers", "an object", false, true), key("password", "text", true, false), key("size", "an integer", false, false),
			}},
			o{"name": "outgoing_rest", "group": "outconns", "doc": text, "fields": []any{}},
			o{"name": "security_basic_auth", "group": "security", "doc": text, "fields": []any{}},
			o{"name": "rate_limit", "group": "rules", "doc": text, "fields": []any{}},
			o{"name": "adapter_json", "group": "adapters", "doc": text, "fields": []any{}},
			o{"name": "admin_user", "group": "users", "doc": text, "fields": []any{}},
		},
		"parley.object.list": []any{o{"kind": "channel_rest", "name": text, "is_active": true, "service": text}},
		"parley.object.get": o{"kind": "channel_rest", "name": text, "revision": 5, "config": o{
			"is_active": true, "service": text, "timeout": text, "methods": []any{text, "GET"}, "headers": o{text: text}, "password": "(kept)", "size": 5,
		}},
		"parley.outconn.ping":   o{"info": text},
		"parley.kvdb.execute":   []any{text, o{text: text}},
		"parley.server.logs":    o{"lines": []any{o{"at": now, "server": text, "level": text, "message": text, "cid": text, "attributes": []any{o{"name": text, "value": text}}}}, "unread": []any{o{"server": text, "error": text}}},
		"parley.audit.list":     []any{o{"revision": 5, "at": now, "who": text, "what": text, "cid": text, "chain": text, "changes": []any{o{"kind": text, "name": text, "action": "put", "hash_before": text, "hash_after": text}, o{"kind": "service_file", "name": text, "action": "put", "hash_after": text}}}},
		"parley.audit.verify":   o{"rows": 5, "revision": 5, "chain": text, "problems": []any{text}},
		"parley.enmasse.export": o{"revision": 5, "content": text},
		"parley.enmasse.diff": o{"revision": 5, "left_out": []any{text}, "differences": []any{
			o{"kind": text, "name": text, "action": "change", "keys": []any{o{"key": text, "before": text, "after": text}}}, o{"kind": text, "name": text, "action": "delete"},
		}},
		"parley.enmasse.import": o{"revision": 6, "created": []any{o{"name": text}}, "behind": []any{text}},
		"parley.cache.clear":    o{"items": []any{o{"replies": 2}, o{"replies": 1}}, "unasked": []any{o{"server": text, "error": text}}},
		"parley.object.edit":    o{"revision": 6, "behind": []any{text}},
		"parley.object.create":  o{"revision": 6},
		"parley.object.delete":  o{"revision": 6},
		"parley.service.deploy": o{"revision": 6, "services": []any{text}, "gone": []any{text}, "silent": []any{text}, "servers": []any{o{"server": text, "ok": false, "error": text}}},
	}
}

// all are the addresses of all pages, of things called name.
func all(name string) []string {
	q := url.QueryEscape(name)
	return []string{
		"/", "/services", "/services?q=" + q + "&sort=" + q, "/service?name=" + q, "/file", "/file?name=" + q, "/file?name=" + q + "&revision=4", "/invoke?service=" + q,
		"/invoke?raw=1&service=" + q, "/channels", "/channels?q=" + q, "/outconns", "/security", "/rules", "/adapters", "/users", "/object?kind=channel_rest&name=" + q,
		"/object?kind=channel_rest&new=1&service=" + q, "/kvdb", "/statistics", "/statistics?kind=" + q + "&server=" + q, "/statistics?from=" + q,
		"/statistics/one?name=" + q, "/statistics/compare?sort=" + q + "&other_from=" + q, "/statistics/requests?service=" + q, "/statistics/requests?what=samples", "/audit/change?revision=5", "/logs", "/logs?cid=" + q + "&contains=" + q,
		"/audit", "/audit?kind=" + q + "&name=" + q, "/config", "/config?read=1", "/nowhere" + "?x=" + q,
	}
}

var (
	inline   = regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|<[a-z]+[^>]*\s(?:style|on[a-z]+)\s*=\s*["']`)
	external = regexp.MustCompile(`(?i)(?:src|href|action)="(?:[a-z]+:)?//`)
)

// safe says what is wrong with a page that shows text.
func safe(t *testing.T, where, page, text string) {
	t.Helper()
	for _, never := range []string{"<script>alert", "<img src=x", "{{.}}<", "ZgotmplZ"} {
		assert.NotContains(t, page, never, where)
	}
	assert.Empty(t, inline.FindString(page), "%s: the Content-Security-Policy would refuse it", where)
	assert.Empty(t, external.FindString(page), "%s: it asks for something elsewhere", where)
	for _, m := range regexp.MustCompile(`(?:href|action)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		assert.True(t, strings.HasPrefix(m[1], "/") || m[1] == "#main", "%s: %s", where, m[1])
	}
}

func TestHostileTexts(t *testing.T) {
	users := &backend{answers: answers(hostile), role: hostile}
	b, _ := serve(t, users)
	b.logIn(hostile)
	for _, path := range all(hostile) {
		got := b.get(path)
		require.NotEqual(t, http.StatusInternalServerError, got.status, "%s: %s", path, got.body)
		safe(t, path, got.body, hostile)
		assert.Contains(t, got.body, "&lt;script&gt;alert(1)", "%s does not even show it", path)
	}
	for name, form := range map[string][]string{
		"/file":                {"name", "a.star", "source", hostile, "do", "deploy"},
		"/invoke":              {"service", "a", "f.n", hostile, "f.d", hostile},
		"/kvdb":                {"command", "GET x"},
		"/outconns":            {"name", hostile},
		"/object":              {"kind", "channel_rest", "name", hostile, "k.timeout", hostile, "k.headers", hostile},
		"/audit":               {"x", "y"},
		"/statistics/requests": {"watched", hostile, "slow_ms", "500"},
		"/config":              {"content", hostile, "name", hostile},
	} {
		got := b.post(name, form...)
		safe(t, "POST "+name, got.body, hostile)
		safe(t, "after POST "+name, b.get("/").body, hostile)
	}
	users.answers = map[string]any{}
	for _, s := range []string{"parley.cluster.members", "parley.service.list", "parley.service.get", "parley.kinds.list", "parley.server.logs"} {
		users.answers[s] = service.Errorf(service.Conflict, "%s", hostile)
	}
	for _, path := range all(hostile) {
		safe(t, "refused "+path, b.get(path).body, hostile)
	}
}

func TestEveryPageIsServedSafely(t *testing.T) {
	b, _ := serve(t, &backend{answers: answers("plain"), role: "admin"})
	door := b.get("/log-in")
	b.logIn("anna")
	paths := append(all("plain"), "/assets/style.css")
	for _, path := range paths {
		got := b.get(path)
		policy := got.header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'self'", path)
		assert.NotContains(t, policy, "unsafe", path)
		assert.Contains(t, policy, "frame-ancestors 'none'", path)
		assert.Equal(t, "nosniff", got.header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "same-origin", got.header.Get("Referrer-Policy"), path)
		assert.Equal(t, "no-store", got.header.Get("Cache-Control"), path)
		if strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			safe(t, path, got.body, "plain")
			for _, want := range []string{`<html lang="en">`, `<a class="skip" href="#main">`, `<main id="main"`, `<nav aria-label="Main">`, `<h1`, "Log out"} {
				assert.Contains(t, got.body, want, path)
			}
			assert.Equal(t, 1, strings.Count(got.body, "<h1"), path)
			labelled(t, path, got.body)
		}
	}
	safe(t, "/log-in", door.body, "plain")
}

// labelled finds fields that no label is of, and buttons without a word.
func labelled(t *testing.T, path, page string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`<(?:input|select|textarea)\b[^>]*>`).FindAllString(page, -1) {
		if strings.Contains(m, `type="hidden"`) || strings.Contains(m, `type="checkbox"`) {
			continue
		}
		id := regexp.MustCompile(`\bid="([^"]*)"`).FindStringSubmatch(m)
		if assert.NotNil(t, id, "%s: %s", path, m) {
			assert.Contains(t, page, `<label for="`+id[1]+`"`, path)
		}
	}
}

func TestARoleSeesWhatItMay(t *testing.T) {
	looks := func(_, name string) bool {
		for _, ends := range []string{"execute", "invoke", "deploy", "undeploy", "roll-back", "create", "edit", "delete", "ping", "drain", "ready", "import", "diff", "slow-requests"} {
			if strings.HasSuffix(name, "."+ends) {
				return false
			}
		}
		return true
	}
	b, _ := serve(t, &backend{answers: answers("plain"), role: "viewer", may: looks})
	b.logIn("victor")
	for path, never := range map[string][]string{
		"/":         {">Drain<", ">Ready<", ">KVDB<"},
		"/services": {"Deploy a file"}, "/service?name=plain": {">Invoke<", "Slowest requests"}, "/file?name=plain": {"<textarea", ">Undeploy<"},
		"/file?name=plain&revision=4": {"Roll back"}, "/channels": {"Make one"}, "/outconns": {">Ping<"}, "/object?kind=channel_rest&name=plain": {">Save<", ">Delete<", "<textarea"},
		"/config": {"Show what would change"},
	} {
		got := b.get(path)
		require.Equal(t, http.StatusOK, got.status, path)
		for _, one := range never {
			assert.NotContains(t, got.body, one, path)
		}
	}
	assert.Equal(t, http.StatusForbidden, b.get("/kvdb").status)
	assert.Contains(t, b.get("/file?name=plain").body, "line 1", "the source can be read")
}

func TestIsAllWell(t *testing.T) {
	server := func(name string, change o) o {
		one := o{"name": name, "address": "h:1", "seen_at": "2026-11-21T11:59:58Z", "counts": true, "revision": 5, "hash": "aaaa"}
		for k, v := range change {
			one[k] = v
		}
		return one
	}
	for _, row := range []struct {
		name    string
		members []any
		list    []any
		verdict string
		want    []string
	}{
		{"all is well", []any{server("server1", nil), server("server2", nil)}, []any{o{"name": "server1", "state": "up"}, o{"name": "server2", "state": "up"}}, "All is well", []string{"2 of 2", "2 servers are up at revision 5"}},
		{"one never came up", []any{server("server1", nil)}, []any{o{"name": "server1", "state": "up"}, o{"name": "server2", "state": "down"}}, "No: 1 thing needs you", []string{"1 of 2", "server2 is down."}},
		{"one is behind", []any{server("server1", nil), server("server2", o{"revision": 4})}, nil, "Almost", []string{"server2 is behind.", "revision 4 of 5"}},
		{"one drains", []any{server("server1", nil), server("server2", o{"draining": true})}, nil, "Almost", []string{"server2 is draining."}},
		{"one is silent", []any{server("server1", nil), server("server2", o{"counts": false})}, nil, "No: 1 thing needs you", []string{"server2 is silent.", "last seen at 11:59:58 UTC"}},
		{"one has other content", []any{server("server1", nil), server("server2", o{"hash": "bbbb"})}, nil, "No: 1 thing needs you", []string{"server1 and server2 serve different content."}},
		{"one does not run a service", []any{server("server1", o{"quarantined": []any{o{"object": "service_file a.star", "error": "a.star:1:1: no"}}})}, nil, "No: 1 thing needs you", []string{"server1 does not run service_file a.star.", "a.star:1:1: no"}},
		{"nobody is up", []any{}, []any{o{"name": "server1", "state": "down"}}, "No: 2 things need you", []string{"No server takes requests."}},
	} {
		said := map[string]any{
			"parley.cluster.members": row.members, "parley.server.info": o{"name": "server1", "kvdb": ""},
			"parley.stats.summary": o{"items": []any{}}, "parley.balancer.stats": o{"kind": "embedded", "totals": o{"requests": 12345}},
		}
		if row.list != nil {
			said["parley.server.list"] = row.list
		}
		b, _ := serve(t, &backend{answers: said, may: func(_, name string) bool { return row.list != nil || name != "parley.server.list" }})
		b.logIn("anna")
		got := b.get("/").body
		assert.Contains(t, got, "<h1>"+row.verdict+"</h1>", row.name)
		for _, want := range row.want {
			assert.Contains(t, got, want, row.name)
		}
	}
}

func TestARefusedFileIsShownAtItsLine(t *testing.T) {
	said := answers("a.star")
	said["parley.service.deploy"] = service.Errorf(service.Invalid, "a.star:2:7: got newline, want ')'\na.star:4:1: undefined: x")
	users := &backend{answers: said}
	b, _ := serve(t, users)
	b.logIn("anna")
	got := b.post("/file", "name", "a.star", "source", "one\r\ntwo (\r\nthree\r\nfour\r\n", "do", "deploy")
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Contains(t, got.body, `<li class="refused"><span class="n">2</span><span>two (</span><span class="why">column 7: got newline, want &#39;)&#39;</span></li>`)
	assert.Contains(t, got.body, `<li class="refused"><span class="n">4</span><span>four</span><span class="why">column 1: undefined: x</span></li>`)
	assert.Contains(t, got.body, `data-refused="2"`)
	assert.Contains(t, got.body, "\none\ntwo (\nthree\nfour\n</textarea>", "what was typed is not lost")
	sent := users.called("parley.service.deploy")[0].(*service.Object).Value("files").([]any)[0].(*service.Object)
	assert.Equal(t, "one\ntwo (\nthree\nfour\n", sent.Text("source"), "browsers give lines other ends")
}

func TestAFormOfAServicesInput(t *testing.T) {
	users := &backend{answers: answers("cust")}
	b, _ := serve(t, users)
	b.logIn("anna")
	page := b.get("/invoke?service=cust").body
	assert.Contains(t, page, `name="f.cust"`)
	assert.Contains(t, page, `<input id="f.pin" name="f.pin" type="password"`)
	assert.NotContains(t, page, "1234", "the default of a secret")

	got := b.post("/invoke", "service", "cust", "f.cust", "Ann", "f.n", "5", "f.d", `{"b": [1, 2.5, 12345678901234567890], "a": null}`, "f.b", "true", "f.pin", "")
	require.Equal(t, http.StatusOK, got.status)
	in := users.called("parley.service.invoke")[0].(*service.Object)
	payload, err := service.AppendJSON(nil, in.Value("payload"))
	require.NoError(t, err)
	assert.Equal(t, `{"cust":"Ann","n":5,"d":{"b":[1,2.5,12345678901234567890],"a":null},"b":true}`, string(payload))
	assert.Contains(t, got.body, "&#34;cust&#34;: &#34;cust&#34;", "the answer")
	assert.Contains(t, got.body, `value="Ann"`, "what was typed stays")

	for text, want := range map[string]string{`{"a":`: "d: expected JSON: it ends too early", `{} {}`: "d: expected JSON: there is something behind its end"} {
		assert.Contains(t, b.post("/invoke", "service", "cust", "f.d", text).body, want)
	}
}

func TestAFormOfADefinition(t *testing.T) {
	users := &backend{answers: answers("A")}
	b, _ := serve(t, users)
	b.logIn("anna")
	page := b.get("/object?kind=channel_rest&name=A").body
	assert.NotContains(t, page, "(kept)")
	assert.Contains(t, page, `placeholder="kept; type to change it"`)
	assert.Contains(t, page, "A\nGET</textarea>")
	got := b.post("/object", "kind", "channel_rest", "name", "A", "do", "save", "k.is_active", "false", "k.timeout", "2.5", "k.methods", "GET\r\n\r\n POST ", "k.size", "7", "k.password", "", "k.headers", `{"x": 1}`)
	assert.Equal(t, "/object?kind=channel_rest&name=A", got.header.Get("Location"))
	sent, err := service.AppendJSON(nil, users.called("parley.object.edit")[0])
	require.NoError(t, err)
	assert.JSONEq(t, `{"kind":"channel_rest","name":"A","config":{"is_active":false,"timeout":2.5,"methods":["GET","POST"],"size":7,"headers":{"x":1}}}`, string(sent))
	assert.Contains(t, b.get("/").body, "A is saved, at revision 6. Not served by A.")
	assert.NotContains(t, b.get("/").body, "A is saved", "it is said once")

	users.answers["parley.object.get"] = o{"kind": "channel_rest", "name": "A", "config": o{"password": "env:CRM_PASSWORD"}}
	assert.Contains(t, b.get("/object?kind=channel_rest&name=A").body, `name="k.password" value="env:CRM_PASSWORD"`, "a reference is no secret")

	users.answers["parley.object.list"] = []any{o{"kind": "security_basic_auth", "name": "Staff"}, o{"kind": "security_basic_auth", "name": "Partners"}}
	users.answers["parley.service.list"] = []any{o{"name": "hello"}}
	users.answers["parley.object.get"] = o{"kind": "channel_rest", "name": "A", "config": o{"is_active": false, "service": "hello", "security": "Partners", "order": "x"}}
	page = b.get("/object?kind=channel_rest&name=A").body
	for _, want := range []string{
		`<input type="hidden" name="k.is_active" value="false">`, `<input type="checkbox" id="k.is_active" name="k.is_active" value="true" aria-describedby="k.is_active-hint">`,
		`name="k.service" value="hello" list="k.service-list"`, `<option value="hello"></option>`,
		`<select id="k.security" name="k.security" aria-describedby="k.security-hint"><option value="">–</option><option value="Partners" selected>Partners</option><option value="Staff">Staff</option></select>`,
		`<option value="">–</option><option value="x" selected>x</option><option value="A">A</option>`, "in seconds, or such as 500ms or 2m",
	} {
		assert.Contains(t, page, want)
	}
	assert.NotContains(t, page, "k.only", "there is nothing to choose")
	assert.Equal(t, o{"kinds": []any{"security_basic_auth"}}, asGo(t, users.called("parley.object.list")[len(users.called("parley.object.list"))-1]))
	assert.Contains(t, b.get("/object?kind=channel_rest&new=1").body, "An example, as a file has it")
	assert.NotContains(t, page, "Drop kept replies")
	users.answers["parley.object.get"] = o{"kind": "channel_rest", "name": "A", "config": o{"cache_expiry": 60}}
	assert.Contains(t, b.get("/object?kind=channel_rest&name=A").body, "Drop kept replies")
	b.post("/object", "kind", "channel_rest", "name", "A", "do", "forget")
	assert.Contains(t, b.get("/").body, "A has forgotten 3 kept replies.")
	b.post("/object", "kind", "channel_rest", "name", "A", "do", "save", "k.is_active", "false", "k.is_active", "true")
	edits := users.called("parley.object.edit")
	assert.Equal(t, o{"is_active": true}, asGo(t, edits[len(edits)-1]).(o)["config"], "a box that is ticked")

	users.answers["parley.object.create"] = service.Errorf(service.Conflict, "it is there already")
	again := b.post("/object", "kind", "channel_rest", "new", "1", "name", "B", "do", "save", "k.timeout", "9", "k.password", "s3cret")
	assert.Equal(t, http.StatusConflict, again.status)
	assert.Contains(t, again.body, "it is there already")
	assert.Contains(t, again.body, `value="9"`)
	assert.NotContains(t, again.body, "s3cret", "a secret is not sent back")
}

// asGo is a value as encoding/json reads it.
func asGo(t *testing.T, v any) any {
	t.Helper()
	raw, err := service.AppendJSON(nil, v)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func TestKVDBCommands(t *testing.T) {
	users := &backend{answers: answers("x")}
	b, _ := serve(t, users)
	b.logIn("anna")
	for typed, want := range map[string]string{
		`GET a`: `{"args":["a"],"command":"GET"}`, `  set  "a b"  'c "d'  "e\"f\n" ""`: `{"args":["a b","c \"d","e\"f\n",""],"command":"set"}`,
	} {
		users.calls = nil
		assert.Equal(t, http.StatusOK, b.post("/kvdb", "command", typed).status)
		sent, err := service.AppendJSON(nil, users.called("parley.kvdb.execute")[0])
		require.NoError(t, err)
		assert.Equal(t, want, string(sent))
	}
	for typed, want := range map[string]string{`GET "a`: "a quote is not closed", "  ": "command: empty"} {
		got := b.post("/kvdb", "command", typed)
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Contains(t, got.body, want)
	}
}

func TestConfigIsImportedOnlyAfterItWasShown(t *testing.T) {
	users := &backend{answers: answers("x")}
	b, _ := serve(t, users)
	b.logIn("anna")
	got := b.post("/config", "content", "channel_rest: []\r\n", "do", "diff")
	assert.Contains(t, got.body, "What an import would do")
	assert.Contains(t, got.body, `name="content" value="channel_rest: []`)
	assert.Contains(t, got.body, "Delete the 1 definition that is not in the file (prune)")
	assert.Empty(t, users.called("parley.enmasse.import"))
	for name, form := range map[string][]string{
		"the catalog has moved since":             {"revision", "4", "prune", "1", "deletes", "1"},
		"others would be deleted than were shown": {"revision", "5", "prune", "1", "deletes", "3"},
	} {
		got := b.post("/config", append([]string{"content", "a: 1", "do", "import"}, form...)...)
		assert.Equal(t, http.StatusConflict, got.status, name)
		assert.Contains(t, got.body, "this is what the file would do now", name)
	}
	assert.Empty(t, users.called("parley.enmasse.import"))
	assert.Equal(t, "/config", b.post("/config", "content", "a: 1", "name", "f.yaml", "do", "import", "revision", "5", "prune", "1", "deletes", "1").header.Get("Location"))
	sent, err := service.AppendJSON(nil, users.called("parley.enmasse.import")[0])
	require.NoError(t, err)
	assert.JSONEq(t, `{"files":[{"name":"f.yaml","content":"a: 1"}],"dialect":"","prune":true,"deletes":1}`, string(sent))
	file := b.get("/config/download")
	assert.Equal(t, "x", file.body)
	assert.Equal(t, `attachment; filename=parley-5.yaml`, file.header.Get("Content-Disposition"))
}

func TestWhatMoves(t *testing.T) {
	b, _ := serve(t, &backend{answers: answers("x")})
	b.logIn("anna")
	overview := b.get("/statistics?last=hour").body
	assert.Contains(t, overview, `<th class="num">Rate</th>`)
	assert.Contains(t, overview, `<td class="num">7/s</td>`, "of 7 requests in what counts as a second")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for path, want := range map[string]string{
		"/statistics/stream?last=hour": `data: {"columns":[[1795262398,1795262398],[0.1,0.02],[0.017,0.0],[2.5,2.5],[4.0,4.0],[5.0,5.0]],"values":{"failed":"14.29 %","mean":"2.50 ms","rate":"7/s","time":"17.5 ms","usage":"7"}}`,
		"/service/stream?name=x":       `data: {"values":{"failed":"14.29 %","max":"6.00 ms","mean":"2.50 ms","p95":"4.00 ms","usage":"7"}}`,
	} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, http.NoBody)
		require.NoError(t, err)
		res, err := b.Do(req)
		require.NoError(t, err)
		assert.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
		first := make([]byte, len(want))
		_, err = io.ReadFull(res.Body, first)
		require.NoError(t, err)
		assert.Equal(t, want, string(first))
		require.NoError(t, res.Body.Close())
	}
}
