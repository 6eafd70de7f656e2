package enmasse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
)

// Export writes the objects of now that kinds know as a file, sorted by kind and name, every key of theirs
// given. Parse of it gives the same objects again.
func Export(now *catalog.Snapshot, kinds Kinds) (string, error) {
	known := kinds.Names()
	var b strings.Builder
	last := ""
	for _, o := range now.Objects {
		if !slices.Contains(known, o.Kind) {
			continue
		}
		if o.Kind != last {
			last = o.Kind
			fmt.Fprintf(&b, "%s:\n", scalar(o.Kind))
		}
		fmt.Fprintf(&b, "  - name: %s\n", scalar(escape(o.Name)))
		if err := exportSpec(&b, o.Spec, kinds.Secrets(o.Kind)); err != nil {
			return "", fmt.Errorf("export %s %q: %w", o.Kind, o.Name, err)
		}
	}
	if last == "" {
		return "{}\n", nil
	}
	return b.String(), nil
}

// exportSpec writes a spec's keys in their order. Of secrets it writes references alone, and that there is one.
func exportSpec(b *strings.Builder, spec []byte, secrets []string) error {
	dec := json.NewDecoder(bytes.NewReader(spec))
	dec.UseNumber()
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return fmt.Errorf("its spec is no JSON object: %.40q", spec)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "    %s: ", scalar(key.(string)))
		if err := exportValue(b, dec, scalar, below(secrets, key.(string))); err != nil {
			return err
		}
		b.WriteByte('\n')
	}
	return nil
}

// below are the places within what stands under key; one that is empty is that itself.
func below(places []string, key string) []string {
	var out []string
	for _, place := range places {
		if first, rest, _ := strings.Cut(place, "."); first == key || first == "*" {
			out = append(out, rest)
		}
	}
	return out
}

// exportValue writes the next value of dec, lists and objects in one line. secrets are the places of secrets within it.
func exportValue(b *strings.Builder, dec *json.Decoder, write func(string) string, secrets []string) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	switch tok := tok.(type) {
	case json.Delim:
		b.WriteString(tok.String())
		for i := 0; dec.More(); i++ {
			if i > 0 {
				b.WriteString(", ")
			}
			within := below(secrets, "*")
			if tok == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				b.WriteString(quoted(key.(string)) + ": ")
				within = below(secrets, key.(string))
			}
			if err := exportValue(b, dec, inFlow, within); err != nil {
				return err
			}
		}
		end, err := dec.Token()
		if err != nil {
			return err
		}
		b.WriteString(end.(json.Delim).String())
	case string:
		if s := kind.NewSecret(tok); slices.Contains(secrets, "") && s.IsSet() && !s.IsReference() {
			tok = kind.Kept
		}
		b.WriteString(write(escape(tok)))
	case json.Number:
		b.WriteString(tok.String())
	case bool:
		b.WriteString(strconv.FormatBool(tok))
	default:
		b.WriteString("null")
	}
	return nil
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z/]([A-Za-z0-9_/.-]|[ :][A-Za-z0-9_/.-])*$`)
	plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
)

// scalar writes text without quotes where nobody can take it for something else.
func scalar(s string) string { return unless(s, plainText) }

// inFlow is scalar between brackets, where commas and colons count.
func inFlow(s string) string { return unless(s, plainWord) }

func unless(s string, plain *regexp.Regexp) string {
	if form, _, problem := resolve(s); form == text && problem == "" && plain.MatchString(s) {
		return s
	}
	return quoted(s)
}

// quoted is s in double quotes, all that does not print as an escape.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r) && r != '\ufeff':
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
