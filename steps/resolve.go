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
			return text, nil
		}
	}
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

// named is the value of a name, by the sign that stands before it.
func (w *World) named(sign byte, name string) (any, error) {
	switch sign {
	case '$':
		v, there := os.LookupEnv(name)
		if !there {
			return nil, unset(fmt.Sprintf("the environment has no variable %q", name), "set are", environmentNames())
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

func environmentNames() []string {
	var names []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
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
