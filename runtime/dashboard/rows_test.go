package dashboard_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

// roles are answers of a cluster with one kind of what is a list of objects, and of texts by name.
func roles(config o) *backend {
	part := func(name, kind, names string, choices ...string) any {
		return o{"name": name, "type": kind, "names": names, "choices": choices, "doc": "of " + name}
	}
	said := answers("A")
	said["parley.kinds.list"] = []any{o{"name": "rbac_role", "group": "rules", "fields": []any{
		o{"name": "grants", "type": "a list of object", "default": "null", "doc": "what it may", "parts": []any{
			part("services", "a list of text", "services"), part("permissions", "a list of text", "", "read", "all"),
			part("level", "text", "", "low", "high"), part("size", "an integer", ""), part("deep", "an object", ""), part("always", "true or false", ""),
		}},
		o{"name": "headers", "type": "an object", "default": "{}", "parts": []any{part("", "text", "")}},
		o{"name": "modes", "type": "a list of text", "default": "null", "choices": []any{"a", "b"}},
	}}}
	said["parley.service.list"] = []any{o{"name": "crm.get"}}
	said["parley.object.get"] = o{"kind": "rbac_role", "name": "R", "config": config}
	return &backend{answers: said}
}

// fields are what a browser would send of the page's second form: each input, select and textarea, as it is.
func fields(t *testing.T, page string) url.Values {
	t.Helper()
	_, page, found := strings.Cut(page, `<form class="fields`)
	require.True(t, found, page)
	page, _, _ = strings.Cut(page, "</form>")
	out := url.Values{}
	unescape := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace
	attribute := func(tag, name string) string {
		m := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return unescape(m[1])
	}
	for _, m := range regexp.MustCompile(`(?s)<input[^>]*>|<select[^>]*>.*?</select>|<textarea[^>]*>\n.*?</textarea>`).FindAllString(page, -1) {
		tag, rest, _ := strings.Cut(m, ">")
		name := attribute(tag, "name")
		switch {
		case strings.HasPrefix(m, "<textarea"):
			out.Add(name, unescape(strings.TrimSuffix(strings.TrimPrefix(rest, "\n"), "</textarea>")))
		case strings.HasPrefix(m, "<select"):
			if at := strings.Index(m, " selected"); at >= 0 {
				out.Add(name, attribute(m[strings.LastIndex(m[:at], "<option"):], "value"))
			}
		case attribute(tag, "type") == "checkbox" && !strings.Contains(tag, " checked"):
		default:
			out.Add(name, attribute(tag, "value"))
		}
	}
	return out
}

func (b *browser) sendsForm(form url.Values, do string) reply {
	b.Helper()
	form.Set("do", do)
	return b.send(http.MethodPost, "/object", form, nil)
}

const rolePage = "/object?kind=rbac_role&name=R"

// granted is the config of the last edit, as JSON.
func granted(t *testing.T, users *backend) string {
	t.Helper()
	edits := users.called("parley.object.edit")
	require.NotEmpty(t, edits)
	raw, err := service.AppendJSON(nil, edits[len(edits)-1].(*service.Object).Value("config"))
	require.NoError(t, err)
	return string(raw)
}

