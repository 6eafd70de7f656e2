package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/supervisor"
)

const adminPage = "../../docs/admin-api.md"

// TestAdminPage keeps the table of docs/admin-api.md equal to what the services declare; -update writes it.
func TestAdminPage(t *testing.T) {
	tables := adminTables(t)
	have, err := os.ReadFile(adminPage)
	require.NoError(t, err)
	const mark = "<!-- what follows is generated -->\n"
	head, _, found := strings.Cut(string(have), mark)
	require.True(t, found, "%s has no line %s", adminPage, mark)
	want := head + mark + tables
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		require.NoError(t, os.WriteFile(adminPage, []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(have), "docs/admin-api.md is not what the services declare: run go test ./cmd/parley -run AdminPage -update")
}

// TestEveryInternalServiceIsDescribed holds that none is published that says nothing of itself.
func TestEveryInternalServiceIsDescribed(t *testing.T) {
	for _, s := range slices.Concat(node.InternalServices(), supervisor.InternalServices()) {
		assert.NotEmpty(t, s.Doc, "%s says nothing of itself: add WithDoc", s.Name)
		assert.NotNil(t, s.Shape, "%s declares neither input nor output", s.Name)
		assert.NotEmpty(t, s.Permission, "%s declares no permission, so that only administrators may call it: add Needs", s.Name)
	}
}

func adminTables(t *testing.T) string {
	t.Helper()
	server, err := admin.New(admin.Config{Services: node.InternalServices()})
	require.NoError(t, err)
	var b strings.Builder
	for _, one := range []struct {
		title, words string
		services     []service.Service
	}{
		{"Services of a server", "", server.Services},
		{"Services of the supervisor", "Each server of the cluster offers them too, and the supervisor those of the servers.", supervisor.InternalServices()},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n", one.title)
		if one.words != "" {
			fmt.Fprintf(&b, "%s\n\n", one.words)
		}
		b.WriteString("| service | what it does | permission | roles | input | output |\n| --- | --- | --- | --- | --- | --- |\n")
		slices.SortFunc(one.services, func(a, b service.Service) int { return cmp.Compare(a.Name, b.Name) })
		for _, s := range one.services {
			roles := make([]string, 0, 4)
			for _, r := range admin.RolesWith(s.Needed()) {
				roles = append(roles, string(r))
			}
			doc := strings.TrimSuffix(strings.ToLower(s.Doc[:1])+s.Doc[1:], ".")
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", s.Name, strings.ReplaceAll(doc, "|", `\|`), s.Needed(), strings.Join(roles, ", "),
				side(s.Shape.Input, s.Shape.InputRepeated, "nothing"), side(s.Shape.Output, s.Shape.Repeated, "any value"))
		}
	}
	return b.String()
}

// side is one side of a shape in a line: name type, a question mark behind what may be left out.
func side(fields []service.Field, repeated bool, none string) string {
	if len(fields) == 0 {
		return none
	}
	text := "`" + listed(fields) + "`"
	if repeated {
		return "a list of " + text
	}
	return text
}

func listed(fields []service.Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		optional := ""
		if !f.Required {
			optional = "?"
		}
		of := cmp.Or(f.Type, "text")
		switch {
		case f.Type == "dictlist":
			of = "[{" + listed(f.Fields) + "}]"
		case len(f.Fields) > 0:
			of = "{" + listed(f.Fields) + "}"
		case f.Type == "list":
			of = "[" + cmp.Or(f.Of, "any") + "]"
		case f.Type == "dict":
			of = "{}"
		}
		parts[i] = f.Name + optional + " " + of
	}
	return strings.Join(parts, ", ")
}
