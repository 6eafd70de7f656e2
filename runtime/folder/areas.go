package folder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/parley-run/parley/spelling"
)

// Areas say what of a server is not loaded.
type Areas struct {
	Off []string `yaml:"off"` // names of areas: see Optional
}

// Area is a part of a server that can be switched off at its start: it is then neither loaded nor listed.
type Area struct {
	Name  string
	Doc   string
	Needs string // another area, without which it cannot be; empty: none
}

// The areas that a server can do without.
const (
	AreaAudit   = "audit"
	AreaEnmasse = "enmasse"
	AreaKVDB    = "kvdb"
	AreaMetrics = "metrics"
	AreaObject  = "object"
	AreaOpenAPI = "openapi"
	AreaPickup  = "pickup"
	AreaSecrets = "secrets"
	AreaStats   = "stats"
)

// Optional are the areas that a server can do without.
func Optional() []Area {
	return []Area{
		{AreaAudit, "reading and verifying the audit log (parley.audit.*), which is written all the same", ""},
		{AreaEnmasse, "config files (parley.enmasse.*)", ""},
		{AreaKVDB, "the key/value database of services (self.kvdb, parley.kvdb.*)", ""},
		{AreaMetrics, "GET /metrics of the admin API", AreaStats},
		{AreaObject, "listing and changing single definitions (parley.object.*, parley.channel.create and so on)", ""},
		{AreaOpenAPI, "the OpenAPI documents of channels and of the admin API", ""},
		{AreaPickup, "the pickup folder", ""},
		{AreaSecrets, "the keys of secrets (parley.secrets.*); secrets are opened all the same", ""},
		{AreaStats, "statistics: counting, saving and parley.stats.*", ""},
	}
}

// Has says whether an area is on.
func (a Areas) Has(name string) bool { return !slices.Contains(a.Off, name) }

// check is what is wrong with each name, by its place in Off.
func (a Areas) check() map[int]string {
	known, out := []string{}, map[int]string{}
	for _, one := range Optional() {
		known = append(known, one.Name)
		if i := slices.Index(a.Off, one.Needs); i >= 0 && a.Has(one.Name) {
			out[i] = fmt.Sprintf("%s needs %s: switch %s off, too, or leave %s on", one.Name, one.Needs, one.Name, one.Needs)
		}
	}
	for i, name := range a.Off {
		switch near := spelling.Nearest(name, known); {
		case slices.Contains(a.Off[:i], name):
			out[i] = fmt.Sprintf("%q is there twice", name)
		case slices.Contains(known, name):
		case slices.Contains([]string{"admin", "api", "catalog", "channel", "cluster", "outconn", "server", "service"}, name):
			out[i] = fmt.Sprintf("%q cannot be switched off: the cluster itself needs it; docs/admin-api.md says what can be", name)
		case near != "":
			out[i] = fmt.Sprintf("there is no area %q; did you mean %s?", name, near)
		default:
			out[i] = fmt.Sprintf("there is no area %q; there are %s", name, strings.Join(known, ", "))
		}
	}
	return out
}

func checkAreas(a Areas, body ast.Node, found *faults) {
	for i, problem := range a.check() {
		found.add(tokenAt(body, "areas", "off", i), "areas.off[%d]: %s", i, problem)
	}
}
