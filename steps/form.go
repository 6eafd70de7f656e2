package steps

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// form is what a request of the format FORM consists of. Its parameters are only ever appended to and its files copied
// when they change, so that a copy of a form stays as it was.
type form struct {
	params   []param
	files    []file
	boundary string // between the parts of a form with files
}

type param struct{ name, value string }

type file struct {
	field, name string
	content     []byte
}

func formSteps() []Step {
	return []Step{
		given(`request param "{name}" is "{value}"`, "A field of a form. Said again for a name it adds a value; a stored list adds all of its.",
			`request param "colour" is "green"`, setParam),
		given(`form field "{name}" is "{value}"`, "Sets a field of the form, in the words of zato-apitest 24.10.", `form field "colour" is "green"`, setParam),
		given(`request file "{name}" is "{value}"`, "A file that a form uploads in a field, from the folder form/request beside the feature file or above it.",
			`request file "report" is "report.csv"`, setUpload),
		then(`form is cleaned up`, "Takes back the form's fields and files.", `form is cleaned up`, cleanForm),
	}
}

func setParam(_ context.Context, w *World, a Args) error {
	name := a.Text(0)
	values, isList := a.Value(1).([]any)
	if !isList {
		values = []any{a.Value(1)}
	}
	for _, v := range values {
		if v == nil {
			continue
		}
		w.suite.mask.Named(name, textOf(v))
		w.form.params = append(w.form.params, param{name, textOf(v)})
	}
	w.payload = payload{}
	return nil
}

func setUpload(_ context.Context, w *World, a Args) error {
	text, _, err := w.dataFile(a.Text(1), "request", formatForm)
	if err != nil {
		return err
	}
	upload := file{field: a.Text(0), name: path.Base(filepath.ToSlash(a.Text(1))), content: text}
	others := slices.DeleteFunc(slices.Clone(w.form.files), func(f file) bool { return f.field == upload.field })
	w.form.files = append(others, upload)
	if w.form.boundary == "" {
		w.form.boundary = fmt.Sprintf("%016x%016x", w.random.Uint64(), w.random.Uint64())
	}
	w.payload = payload{}
	return nil
}

func cleanForm(_ context.Context, w *World, _ Args) error {
	w.form = form{}
	return nil
}

func (f *form) empty() bool { return len(f.params) == 0 && len(f.files) == 0 }

// encode writes the form: in parts where there are files, else in one line; values of one name stand together.
func (f *form) encode() []byte {
	if len(f.files) > 0 {
		return f.parts()
	}
	var pairs []string
	for _, p := range f.ordered() {
		pairs = append(pairs, url.QueryEscape(p.name)+"="+url.QueryEscape(p.value))
	}
	return []byte(strings.Join(pairs, "&"))
}

// ordered are the parameters by the first appearance of their names.
func (f *form) ordered() []param {
	first := map[string]int{}
	for i, p := range f.params {
		if _, seen := first[p.name]; !seen {
			first[p.name] = i
		}
	}
	all := slices.Clone(f.params)
	slices.SortStableFunc(all, func(a, b param) int { return first[a.name] - first[b.name] })
	return all
}

// parts writes multipart/form-data, RFC 7578: fields first, then files, which have no Content-Type of their own.
func (f *form) parts() []byte {
	var b bytes.Buffer // writing to it does not fail
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(f.boundary) // 32 hexadecimal digits are one
	for _, p := range f.ordered() {
		_ = w.WriteField(p.name, p.value)
	}
	for _, up := range f.files {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {multipart.FileContentDisposition(up.field, up.name)}})
		if err == nil {
			_, _ = part.Write(up.content)
		}
	}
	_ = w.Close()
	return b.Bytes()
}
