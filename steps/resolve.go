package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/spelling"
)

// vaultPrefix begins a parameter that is read from Vault.
const vaultPrefix = "vault:"

// embedded is a name inside a text. Its letters are those of any language, as in Python's \w.
var embedded = regexp.MustCompile(`[$#@]\{[\p{L}\p{N}_]+\}`)

// resolve fills in a parameter: $NAME of the environment, @name of the configuration, #name of the stored values, all
// three also as ${NAME}, @{name} and #{name} inside a text, and vault:path of Vault. A value as a whole keeps its type,
// inside a text it is written as JSON; what was filled in is filled in no further. A text that begins with ${NAME} and
// goes on is one with a value inside, which zato-apitest takes for a strange name, and fails.
func (w *World) resolve(ctx context.Context, text string) (any, error) {
	if !strings.ContainsAny(text, "$#@") && !strings.HasPrefix(text, vaultPrefix) {
		return text, nil
	}
	if at := embedded.FindStringIndex(text); at == nil || at[0] != 0 {
		if strings.ContainsRune("$@#", rune(text[0])) {
			return w.named(text[0], text[1:])
		}
		if path, isVault := strings.CutPrefix(text, vaultPrefix); isVault {
			return w.fromVault(ctx, path)
		}
		if at == nil {
			w.tellUnfilled(text)
			return text, nil
		}
	}
	w.tellUnfilled(text)
	var fault error
	filled := embedded.ReplaceAllStringFunc(text, func(found string) string {
		v, err := w.named(found[0], found[2:len(found)-1])
		if err != nil {
			fault = cmp.Or(fault, err) // the first is told
			return found
		}
		return textOf(v)
	})
	return filled, fault
}

// unfilled is a name without braces inside a text.
var unfilled = regexp.MustCompile(`.[$#@][\p{L}_][\p{L}\p{N}_]*`)

// tellUnfilled tells, once for each text, of a name that has a value and stands inside a text without braces: that text is sent
// as it is, as zato-apitest does, which hardly anybody means who writes "Bearer $TOKEN".
func (w *World) tellUnfilled(text string) {
	for _, found := range unfilled.FindAllString(text, -1) {
		_, size := utf8.DecodeRuneInString(found)
		name := found[size:]
		known := false
		switch name[0] {
		case '$':
			_, known = os.LookupEnv(name[1:])
		case '@':
			_, known = w.suite.options.User[name[1:]]
		case '#':
			_, known = w.vars[name[1:]]
		}
		if !known {
			continue
		}
		if _, told := w.suite.told.LoadOrStore(text, true); !told {
			w.suite.options.Log("%s: %s inside the text %q is not filled in; to fill it in, write %s{%s}", w.file.path, name, w.suite.mask.Text(text), name[:1], name[1:])
		}
	}
}

// named is the value of a name, by the sign that stands before it.
func (w *World) named(sign byte, name string) (any, error) {
	switch sign {
	case '$':
		v, there := os.LookupEnv(name)
		if !there {
			return nil, noVariable(name)
		}
		w.suite.mask.Named(name, v)
		return v, nil
	case '@':
		v, there := w.suite.options.User[name]
		if !there {
			return nil, unset(fmt.Sprintf("the configuration has no value %q", name), "configured are", slices.Sorted(maps.Keys(w.suite.options.User)))
		}
		return v, nil
	}
	v, there := w.vars[name]
	if !there {
		return nil, unset(fmt.Sprintf("nothing is stored under %q", name), "stored are", slices.Sorted(maps.Keys(w.vars)))
	}
	return v, nil
}

// unset is the failure of a name without a value, with the names that have one.
func unset(what, have string, names []string) error {
	if len(names) == 0 {
		names = []string{"none"}
	}
	return &Failure{What: what, Hint: have + ": " + strings.Join(names, ", ")}
}

// noVariable is the failure of a name that the environment has not. It holds dozens that are nobody's business here, so that only the
// nearest is named.
func noVariable(name string) error {
	var names []string
	for _, pair := range os.Environ() {
		known, _, _ := strings.Cut(pair, "=")
		names = append(names, known)
	}
	f := &Failure{What: fmt.Sprintf("the environment has no variable %q", name)}
	if near := spelling.Nearest(name, names); near != "" {
		f.Hint = "did you mean: " + near
	} else if name != "" {
		f.Hint = "set it before the run, such as: " + name + "=... apitest run ..."
	}
	return f
}

func (w *World) fromVault(ctx context.Context, path string) (any, error) {
	if w.suite.options.Vault == nil {
		return nil, errors.New("no Vault is configured, so " + vaultPrefix + path + " means nothing; give its address and token in apitest.yaml or config.ini")
	}
	v, err := w.suite.options.Vault(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("path %q of Vault: %w", path, err)
	}
	w.suite.mask.Add(path[strings.LastIndexByte(path, '/')+1:], v)
	return v, nil
}