func TestRowsOfADefinition(t *testing.T) {
	first := o{"services": []any{"crm.*", "<b>"}, "permissions": []any{"read", "other"}, "level": "high", "size": 5, "deep": o{"a": []any{1}}, "always": true}
	users := roles(o{"grants": []any{first, o{"services": []any{"b.*"}}}, "headers": o{"X-A": "1"}, "modes": []any{"b"}})
	b, _ := serve(t, users)
	b.logIn("anna")
	page := b.get(rolePage).body
	safe(t, rolePage, page, "<b>")
	for _, want := range []string{
		`<legend>grants</legend>`, `aria-label="grants, row 3"`, "of services; one a line. There are crm.get",
		`<textarea id="k.grants.1.services" name="k.grants.1.services" rows="2" spellcheck="false" aria-describedby="k.grants.0.services-hint">`,
		`<input type="checkbox" name="k.grants.0.permissions" value="read" checked>`, `name="k.grants.0.permissions" value="all">`,
		`name="k.grants.0.permissions" value="other" checked>`, `<option value="low">low</option><option value="high" selected>high</option>`,
		`<input type="checkbox" name="k.modes" value="b" checked>`, `id="k.headers.0.name" name="k.headers.0.name" value="X-A"`,
	} {
		assert.Contains(t, page, want)
	}
	assert.NotContains(t, page, `aria-label="grants, row 4"`)
	enter := regexp.MustCompile(`(?s)<form class="fields.*?<button[^>]*>`).FindString(page)
	assert.True(t, strings.HasSuffix(enter, `<button class="enter" tabindex="-1" aria-hidden="true">`), "Enter in a field saves, and removes no row: %s", enter)

	form := fields(t, page)
	b.sendsForm(form, "save")
	same := `{"grants":[{"services":["crm.*","<b>"],"permissions":["read","other"],"level":"high","size":5,"deep":{"a":[1]},"always":true},{"services":["b.*"]}],` +
		`"headers":{"X-A":"1"},"modes":["b"]}`
	assert.JSONEq(t, same, granted(t, users), "what is shown is what is sent: nothing is lost, and blank rows are none")

	// A row more, with what was typed.
	form = fields(t, page)
	form.Set("k.grants.2.services", "c.*\r\nd.*")
	form.Set("k.headers.1.name", "X-B")
	got := b.sendsForm(form, "add k.grants")
	require.Equal(t, http.StatusOK, got.status)
	assert.Len(t, users.called("parley.object.edit"), 1, "nothing is saved by it")
	assert.Contains(t, got.body, `name="k.grants.3.services" rows="2" spellcheck="false" autofocus`, "the cursor is there")
	form = fields(t, got.body)
	assert.Equal(t, "4", form.Get("k.grants"))
	assert.Equal(t, "c.*\nd.*", form.Get("k.grants.2.services"))
	again := fields(t, b.sendsForm(form, "add k.grants").body)
	assert.Equal(t, "5", again.Get("k.grants"), "and one more")
	form["k.grants.3.permissions"] = []string{"", "all"}
	form.Set("k.headers.1.value", "2")
	form["k.modes"] = []string{"", "a", "b"}
	b.sendsForm(form, "save")
	assert.JSONEq(t, strings.NewReplacer(`{"services":["b.*"]}`, `{"services":["b.*"]},{"services":["c.*","d.*"]},{"permissions":["all"]}`,
		`"X-A":"1"`, `"X-A":"1","X-B":"2"`, `["b"]}`, `["a","b"]}`).Replace(same), granted(t, users))

	// One less, of those that were typed; and none at all.
	got = b.sendsForm(form, "less k.grants 0")
	assert.Contains(t, got.body, `value="add k.grants" formnovalidate autofocus`)
	form = fields(t, got.body)
	assert.Equal(t, "b.*", form.Get("k.grants.0.services"))
	assert.Equal(t, "c.*\nd.*", form.Get("k.grants.1.services"))
	for range 3 {
		form = fields(t, b.sendsForm(form, "less k.grants 0").body)
	}
	form = fields(t, b.sendsForm(form, "less k.headers 1").body)
	form["k.modes"] = []string{""}
	b.sendsForm(form, "save")
	assert.JSONEq(t, `{"grants":null,"headers":{"X-A":"1"},"modes":[]}`, granted(t, users))
	b.sendsForm(fields(t, b.sendsForm(form, "less k.headers 0").body), "save")
	assert.JSONEq(t, `{"grants":null,"headers":{},"modes":[]}`, granted(t, users), "empty as the kind has it")
	for _, do := range []string{"less k.grants 99", "less k.grants -1", "less k.grants x", "add k.nothing"} {
		assert.Equal(t, http.StatusOK, b.sendsForm(form, do).status, do)
	}
	form.Set("k.grants", "999999999")
	assert.Less(t, len(b.sendsForm(form, "add k.grants").body), 20_000, "rows that were not sent are blank ones")
}

func TestFaultsOfADefinition(t *testing.T) {
	users := roles(o{"grants": []any{o{"services": []any{"a"}}, o{"services": []any{"b"}}}, "headers": o{"X-A": "1"}})
	b, _ := serve(t, users)
	b.logIn("anna")
	form := fields(t, b.get(rolePage).body)
	saved := func(refused string) string {
		users.answers["parley.object.edit"] = service.Errorf(service.Invalid, "%s", refused)
		got := b.sendsForm(form, "save")
		require.Equal(t, http.StatusBadRequest, got.status)
		return got.body
	}
	page := saved(`rbac_role "R": grants[1].permissions: missing; expected some of read, or all; headers.X-A: <no>; modes: wrong; grants: odd; nokey: x`)
	for _, want := range []string{
		`aria-describedby="k.grants.0.permissions-hint k.grants.1.permissions-fault" aria-invalid="true"`,
		`<span class="wrong" id="k.grants.1.permissions-fault">missing; expected some of read, or all</span>`,
		`<span class="wrong" id="k.headers.0.value-fault">&lt;no&gt;</span>`, `<span class="wrong" id="k.modes-fault">wrong</span>`,
		`<span class="wrong" id="k.grants-fault">odd; nokey: x</span>`,
	} {
		assert.Contains(t, page, want)
	}
	page = saved("rbac_role \"R\": modes: first\nrbac_role \"Other\": grants: second")
	assert.Contains(t, page, `id="k.modes-fault">first<`)
	assert.NotContains(t, page, "k.grants-fault", "what is wrong with another one")
	assert.Contains(t, saved(`rbac_role "R": grants[9].services: far`), `id="k.grants-fault">[9].services: far<`)
	users.answers["parley.object.edit"] = service.Errorf(service.Conflict, "modes: busy")
	assert.NotContains(t, b.sendsForm(form, "save").body, "k.modes-fault")

	n := len(users.called("parley.object.edit"))
	for _, row := range []struct{ key, value, want string }{
		{"k.grants.0.deep", `{"a":`, `id="k.grants.0.deep-fault">expected JSON: it ends too early<`},
		{"k.headers.1.value", "2", `id="k.headers.1.name-fault">missing; a row has a name and a value<`},
		{"k.headers.1.name", "X-A", `id="k.headers.1.name-fault">this name is there already<`},
	} {
		form := fields(t, b.get(rolePage).body)
		form.Set(row.key, row.value)
		got := b.sendsForm(form, "save")
		assert.Equal(t, http.StatusBadRequest, got.status)
		assert.Contains(t, got.body, row.want)
		assert.Equal(t, row.value, fields(t, got.body).Get(row.key), "what was typed stays")
	}
	assert.Len(t, users.called("parley.object.edit"), n, "nothing of it was sent on")
}
