package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

func replySteps() []Step {
	return append(headerSteps(),
		reply(`status is "{expected_status}"`, "The reply's status, such as 200 for done, 404 for not found.", `status is "200"`, assertStatus),
		reply(`response is equal to "{expected}"`, "The whole reply: by value in the formats JSON and XML (order of XML elements included), else as text.",
			`response is equal to "{"response": {"ok": true}}"`, assertReply),
		reply(`response is equal to that from "{path}"`,
			"The whole reply is what stands in a file of the folder json/response (xml/response, raw/response) beside the feature file or above it. As text, a line end at the file's end is none of the reply's.",
			`response is equal to that from "details.json"`, assertReplyFile),
		reply(`response contains "{text}"`, "The text occurs in the reply's body.", `response contains "Sean"`, assertReplyContains),
		reply(`response does not contain "{text}"`, "The text does not occur in the reply's body.", `response does not contain "Traceback"`, assertReplyLacks),
		reply(`the reply took less than "{duration}"`, "From sending the request to the end of the reply it was less than that.", `the reply took less than "2 seconds"`, assertFaster),
		reply(`the reply took at least "{duration}"`, "From sending the request to the end of the reply it was that, or more.", `the reply took at least "500 ms"`, assertSlower),
	)
}

func headerSteps() []Step {
	compared := func(rest, doc, example, fault string, holds func(got, want string) bool) Step {
		return reply(`header "{header}" `+rest+` "{value}"`, doc, `header `+example, headerStep(fault, holds))
	}
	not := func(holds func(got, want string) bool) func(string, string) bool {
		return func(got, want string) bool { return !holds(got, want) }
	}
	is := func(got, want string) bool { return got == want }
	return []Step{
		compared("is", `The reply's header is exactly that. Of one that was sent several times all values are compared, ", " between them.`,
			`"Allow" is "POST"`, "is not what was expected", is),
		compared("is not", "The reply has that header, and it is something else.", `"Server" is not "nginx"`, "is just that", not(is)),
		compared("contains", "The text occurs in the reply's header; upper and lower case differ.", `"Content-Type" contains "json"`, "does not contain the text", strings.Contains),
		compared("does not contain", "The reply has that header, without the text in it.", `"Content-Type" does not contain "xml"`, "contains the text", not(strings.Contains)),
		compared("starts with", "The reply's header begins with the text.", `"Content-Type" starts with "application"`, "does not start with the text", strings.HasPrefix),
		compared("does not start with", "The reply has that header, and it begins with something else.", `"Content-Type" does not start with "text"`,
			"starts with the text", not(strings.HasPrefix)),
		compared("ends with", "The reply's header ends with the text.", `"Content-Type" ends with "json"`, "does not end with the text", strings.HasSuffix),
		compared("does not end with", "The reply has that header, and it ends with something else.", `"Content-Type" does not end with "xml"`,
			"ends with the text", not(strings.HasSuffix)),
		reply(`header "{header}" exists`, "The reply has that header.", `header "X-Parley-CID" exists`, assertHeaderExists),
		reply(`header "{header}" does not exist`, "The reply has no such header.", `header "X-Debug" does not exist`, assertHeaderMissing),
		reply(`header "{header}" is empty`, "The reply has that header, with nothing in it.", `header "X-Note" is empty`, assertHeaderEmpty),
		reply(`header "{header}" is not empty`, "The reply has that header, with something in it.", `header "X-Parley-CID" is not empty`, assertHeaderFull),
	}
}

func assertStatus(_ context.Context, w *World, a Args) error {
	want, err := strconv.Atoi(strings.TrimSpace(a.Text(0)))
	if err != nil {
		return fmt.Errorf("%q is no status; write a number such as 200", a.Text(0))
	}
	if w.reply.Status != want {
		return differs("the status is not what was expected", want, w.reply.Status)
	}
	return nil
}

func (r *Reply) headerOf(name string) (string, error) {
	values := r.Header.Values(name)
	if len(values) == 0 {
		return "", &Failure{What: fmt.Sprintf("the reply has no header %q", name), Hint: "it has: " + strings.Join(slices.Sorted(maps.Keys(r.Header)), ", ")}
	}
	return strings.Join(values, ", "), nil
}

func headerStep(fault string, holds func(got, want string) bool) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		name, want := a.Text(0), a.Text(1)
		got, err := w.reply.headerOf(name)
		if err != nil {
			return err
		}
		if !holds(got, want) {
			return differs(fmt.Sprintf("header %q %s", name, fault), want, got)
		}
		return nil
	}
}

func assertHeaderExists(_ context.Context, w *World, a Args) error {
	_, err := w.reply.headerOf(a.Text(0))
	return err
}

func assertHeaderMissing(_ context.Context, w *World, a Args) error {
	if got, err := w.reply.headerOf(a.Text(0)); err == nil {
		return differs(fmt.Sprintf("the reply has a header %q", a.Text(0)), missing{}, got)
	}
	return nil
}

