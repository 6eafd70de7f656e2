package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/logs"
	"github.com/parley-run/parley/runtime/service"
)

const sample = `time=2026-11-21T17:00:00.000Z level=INFO msg="server is ready" server=server1 address=127.0.0.1:17010
time=2026-11-21T17:00:01.000Z level=INFO msg=request server=server1 cid=c1 service=pay status=200 ms=0.4
time=2026-11-21T17:00:02.000Z level=ERROR msg="a service failed" server=server1 cid=c2 err="line 1\nline 2 \"quoted\"" password=s3cr3t-word
panic: runtime error
	goroutine 1
time=2026-11-21T17:00:03.000Z level=WARN msg=odd server=server1 cid=c1 url="http://joe:l0ngpass@crm" empty=""
time=2026-11-21T17:00:04.000Z level=INFO msg="half a li`

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server1.log")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func messages(p logs.Page) []string {
	out := []string{}
	for _, l := range p.Lines {
		out = append(out, l.Message)
	}
	return out
}

func at(second int) time.Time { return time.Date(2026, 11, 21, 17, 0, second, 0, time.UTC) }

func TestReadFile(t *testing.T) {
	path := file(t, sample)
	const crash = "a service failed\npanic: runtime error\n\tgoroutine 1"
	for _, tt := range []struct {
		name string
		q    logs.Query
		want []string
	}{
		{"all, but for the line that is still being written", logs.Query{Level: slog.LevelDebug}, []string{"server is ready", "request", crash, "odd"}},
		{"of a request", logs.Query{CID: "c1"}, []string{"request", "odd"}},
		{"a CID is the whole of it", logs.Query{CID: "c"}, []string{}},
		{"severe", logs.Query{Level: slog.LevelWarn}, []string{crash, "odd"}},
		{"the newest", logs.Query{Limit: 2}, []string{crash, "odd"}},
		{"of a time", logs.Query{Since: at(1), Until: at(3)}, []string{"request", crash}},
		{"with a text", logs.Query{Contains: "ms=0.4"}, []string{"request"}},
		{"with a text of what follows", logs.Query{Contains: "goroutine"}, []string{crash}},
		{"none", logs.Query{Since: at(9)}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := logs.ReadFile(path, tt.q)
			require.NoError(t, err)
			assert.Equal(t, tt.want, messages(page))
			assert.Equal(t, int64(strings.LastIndexByte(sample, '\n')+1), page.Next)
			assert.False(t, page.Cut)
		})
	}
	page, err := logs.ReadFile(path, logs.Query{CID: "c2"})
	require.NoError(t, err)
	assert.Equal(t, []logs.Line{{
		At: at(2), Level: "ERROR", Message: crash, CID: "c2",
		Attributes: []logs.Attribute{{"server", "server1"}, {"err", "line 1\nline 2 \"quoted\""}, {"password", "s3cr3t-word"}},
	}}, page.Lines)
}

func TestReadWhatWasAdded(t *testing.T) {
	path := file(t, sample)
	page, err := logs.ReadFile(path, logs.Query{Limit: 1})
	require.NoError(t, err)
	next := page.Next
	page, err = logs.ReadFile(path, logs.Query{After: &next})
	require.NoError(t, err)
	assert.Empty(t, page.Lines, "the last line is not whole yet")
	assert.Equal(t, next, page.Next)

	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("ne\"\ntime=2026-11-21T17:00:05.000Z level=INFO msg=next\n")
	require.NoError(t, errors.Join(err, f.Close()))
	page, err = logs.ReadFile(path, logs.Query{After: &next, Limit: 1})
	require.NoError(t, err)
	assert.Equal(t, []string{"half a line"}, messages(page))
	assert.True(t, page.Cut)
	page, err = logs.ReadFile(path, logs.Query{After: &page.Next})
	require.NoError(t, err)
	assert.Equal(t, []string{"next"}, messages(page))

	require.NoError(t, os.WriteFile(path, []byte("time=2026-11-21T17:00:06.000Z level=INFO msg=anew\n"), 0o600))
	page, err = logs.ReadFile(path, logs.Query{After: &page.Next})
	require.NoError(t, err)
	assert.Equal(t, []string{"anew"}, messages(page), "a log that was made anew is read from its beginning")

	page, err = logs.ReadFile(filepath.Join(t.TempDir(), "none.log"), logs.Query{})
	require.NoError(t, err)
	assert.Empty(t, page.Lines)
}

// TestReadLong reads a log of many blocks: lines that lie across two of them are whole, back and forth.
func TestReadLong(t *testing.T) {
	var text bytes.Buffer
	const lines = 20000
	for i := range lines {
		fmt.Fprintf(&text, "time=2026-11-21T17:00:00.000Z level=INFO msg=m%05d cid=c%d pad=%s\n", i, i%7, strings.Repeat("x", i%300))
		if i%100 == 0 {
			text.WriteString("more\n")
		}
	}
	path := file(t, text.String())
	var want []string
	for i := lines - 5000; i < lines; i++ {
		want = append(want, fmt.Sprintf("m%05d", i))
		if i%100 == 0 {
			want[len(want)-1] += "\nmore"
		}
	}
	page, err := logs.ReadFile(path, logs.Query{})
	require.NoError(t, err)
	assert.Equal(t, want, messages(page))

	var all []string
	for next := int64(0); next < int64(text.Len()); {
		page, err := logs.ReadFile(path, logs.Query{After: &next})
		require.NoError(t, err)
		all = append(all, messages(page)...)
		next = page.Next
	}
	assert.Len(t, all, lines)
	assert.Equal(t, want, all[lines-5000:])

	page, err = logs.ReadFile(path, logs.Query{CID: "c3", Limit: 5000})
	require.NoError(t, err)
	assert.Len(t, page.Lines, lines/7)

	huge := file(t, "time=2026-11-21T17:00:00.000Z level=INFO msg="+strings.Repeat("y", 1<<20)+"\n")
	page, err = logs.ReadFile(huge, logs.Query{})
	require.NoError(t, err)
	require.Len(t, page.Lines, 1)
	assert.Len(t, page.Lines[0].Message, 16<<10-len("time=2026-11-21T17:00:00.000Z level=INFO msg="), "the rest of a long line is left out")
}

