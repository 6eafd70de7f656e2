package deploy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/service"
)

func call(t *testing.T, on deploy.Server, name string, input any) (*service.Object, error) {
	t.Helper()
	history, _ := on.(deploy.History)
	for _, s := range deploy.Services(deploy.Deps{Catalog: on, By: "admin server1", History: history}) {
		if s.Name == name {
			res, err := s.Handler.Handle(t.Context(), &service.Request{Input: input})
			if err != nil {
				return nil, err
			}
			return res.Payload.(*service.Object), nil
		}
	}
	require.Fail(t, "no service "+name)
	return nil, nil
}

func files(nameAndSource ...string) any {
	var list []any
	for i := 0; i < len(nameAndSource); i += 2 {
		list = append(list, service.ObjectOf("name", nameAndSource[i], "source", nameAndSource[i+1]))
	}
	return service.ObjectOf("files", list)
}

func names(all ...any) any { return service.ObjectOf("names", all) }

func TestDeploy(t *testing.T) {
	s := newShelf()
	out, err := call(t, s, "parley.service.deploy", files("b.star", "service b", "a.star", "service a.two service a.one load b.star"))
	require.NoError(t, err)
	got, err := service.AppendJSON(nil, out)
	require.NoError(t, err)
	assert.Equal(t, `{"revision":2,"services":["a.one","a.two","b"],"servers":[`+
		`{"server":"server1","revision":2,"ok":true,"ms":1.5,"error":""},{"server":"server2","revision":1,"ok":false,"ms":10000.0,"error":"lagging"}],"gone":[],"idle":[],"silent":["server3"]}`, string(got))
	assert.Equal(t, "service b", s.source("b.star"))
	assert.Equal(t, "admin server1", s.changes[0].By)
	assert.Equal(t, `{"source":"service b"}`, string(s.Current().Get(deploy.FileKind, "b.star").Spec))
}

func TestDeployTellsWhatIsNotDeclaredAnyMore(t *testing.T) {
	s := newShelf()
	s.put("a.star", "service one service two service three")
	out, err := call(t, s, "parley.service.deploy", files("a.star", "service two", "b.star", "service one"))
	require.NoError(t, err)
	assert.Equal(t, []any{"three"}, out.Value("gone"), "one has moved to b.star")
	assert.Empty(t, out.Value("idle"))

	out, err = call(t, s, "parley.service.deploy", files("b.star", "helper", "lib.star", "helper", "c.star", `service c load lib.star # "lib.star"`))
	require.NoError(t, err)
	assert.Equal(t, []any{"one"}, out.Value("gone"))
	assert.Equal(t, []any{"b.star"}, out.Value("idle"), "lib.star is loaded")
	assert.Equal(t, []any{"server3"}, out.Value("silent"))
}

func TestDeployRefuses(t *testing.T) {
	large := strings.Repeat("#", deploy.MaxSize+1)
	tests := []struct {
		name  string
		input any
		want  string
	}{
		{"no files", files(), "files: none given; expected at least one {name, source}"},
		{"a folder", files("../a.star", "x"), `file "../a.star": expected a name of letters, digits, _, . and -, without a folder, that ends in .star`},
		{"a hidden file", files(".a.star", "x"), `file ".a.star": expected`},
		{"another extension", files("a.py", "x"), `file "a.py": expected`},
		{"no name", files(".star", "x"), `file ".star": expected`},
		{"a space", files("a b.star", "x"), `file "a b.star": expected`},
		{"too large", files("a.star", large), "a.star:1:1: the file has 1048577 bytes, the limit is 1048576; split it and load() the parts"},
		{"not UTF-8", files("a.star", "x\né\xff"), "a.star:2:2: not UTF-8; save the file in that encoding"},
		{"twice", files("a.star", "x", "a.star", "x"), `file "a.star" is given twice`},
		{"no name key", service.ObjectOf("files", []any{service.ObjectOf("source", "x")}), "files[0]: name is missing"},
		{"no source key", service.ObjectOf("files", []any{service.ObjectOf("name", "a.star")}), `files[0]: source of "a.star" is missing or empty`},
		{"an empty source", files("b.star", "x", "a.star", " \n"), `files[1]: source of "a.star" is missing or empty`},
		{"all at once", files("a.py", "x", "b.py", "x"), "file \"b.py\": expected"},
		{"what the catalog refuses", files("good.star", "service a", "bad.star", "broken"), "bad.star:1:1: broken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf()
			_, err := call(t, s, "parley.service.deploy", tt.input)
			var e *service.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, service.Invalid, e.Code)
			assert.Contains(t, e.Message, tt.want)
			assert.Empty(t, s.Current().Objects)
		})
	}
}