func assertHeaderEmpty(_ context.Context, w *World, a Args) error {
	got, err := w.reply.headerOf(a.Text(0))
	if err != nil {
		return err
	}
	if got != "" {
		return differs(fmt.Sprintf("header %q is not empty", a.Text(0)), "", got)
	}
	return nil
}

func assertHeaderFull(_ context.Context, w *World, a Args) error {
	got, err := w.reply.headerOf(a.Text(0))
	if err != nil {
		return err
	}
	if got == "" {
		return failf("header %q is empty", a.Text(0))
	}
	return nil
}

// assertReply takes a text beside JSON, too: in zato-apitest's last release a JSON reply that is a text was compared with
// what stands between the quotes, and in those before, the JSON of that.
func assertReply(_ context.Context, w *World, a Args) error {
	if text, isText := w.reply.json.(string); isText && text == a.Text(0) {
		return nil
	}
	return w.reply.equalTo([]byte(a.Text(0)))
}

func assertReplyFile(_ context.Context, w *World, a Args) error {
	raw, found, err := w.dataFile(a.Text(0), "response", cmp.Or(w.reply.format, formatRaw))
	if err != nil {
		return err
	}
	err = w.reply.equalTo(raw)
	if cut, ended := strings.CutSuffix(string(raw), "\n"); err != nil && ended && w.reply.isText() {
		err = w.reply.equalTo([]byte(strings.TrimSuffix(cut, "\r")))
	}
	var f *Failure
	if err != nil && !errors.As(err, &f) {
		return fmt.Errorf("%s: %w", found, err) // the file is at fault, not the reply
	}
	return err
}

// isText says whether the reply is compared as text.
func (r *Reply) isText() bool { return r.format != formatJSON && r.format != formatXML }

func (r *Reply) equalTo(want []byte) error {
	switch r.format {
	case formatJSON:
		return r.equalJSON("", want)
	case formatXML:
		return r.equalXML(want)
	}
	got := r.text(r.format)
	if got == string(want) {
		return nil
	}
	f := &Failure{What: "the reply is not what was expected", Expected: string(want), Got: got}
	if strings.Contains(got+f.Expected, "\n") {
		f.Note = "it differs first in line " + strconv.Itoa(firstLine(f.Expected, got))
	}
	return f
}

// firstLine is the number of the first line in which two texts differ.
func firstLine(a, b string) int {
	line := 1
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			break
		}
		if a[i] == '\n' {
			line++
		}
	}
	return line
}

// assertsNothing is the fault of an assertion that holds whatever the reply is.
func assertsNothing(why string) error {
	return &Failure{What: why + ", so this step asserts nothing", Hint: "it would pass with any reply; say what is expected"}
}

func assertReplyContains(_ context.Context, w *World, a Args) error {
	if a.Text(0) == "" {
		return assertsNothing("every reply contains the empty text")
	}
	if got := w.reply.text(w.reply.format); !strings.Contains(got, a.Text(0)) {
		return differs(fmt.Sprintf("the reply does not contain %q", a.Text(0)), a.Text(0), plain(beginning(got)))
	}
	return nil
}

func assertReplyLacks(_ context.Context, w *World, a Args) error {
	got := w.reply.text(w.reply.format)
	if at := strings.Index(got, a.Text(0)); at >= 0 {
		return &Failure{What: fmt.Sprintf("the reply contains %q", a.Text(0)), Note: fmt.Sprintf("in line %d", 1+strings.Count(got[:at], "\n"))}
	}
	return nil
}

func assertFaster(_ context.Context, w *World, a Args) error {
	limit, err := parseDuration(a.Text(0))
	if err != nil {
		return err
	}
	if w.reply.Took >= limit {
		return differs("the reply took too long", plain("less than "+limit.String()), plain(round(w.reply.Took).String()))
	}
	return nil
}

func assertSlower(_ context.Context, w *World, a Args) error {
	limit, err := parseDuration(a.Text(0))
	if err != nil {
		return err
	}
	if limit == 0 {
		return assertsNothing("every reply takes at least no time")
	}
	if w.reply.Took < limit {
		return differs("the reply came too soon", plain("at least "+limit.String()), plain(round(w.reply.Took).String()))
	}
	return nil
}

// parseDuration reads what people write: "2 seconds", "1 second", "0.5 s", "500 ms", "500ms", or seconds alone.
func parseDuration(text string) (time.Duration, error) {
	compact := strings.ToLower(strings.ReplaceAll(text, " ", ""))
	for _, unit := range []struct{ long, short string }{
		{"milliseconds", "ms"}, {"millisecond", "ms"}, {"seconds", "s"}, {"second", "s"}, {"minutes", "m"}, {"minute", "m"},
	} {
		if number, found := strings.CutSuffix(compact, unit.long); found {
			compact = number + unit.short
			break
		}
	}
	if _, err := strconv.ParseFloat(compact, 64); err == nil {
		compact += "s"
	}
	d, err := time.ParseDuration(compact)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no duration; write it like \"2 seconds\" or \"500 ms\"", text)
	}
	return d, nil
}

// statusText is such as "200 OK".
func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