func TestRing(t *testing.T) {
	var r logs.Ring
	next := int64(0)
	for i := range 40000 {
		_, err := fmt.Fprintf(&r, "time=2026-11-21T17:00:00.000Z level=INFO msg=m%05d pad=%s\n", i, strings.Repeat("x", 60))
		require.NoError(t, err)
		if i == 39000 {
			page, err := r.Read(logs.Query{Limit: 1})
			require.NoError(t, err)
			assert.Equal(t, []string{"m39000"}, messages(page))
			next = page.Next
		}
	}
	page, err := r.Read(logs.Query{After: &next})
	require.NoError(t, err)
	assert.Equal(t, "m39001", page.Lines[0].Message)
	assert.Len(t, page.Lines, 999)
	next = 0
	page, err = r.Read(logs.Query{After: &next})
	require.NoError(t, err)
	assert.NotEmpty(t, page.Lines, "what is not kept any more is passed over")
}

func deps(t *testing.T) logs.Deps {
	t.Helper()
	path := file(t, sample)
	own := logs.Source{Server: "server1", Read: func(_ context.Context, q logs.Query) (logs.Page, error) { return logs.ReadFile(path, q) }}
	other := logs.Source{Server: "server2", Read: func(context.Context, logs.Query) (logs.Page, error) {
		return logs.Page{Next: 7, Lines: []logs.Line{{At: at(1).Add(time.Millisecond), CID: "c1", Message: "there"}}}, nil
	}}
	gone := logs.Source{Server: "server3", Read: func(context.Context, logs.Query) (logs.Page, error) {
		return logs.Page{}, service.Errorf(service.Unavailable, "does not answer")
	}}
	return logs.Deps{
		Own:   func() []logs.Source { return []logs.Source{own} },
		Peers: func(context.Context) ([]logs.Source, error) { return []logs.Source{other, gone}, nil },
		Mask: func() logs.Mask {
			return logs.NewMask(func(name string) bool { return name == "password" }, []string{"l0ngpass", "o", ""})
		},
		Now: func() time.Time { return at(5) },
	}
}

func TestServers(t *testing.T) {
	d := deps(t)
	out, err := d.Read(t.Context(), logs.In{CID: "c1"})
	require.NoError(t, err)
	var got []string
	for _, l := range out.Lines {
		got = append(got, l.Server+" "+l.String())
	}
	assert.Equal(t, []string{"server1 request cid=c1 service=pay status=200 ms=0.4", "server2 there cid=c1", `server1 odd cid=c1 url=http://joe:***@crm empty=""`}, got)
	assert.Equal(t, []logs.Unread{{"server3", "does not answer"}}, out.Unread)
	assert.Regexp(t, `^server1@\d+,server2@7$`, out.Next)

	out, err = d.Read(t.Context(), logs.In{Limit: 1})
	require.NoError(t, err)
	require.Len(t, out.Lines, 1)
	assert.Equal(t, "odd", out.Lines[0].Message, "the newest of all servers")

	out, err = d.Read(t.Context(), logs.In{Limit: 100, Server: "server1", Since: "3s"})
	require.NoError(t, err)
	assert.Len(t, out.Lines, 2)
	assert.Equal(t, []logs.Attribute{{"err", "line 1\nline 2 \"quoted\""}, {"password", "***"}}, out.Lines[0].Attributes)
	for _, secret := range []string{"l0ngpass", "s3cr3t-word"} {
		out, err = d.Read(t.Context(), logs.In{Limit: 100, Contains: secret, Local: true})
		require.NoError(t, err)
		assert.Empty(t, out.Lines, "nobody finds out a secret by looking for it")
	}
	out, err = d.Read(t.Context(), logs.In{Limit: 100, Local: true, After: "server1@0"})
	require.NoError(t, err)
	assert.Len(t, out.Lines, 4)
}

func TestBadQuestions(t *testing.T) {
	d := deps(t)
	for _, tt := range []struct {
		in   logs.In
		want string
	}{
		{logs.In{Level: "loud"}, `level: expected DEBUG, INFO, WARN or ERROR, not "loud"`},
		{logs.In{Limit: 5001}, `limit: expected 1 to 5000, not 5001`},
		{logs.In{Limit: -1}, `limit: expected 1 to 5000, not -1`},
		{logs.In{Since: "yesterday"}, `since: expected a time such as 2026-11-21T17:05:00Z or a duration such as 15m, not "yesterday"`},
		{logs.In{Until: "1"}, `until: expected a time such as 2026-11-21T17:05:00Z or a duration such as 15m, not "1"`},
		{logs.In{After: "server1"}, `after: expected what next was in an earlier answer, such as server1@1024, not "server1"`},
		{logs.In{Server: "server9"}, `no server "server9" has a log here; there are server1, server2, server3; did you mean server1?`},
	} {
		_, err := d.Read(t.Context(), tt.in)
		assert.EqualError(t, err, tt.want)
	}
}