func TestUndeploy(t *testing.T) {
	tests := []struct {
		name  string
		input any
		left  []string // files
		gone  []any    // services
		want  string   // error
		code  service.Code
	}{
		{name: "by file", input: names("two.star"), left: []string{"lib.star", "one.star"}, gone: []any{"two.a", "two.b"}},
		{name: "by service", input: names("one"), left: []string{"lib.star", "two.star"}, gone: []any{"one"}},
		{name: "by all services of a file", input: names("two.b", "two.a"), left: []string{"lib.star", "one.star"}, gone: []any{"two.a", "two.b"}},
		{name: "by file and its service", input: names("two.b", "two.star"), left: []string{"lib.star", "one.star"}, gone: []any{"two.a", "two.b"}},
		{name: "several", input: names("lib.star", "one"), left: []string{"two.star"}, gone: []any{"one"}},
		{name: "unknown, nothing half done", input: names("two.star", "tow.a"), want: `no deployed file or service is named "tow.a"; did you mean "two.a"?`, code: service.NotFound},
		{name: "unknown file", input: names("ones.star"), want: `no deployed file or service is named "ones.star"; did you mean "one.star"?`, code: service.NotFound},
		{name: "nothing near", input: names("qqqqqqqqqqqqqqqq"), want: `no deployed file or service is named "qqqqqqqqqqqqqqqq"`, code: service.NotFound},
		{name: "service that is not alone", input: names("one", "two.a"), want: `service "two.a" is in two.star with two.b; undeploy the file to remove all of them`, code: service.Conflict},
		{name: "needed by another", input: names("lib.star"), want: "one.star:1:6: no file lib.star", code: service.Invalid},
		{name: "nothing", input: names(), want: "names: none given; expected files such as tutorial.star, or services", code: service.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf()
			s.put("lib.star", "")
			s.put("one.star", "service one load lib.star")
			s.put("two.star", "service two.a service two.b")
			out, err := call(t, s, "parley.service.undeploy", tt.input)
			if tt.want != "" {
				var e *service.Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, tt.want, e.Message)
				assert.Equal(t, tt.code, e.Code)
				assert.Len(t, s.Current().Objects, 3)
				return
			}
			require.NoError(t, err)
			var left []string
			for _, o := range s.Current().Objects {
				left = append(left, o.Name)
			}
			assert.Equal(t, tt.left, left)
			assert.Equal(t, tt.gone, out.Value("services"))
			assert.Equal(t, int64(5), out.Value("revision"))
			assert.Len(t, out.Value("servers"), 2)
		})
	}
}

// deaf is a shelf that hears nothing of other servers.
type deaf struct {
	*shelf
	err error
}

func (d deaf) WaitFor(context.Context, int64) ([]deploy.Result, error) { return nil, d.err }

func TestDeploySaysWhatIsKnownWhenTheClusterIsNot(t *testing.T) {
	s := newShelf()
	_, err := call(t, deaf{s, errors.New("disk is full")}, "parley.service.deploy", files("a.star", "y"))
	var e *service.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, service.Unavailable, e.Code)
	assert.Equal(t, "saved as revision 2, but it is not known which servers serve it; ask with parley status", e.Error())

	_, err = call(t, deaf{s, context.DeadlineExceeded}, "parley.service.deploy", files("a.star", "x"))
	require.ErrorAs(t, err, &e)
	assert.Equal(t, service.Timeout, e.Code)
}

func TestSource(t *testing.T) {
	o, err := deploy.NewObject("a.star", "x = \"<é>\"\n\u2028\x00")
	require.NoError(t, err)
	source, err := deploy.Source(&o)
	require.NoError(t, err)
	assert.Equal(t, "x = \"<é>\"\n\u2028\x00", source)

	for _, spec := range []string{"", "{}", `{"source":1}`, `[]`} {
		_, err = deploy.Source(&catalog.Object{Kind: deploy.FileKind, Name: "a.star", Spec: []byte(spec)})
		assert.ErrorContains(t, err, "its spec is not", spec)
	}
}
