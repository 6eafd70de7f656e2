package starlark_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/starlark"
)

// hooked has every hook; each appends its name to environ, and fails where the input names it.
const hooked = `
def step(self, name):
    seen = self.environ.setdefault("seen", [])
    seen.append(name)
    if self.request.input.get("fail") == name:
        fail(name + " broke")
    if self.request.input.get("refuse") == name:
        error(422, name + " refuses")

def accept(self):
    step(self, "accept")
    return self.request.input.get("accept", True)

def before_handle(self): step(self, "before_handle")
def validate_input(self): step(self, "validate_input")
def validate_output(self):
    step(self, "validate_output")
    self.response.payload["checked"] = True
def after_handle(self): step(self, "after_handle")
def finalize_handle(self):
    step(self, "finalize_handle")
    self.logger.info("finalized after " + " ".join(self.environ["seen"]))

def handle(self):
    step(self, "handle")
    self.response.payload = {"seen": self.environ["seen"]}
`

func TestHooks(t *testing.T) {
	const all = "accept before_handle validate_input handle validate_output after_handle finalize_handle"
	for _, row := range []struct {
		name   string
		input  *service.Object
		order  string
		status int // 0: it went well
		bare   bool
		err    string
		logged string
	}{
		{"all go well", service.NewObject(0), all, 0, false, "", ""},
		{"not accepted", service.ObjectOf("accept", false), "accept finalize_handle", 400, true, "the service did not accept the request", ""},
		{"nothing is no yes", service.ObjectOf("accept", nil), "accept finalize_handle", 400, true, "", ""},
		{"accept breaks", service.ObjectOf("fail", "accept"), "accept finalize_handle", 500, false, "accept: fail: accept broke at my_service.star:11:9 in accept, my_service.star:6:13 in step", ""},
		{"before breaks", service.ObjectOf("fail", "before_handle"), all, 0, false, "", `hook=before_handle err="before_handle: fail: before_handle broke at my_service.star:14:30 in before_handle, my_service.star:6:13 in step`},
		{"input is refused", service.ObjectOf("refuse", "validate_input"), "accept before_handle validate_input finalize_handle", 422, false, "validate_input refuses", ""},
		{"the service breaks", service.ObjectOf("fail", "handle"), "accept before_handle validate_input handle finalize_handle", 500, false, "fail: handle broke at my_service.star:", ""},
		{"output is refused", service.ObjectOf("fail", "validate_output"), "accept before_handle validate_input handle validate_output finalize_handle", 500, false, "validate_output: fail: validate_output broke at my_service.star:17:9 in validate_output", ""},
		{"after breaks", service.ObjectOf("fail", "after_handle"), all, 0, false, "", `hook=after_handle err="after_handle: fail: after_handle broke at my_service.star:19:29 in after_handle`},
		{"finalize breaks", service.ObjectOf("fail", "finalize_handle"), all, 0, false, "", `hook=finalize_handle err="fail: finalize_handle broke at my_service.star:21:9 in finalize_handle`},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := one(t, hooked)
			var log bytes.Buffer
			req := &service.Request{CID: "c1", Input: row.input}
			ctx := service.WithCall(t.Context(), &service.Call{CID: "c1", Service: s.Name, Log: slog.New(slog.NewTextHandler(&log, nil))})
			res, err := s.Handler.Handle(ctx, req)
			assert.NotContains(t, log.String(), "finalize_handle", "it is for after the statistics")
			require.NotNil(t, req.Finally)
			req.Finally(res, err)
			if row.logged != "" {
				assert.Contains(t, log.String(), row.logged)
			} else {
				assert.NotContains(t, log.String(), "a hook failed")
			}
			if row.name != "finalize breaks" {
				assert.Contains(t, log.String(), `msg="finalized after `+row.order+`"`)
			}
			if row.status == 0 {
				require.NoError(t, err)
				text, err := service.AppendJSON(nil, res.Payload)
				require.NoError(t, err)
				assert.Contains(t, string(text), `"checked":true`, "what a hook puts into the response is sent")
				return
			}
			require.Error(t, err)
			e := service.AsError(err)
			assert.Equal(t, row.status, e.HTTPStatus())
			assert.Equal(t, row.bare, e.Bare)
			assert.Contains(t, err.Error(), row.err)
		})
	}
}

