package steps

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

func valueSteps() []Step {
	text := given(`I store a format string "{value}" under "{name}"`,
		"Keeps a text in which {name} is a stored value, {{ and }} are braces, and $, # and @ mean nothing.",
		`I store a format string "{first}@example.com" under "mail"`, storeFormatted)
	text.Literal = true
	unpacked := given(`I decode "{value}" using Base64 under "{name}"`, "Keeps the text that a Base64 text stands for.",
		`I decode "U2Vhbg==" using Base64 under "plain"`, storeDecoded)
	unpacked.Kinds = []Kind{Given, Then}
	return append([]Step{
		given(`I store "{value}" under "{name}"`, `Keeps a value, which later steps use as "#name", or as #{name} inside a text.`,
			`I store "123" under "customer"`, storeValue),
		text,
		given(`I store a random string under "{name}"`, "Keeps the letter a and 32 hexadecimal digits.",
			`I store a random string under "id"`, storeRandom(func(w *World) any { return w.randomText() })),
		given(`I store a random integer under "{name}"`, "Keeps a number from 0 to 99.",
			`I store a random integer under "n"`, storeRandom(func(w *World) any { return w.randomInteger() })),
		given(`I store a random float under "{name}"`, "Keeps a number from 0 to 100 with a fraction.",
			`I store a random float under "amount"`, storeRandom(func(w *World) any { return w.randomFloat() })),
		given(`I encode "{value}" using Base64 under "{name}"`, "Keeps the Base64 of a text.",
			`I encode "Sean" using Base64 under "encoded"`, storeEncoded),
		unpacked,
		reply(`I store "{path}" from response under "{name}"`, "Keeps what a JSON Pointer, or in an XML reply an XPath, finds.",
			`I store "/response/first_name" from response under "first"`, storeFromReply),
		reply(`I store "{path}" from response under "{name}", default "{default}"`, "Keeps what a JSON Pointer, or in an XML reply an XPath, finds; where there is no such value, the default.",
			`I store "/response/nickname" from response under "nick", default "none"`, storeFromReplyOr),
		reply(`I store header "{header}" under "{name}"`, "Keeps a header of the reply.",
			`I store header "X-Parley-CID" under "cid"`, storeHeader),
		reply(`I store header "{header}" from response under "{name}"`, "Keeps a header of the last reply for later steps.", `I store header "X-Parley-CID" from response under "cid"`, storeHeader),
		then(`I sleep for "{seconds}"`, "Does nothing for so many seconds. Prefer: within 5 seconds, ...",
			`I sleep for "0.01"`, sleep),
	}, variableSteps()...)
}

func storeValue(_ context.Context, w *World, a Args) error {
	w.Store(a.Text(1), a.Value(0))
	return nil
}

func storeRandom(pick func(*World) any) func(context.Context, *World, Args) error {
	return func(_ context.Context, w *World, a Args) error {
		w.Store(a.Text(0), pick(w))
		return nil
	}
}

var formatField = regexp.MustCompile(`\{\{|\}\}|\{[^{}]*\}|[{}]`)

// storeFormatted fills in names between braces, by the rules of Python's str.format without its conversions.
func storeFormatted(_ context.Context, w *World, a Args) error {
	var fault error
	filled := formatField.ReplaceAllStringFunc(a.Text(0), func(found string) string {
		switch found {
		case "{{", "}}":
			return found[:1]
		case "{", "}":
			fault = fmt.Errorf("a single %s in a format string; write %s%s for the character itself", found, found, found)
			return found
		}
		v, err := w.named('#', found[1:len(found)-1])
		if err != nil {
			fault = cmp.Or(fault, err)
			return found
		}
		return textOf(v)
	})
	if fault != nil {
		return fault
	}
	w.Store(a.Text(1), filled)
	return nil
}

func storeEncoded(_ context.Context, w *World, a Args) error {
	w.Store(a.Text(1), base64.StdEncoding.EncodeToString([]byte(a.Text(0))))
	return nil
}

func storeDecoded(_ context.Context, w *World, a Args) error {
	compact := strings.TrimRight(strings.Join(strings.Fields(a.Text(0)), ""), "=")
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(compact, "-_") {
		encoding = base64.RawURLEncoding
	}
	raw, err := encoding.DecodeString(compact)
	if err != nil {
		return fmt.Errorf("%q is no Base64: %w", a.Text(0), err)
	}
	w.Store(a.Text(1), string(raw))
	return nil
}

func storeFromReply(_ context.Context, w *World, a Args) error {
	v, err := w.reply.at(a.Text(0), w.namespaces)
	if err != nil {
		return err
	}
	w.Store(a.Text(1), v)
	return nil
}

func storeFromReplyOr(_ context.Context, w *World, a Args) error {
	v, err := w.reply.at(a.Text(0), w.namespaces)
	switch {
	case errors.Is(err, errNoValue):
		v = a.Value(2)
	case err != nil:
		return err
	}
	w.Store(a.Text(1), v)
	return nil
}

func storeHeader(_ context.Context, w *World, a Args) error {
	v, err := w.reply.headerOf(a.Text(0))
	if err != nil {
		return err
	}
	w.Store(a.Text(1), v)
	return nil
}

func sleep(ctx context.Context, _ *World, a Args) error {
	d, err := a.Duration(0)
	if err != nil {
		return err
	}
	return wait(ctx, d)
}

// at is what a JSON Pointer or an XPath finds in the reply. Where there is no such value the error is errNoValue.
func (r *Reply) at(path string, namespaces map[string]string) (any, error) {
	if r.format != formatXML {
		if len(strings.TrimSpace(string(r.Body))) == 0 {
			return nil, fmt.Errorf("JSON Pointer %q: %w: the reply is empty", path, errNoValue)
		}
		return r.lookUp(path)
	}
	return r.xpathAt(path, namespaces)
}
