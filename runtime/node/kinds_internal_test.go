package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/kind"
)

// canary is in every secret that a test gives.
const canary = "c4nary"

// awkward are texts that a careless writer of YAML or JSON would lose.
func awkward(r *rand.Rand) string {
	words := strings.Split("a|A b|yes|true|null|~|010|1e3|- a|a: b|#x|'|\"|\\|${A}|$${A}|$|\n|\t| |é|日本|😀|\u2028|[|{a}|,|&a|*a|!x|>|%|@|`|---|2026-01-02|</x>|\u0001", "|")
	text := ""
	for range r.IntN(4) {
		text += words[r.IntN(len(words))]
	}
	return text
}

// random are values that a field of that type might take: the kind says which.
func random(r *rand.Rand, f kind.Field) any {
	number := []int64{0, 1, 2, 7, 1000, -1, 1 << 40}[r.IntN(7)]
	texts := func() []string {
		out := []string{}
		for range r.IntN(3) {
			out = append(out, awkward(r))
		}
		return out
	}
	switch {
	case f.Secret:
		return []string{canary + awkward(r), "env:HOME", "file:/x/" + canary[:1], ""}[r.IntN(4)]
	case f.Type == "true or false":
		return r.IntN(2) == 0
	case f.Type == "an integer":
		return number
	case f.Type == "a number", strings.HasPrefix(f.Type, "seconds"):
		return float64(number) / 8
	case f.Type == "text":
		return awkward(r)
	case strings.Contains(f.Type, "list"):
		if r.IntN(2) == 0 {
			return texts()
		}
		return slices.Repeat([]string{"GET", "a/1s", "x.*"}[r.IntN(3):][:1], 1+r.IntN(2))
	default:
		return map[string]any{"k" + awkward(r): awkward(r), "x": awkward(r)}
	}
}

// TestExportThenImportChangesNothing is of every kind of the tables, with values that its fields allow: those of its example,
// and others that the kind accepts.
func TestExportThenImportChangesNothing(t *testing.T) {
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "c"), folder.Options{Servers: 1, FreePorts: true})
	require.NoError(t, err)
	n, err := newNode(Config{Folder: f, Server: "server1", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	n.live = catalog.NewLive(nil, n, n.log) // an empty catalog: no key is said to seal but the file's
	require.NotEmpty(t, n.kinds)
	examples := KindConfigs(t)
	for name, k := range n.kinds {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 5))
			example, tried, kept := examples[name], 0, 0
			if _, err := k.parse(inJSON(t, example)); err != nil {
				require.Fail(t, fmt.Sprintf("add an example for kind %s to testdata/kinds.yaml: its defaults alone are no config: %v", name, err))
			}
			for i := range 12 {
				config := map[string]any{}
				for key, value := range example {
					config[key] = value
				}
				for _, field := range k.Fields {
					if i == 0 || r.IntN(2) == 0 {
						continue
					}
					before, had := config[field.Name]
					config[field.Name], tried = random(r, field), tried+1
					if _, err := k.parse(inJSON(t, config)); err == nil {
						kept++
						continue
					}
					if delete(config, field.Name); had {
						config[field.Name] = before
					}
				}
				roundTrip(t, kinds{n}, catalog.Key{Kind: name, Name: fmt.Sprintf("%d%s.", i, strings.Map(printable, awkward(r)))}, config)
			}
			assert.Greater(t, kept, tried/10, "of %d values that were tried only %d were accepted", tried, kept)
		})
	}
}

// printable leaves out what no name holds.
func printable(c rune) rune {
	if c < ' ' {
		return -1
	}
	return c
}