func TestHooksOfADeclaredService(t *testing.T) {
	set, faults := load(t, nil, file("two.star", `
def check(self): error(400, "not today")
def handle(self): self.response.payload = "ok"
service("checked", handle, validate_input = check)
service("free", handle, validate_input = None)
`))
	require.Empty(t, faults)
	_, err := handle(t.Context(), set.Services()[0].Service, nil, &service.Request{})
	require.EqualError(t, err, "validate_input: not today")
	res, err := handle(t.Context(), set.Services()[1].Service, nil, &service.Request{})
	require.NoError(t, err)
	assert.Equal(t, "ok", res.Payload)
}

func TestFinalizeRunsAfterTheDeadline(t *testing.T) {
	s := one(t, `
def handle(self):
    for i in range(1 << 60): pass
def finalize_handle(self):
    self.logger.info("done")
`)
	var log bytes.Buffer
	ctx := service.WithCall(t.Context(), &service.Call{Service: s.Name, Log: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	req := &service.Request{}
	res, err := s.Handler.Handle(ctx, req)
	assert.Equal(t, 504, service.AsError(err).HTTPStatus())
	req.Finally(res, err)
	assert.Contains(t, log.String(), "msg=done")
}

func TestRequestHash(t *testing.T) {
	s := one(t, `
def handle(self): pass
def get_request_hash(self):
    kind = self.request.http.GET.get("kind")
    return 5 if kind == "bad" else kind
`)
	for _, row := range []struct {
		query map[string][]string
		key   string
		keep  bool
		err   string
	}{
		{map[string][]string{"kind": {"a"}}, "a", true, ""},
		{nil, "", false, ""},
		{map[string][]string{"kind": {"bad"}}, "", false, "get_request_hash must return text, or None, not int, at my_service.star:3:1"},
	} {
		key, keep, err := s.Hash(t.Context(), &service.Request{Query: row.query})
		if row.err != "" {
			require.EqualError(t, err, row.err)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, row.key, key)
		assert.Equal(t, row.keep, keep)
	}
	assert.Nil(t, one(t, "def handle(self): pass").Hash)
}

func TestFunctionsForVerbs(t *testing.T) {
	const verbs = `
def handle_GET(self): self.response.payload = "got"
def handle_POST(self): self.response.payload = "posted"
`
	const both = verbs + `
def handle(self): self.response.payload = "handled"
`
	for _, row := range []struct {
		name, source, method string
		want                 string
		status               int
		err                  string
	}{
		{"one of them", verbs, "POST", "posted", 0, ""},
		{"HEAD is GET", verbs, "HEAD", "got", 0, ""},
		{"no verb, and a handle", both, "", "handled", 0, ""},
		{"a verb, and a handle", both, "GET", "got", 0, ""},
		{"a verb of its own", "def handle_PURGE(self): self.response.payload = 'gone'", "PURGE", "gone", 0, ""},
		{"handle alone takes all", "def handle(self): self.response.payload = self.request.http.method", "PUT", "PUT", 0, ""},
		{"another verb", both, "PUT", "", 405, `service "my-service" has no handle_PUT`},
		{"no verb", verbs, "", "", 500, `service "my-service" has functions for verbs alone, and was called without one; it needs def handle(self) too`},
	} {
		t.Run(row.name, func(t *testing.T) {
			res, err := handle(t.Context(), one(t, row.source), nil, &service.Request{Method: row.method})
			if row.status != 0 {
				require.EqualError(t, err, row.err)
				assert.Equal(t, row.status, service.AsError(err).HTTPStatus())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, res.Payload)
		})
	}
	assert.Equal(t, []string{"GET", "POST"}, one(t, both).Methods)
	assert.Empty(t, one(t, "def handle(self): pass").Methods)
	declared := one(t, "def read(self):\n    'Reads.'\n    pass\nservice('x', handle_GET = read)")
	assert.Equal(t, []string{"GET"}, declared.Methods)
	assert.Equal(t, "Reads.", declared.Doc)
}

func TestFunctionsThatAreRefused(t *testing.T) {
	for _, row := range []struct{ name, source, want string }{
		{"no function", "service('x')", `a.star:1:8: service "x" needs a function: handle=handle, or handle_GET=... and the like`},
		{"hooks alone", "def accept(self): pass\nservice('x', accept = accept)", `service "x" needs a function`},
		{"a verb with two parameters", "def f(self, b): pass\nservice('x', handle_GET = f)", "handle_GET must be a function of one parameter: def handle_GET(self)"},
		{"a hook that is none", "def handle(self): pass\nservice('x', handle, accept = 5)", "accept must be a function of one parameter: def accept(self)"},
		{"a hook with two parameters, in a file", "def handle(self): pass\ndef before_handle(self, b): pass", "a.star:2:1: before_handle must be a function of one parameter: def before_handle(self)"},
		{"a verb in lower case", "def f(self): pass\nservice('x', handle_get = f)", `unexpected keyword argument "handle_get"`},
		{"a hook of another name", "def f(self): pass\nservice('x', f, before = f)", `unexpected keyword argument "before"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, faults := load(t, nil, file("a.star", row.source))
			require.ErrorContains(t, faults["a.star"], row.want)
		})
	}
}

func TestFileThatOthersLoadIsNoService(t *testing.T) {
	set, faults := load(t, nil, file("a.star", "def accept(self): return True\ndef handler(self): pass\ndef handle_get(self): pass"))
	require.Empty(t, faults)
	assert.Empty(t, set.Services())
}

func TestChannel(t *testing.T) {
	const source = `
def handle(self):
    c, s = self.channel, self.chan.sec
    self.response.payload = {
        "channel": c, "text": str(c), "joined": "via " + c + "!", "formatted": "%s" % c, "json": json.encode(c), "id": c.id, "name": c.name,
        "type": c.type, "format": c.data_format, "internal": c.is_internal, "same": c == self.chan, "is": bool(c),
        "known": bool(s), "security": [s.id, s.name, s.type, s.username, s.claims], "printed": str(s), "request": self.request.channel == "Mine",
    }
`
	req := &service.Request{
		Channel: "Mine", Via: &service.Via{Kind: "channel_rest", DataFormat: "json"},
		Principal: &service.Principal{Definition: "Partners", Kind: "security_jwt", Name: "sean", Claims: service.ObjectOf("role", "admin")},
	}
	for _, row := range []struct {
		name string
		req  *service.Request
		want string
	}{
		{"somebody known", req, `{"channel":"Mine","text":"Mine","joined":"via Mine!","formatted":"Mine","json":"\"Mine\"","id":"Mine","name":"Mine",` +
			`"type":"channel_rest","format":"json","internal":false,"same":true,"is":true,` +
			`"known":true,"security":["Partners","Partners","security_jwt","sean",{"role":"admin"}],"printed":"<sean of Partners>","request":true}`},
		{"anybody", &service.Request{}, `{"channel":"","text":"","joined":"via !","formatted":"","json":"\"\"","id":"","name":"",` +
			`"type":"","format":"","internal":false,"same":true,"is":false,` +
			`"known":false,"security":[null,null,null,null,null],"printed":"<nobody>","request":false}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			res, err := handle(t.Context(), one(t, source), nil, row.req)
			require.NoError(t, err)
			text, err := service.AppendJSON(nil, res.Payload)
			require.NoError(t, err)
			assert.Equal(t, row.want, string(text))
		})
	}
	for _, row := range []struct{ expression, want string }{
		{"self.channel.nope", "channel has no .nope"},
		{"self.channel.security.password", "security has no .password"},
		{"self.channel + 1", "unknown binary op: channel + int"},
	} {
		_, err := handle(t.Context(), one(t, "def handle(self): self.response.payload = "+row.expression), nil, &service.Request{})
		require.ErrorContains(t, err, row.want)
	}
}

// BenchmarkHandle compares a service with a service that has every hook.
func BenchmarkHandle(b *testing.B) {
	const plain = "def handle(self): self.response.payload = self.request.input\n"
	for name, source := range map[string]string{
		"plain": plain, "hooks": plain + strings.ReplaceAll("def @(self): pass\n", "@", "before_handle") + strings.ReplaceAll("def @(self): pass\n", "@", "after_handle"),
	} {
		b.Run(name, func(b *testing.B) {
			set, faults := starlark.Load(b.Context(), []starlark.File{file("a.star", source)}, nil, starlark.DefaultLimits(), slog.New(slog.DiscardHandler))
			require.Empty(b, faults)
			s := set.Services()[0]
			b.ReportAllocs()
			for b.Loop() {
				_, err := s.Handler.Handle(b.Context(), &service.Request{Input: service.ObjectOf("a", int64(1))})
				require.NoError(b, err)
			}
		})
	}
}
