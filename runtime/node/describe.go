package node

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/adapter"
	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// The groups of kinds.
const (
	GroupChannels = "channels"
	GroupOutconns = "outconns"
	GroupSecurity = "security"
	GroupAdapters = "adapters"
	GroupRules    = "rules"
	GroupUsers    = "users"
)

// Described is a kind of definition, for people and for programs that make forms of it.
type Described struct {
	kind.Info
	Group string // one of the Group constants
	// Example is one object of the kind, as a file of definitions lists it under the kind's key; secrets in it are references.
	Example string
}

// InternalServices are what the admin API of a server offers, for documentation: they cannot be called. No server needs to
// run.
func InternalServices() []service.Service { return (&Node{}).internalServices() }

// Kinds are all kinds of definitions that a server knows, sorted by name. No server needs to run.
func Kinds() []Described {
	n := &Node{
		channelKinds: map[string]channel.Kind{}, outconnKinds: map[string]outconn.Kind{}, securityKinds: map[string]security.Kind{},
		adapterKinds: map[string]adapter.Kind{}, kinds: map[string]anyKind{},
	}
	n.addKinds()
	examples := kindExamples()
	out := make([]Described, 0, len(n.kinds))
	for _, name := range slices.Sorted(maps.Keys(n.kinds)) {
		out = append(out, Described{n.kinds[name].Info, n.groupOf(name), examples[name]})
	}
	return out
}

func (n *Node) groupOf(name string) string {
	switch {
	case n.channelKinds[name].Name != "":
		return GroupChannels
	case n.outconnKinds[name].Name != "":
		return GroupOutconns
	case n.securityKinds[name].Name != "":
		return GroupSecurity
	case n.adapterKinds[name].Name != "":
		return GroupAdapters
	case name == admin.UserKindName:
		return GroupUsers
	}
	return GroupRules
}

// areas are the groups of kinds, each with internal services of its own.
func (n *Node) areas() []enmasse.Area {
	if !n.has(folder.AreaObject) {
		return nil
	}
	out := []enmasse.Area{
		{Name: "channel", What: "channels"},
		{Name: "outconn", What: "outgoing connections"},
		{Name: "security", What: "security definitions"},
		{Name: "adapter", What: "adapters"},
		{Name: "rule", What: "rules"},
		{Name: "user", What: "users"},
	}
	groups := []string{GroupChannels, GroupOutconns, GroupSecurity, GroupAdapters, GroupRules, GroupUsers}
	for _, k := range Kinds() {
		a := &out[slices.Index(groups, k.Group)]
		a.Kinds = append(a.Kinds, k.Name)
	}
	return out
}

// examplesFile holds an object of each kind, which tests run, export and import.
//
//go:embed testdata/kinds.yaml
var examplesFile string

var exampleSecret = regexp.MustCompile(`c4nary[a-z0-9-]*`)

// kindExamples are the objects of examplesFile, by kind.
func kindExamples() map[string]string {
	out := map[string]string{}
	name := ""
	for text := range strings.Lines(examplesFile) {
		switch {
		case strings.HasPrefix(text, "#"):
		case !strings.HasPrefix(text, " "):
			name = strings.TrimSuffix(strings.TrimSpace(text), ":")
		case out[name] == "" || !strings.HasPrefix(text, "  - "): // the first of a kind
			text = strings.NewReplacer("${DIR}", "/srv/bank", "${NOBODY}", "bank").Replace(text)
			out[name] += exampleSecret.ReplaceAllString(text, `"env:SECRET"`)
		}
	}
	return out
}