func roundTrip(t *testing.T, k kinds, key catalog.Key, config map[string]any) {
	t.Helper()
	spec, err := k.Parse(key.Kind, inJSON(t, config))
	require.NoError(t, err)
	if spec, err = k.Settle(key, spec, nil); err != nil {
		var faults kind.Faults
		require.ErrorAs(t, err, &faults)
		return // such as (kept) where there is nothing
	}
	require.NotContains(t, string(spec), canary, "a secret is kept as it was given")
	now := catalog.NewSnapshot(1, []*catalog.Object{{Kind: key.Kind, Name: key.Name, Spec: spec}})
	for _, export := range []func(*catalog.Snapshot, enmasse.Kinds) (string, error){enmasse.Export, enmasse.ExportJSON} {
		content, err := export(now, k)
		require.NoError(t, err)
		require.NotContains(t, content, canary, "a secret is exported")
		require.NotContains(t, content, "sealed:")
		definitions, faults := enmasse.Parse([]enmasse.File{{Name: "export", Content: content}}, k, func(string) (string, bool) { return "", false })
		require.NoError(t, faults.Err(), content)
		require.Len(t, definitions, 1)
		require.Equal(t, key, definitions[0].Key)
		again, err := k.Settle(key, definitions[0].Spec, now.Objects[0])
		require.NoError(t, err)
		require.Equal(t, string(spec), string(again), content)
	}
}

func inJSON(t *testing.T, config map[string]any) []byte {
	t.Helper()
	if config == nil {
		config = map[string]any{}
	}
	raw, err := json.Marshal(config)
	require.NoError(t, err)
	return raw
}

func TestKindsDescribeThemselves(t *testing.T) {
	all := Kinds()
	require.NotEmpty(t, all)
	for _, k := range all {
		assert.NotEmpty(t, k.Doc, k.Name)
		assert.Contains(t, k.Example, "name: ", "%s has no example in testdata/kinds.yaml", k.Name)
		assert.NotContains(t, k.Example, canary, k.Name)
		assert.NotContains(t, k.Example, "${", k.Name)
		seen := map[string]bool{}
		for _, f := range k.Fields {
			assert.NotEmpty(t, f.Doc, "%s: %s has no doc", k.Name, f.Name)
			assert.NotEmpty(t, f.Type, "%s: %s", k.Name, f.Name)
			assert.False(t, seen[f.Name], "%s: %s is there twice", k.Name, f.Name)
			seen[f.Name] = true
		}
	}
	assert.True(t, slices.ContainsFunc(all, func(d Described) bool { return d.Name == "channel_rest" && d.Group == GroupChannels }))
	assert.True(t, slices.ContainsFunc(all, func(d Described) bool { return d.Name == "outgoing_zmq" && d.Group == GroupOutconns }))
}

// TestChoicesAreWhatKindsAccept: what a kind says that a key may be, its check takes, and nothing else.
func TestChoicesAreWhatKindsAccept(t *testing.T) {
	f, _, err := folder.Create(filepath.Join(t.TempDir(), "c"), folder.Options{Servers: 1, FreePorts: true})
	require.NoError(t, err)
	n, err := newNode(Config{Folder: f, Server: "server1", Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	examples, groups, looked := KindConfigs(t), map[string]bool{"services": true}, 0
	for _, k := range Kinds() {
		groups[k.Group], groups[k.Name] = true, true
	}
	for name, k := range n.kinds {
		for _, field := range k.Fields {
			assert.True(t, field.Names == "" || groups[field.Names], "%s: %s names %q, which is nothing", name, field.Name, field.Names)
			if len(field.Choices) == 0 {
				continue
			}
			looked++
			refuses := func(value string) bool {
				config := map[string]any{field.Name: any(value)}
				if field.Type == "an integer" {
					config[field.Name] = json.Number(value)
				}
				for key, given := range examples[name] {
					if key != field.Name {
						config[key] = given
					}
				}
				_, err := k.parse(inJSON(t, config))
				var faults kind.Faults
				return errors.As(err, &faults) && slices.ContainsFunc(faults, func(f kind.Fault) bool { return f.Path == field.Name })
			}
			for _, choice := range field.Choices {
				assert.False(t, refuses(choice), "%s: %s refuses its choice %q", name, field.Name, choice)
			}
			assert.True(t, refuses("12345"), "%s: %s takes more than its choices", name, field.Name)
		}
	}
	assert.Greater(t, looked, 20)
}
