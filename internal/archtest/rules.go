// Package archtest holds the house's import rule: down only, never sideways, never up. Its test reads every
// Go file of the module; ARCHITECTURE.md says why.
package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// level is one rank of the runtime: a package imports lower ranks only, never one of its own.
type level struct {
	rank     int
	packages []string // paths within the module; a trailing /* stands for one folder more
	standard bool     // they import the standard library alone; their tests may use more
}

func levels() []level {
	return []level{
		{rank: 0, packages: []string{"runtime", "runtime/service", "runtime/kind", "runtime/framing"}, standard: true},
		{rank: 0, packages: []string{"runtime/certificate", "runtime/database", "runtime/password", "runtime/secret"}},
		{rank: 1, packages: []string{
			"runtime/channel", "runtime/outconn", "runtime/security", "runtime/sio", "runtime/stats", "runtime/pubsub", "runtime/scheduler",
			"runtime/cache", "runtime/lock", "runtime/rbac", "runtime/ratelimit", "runtime/catalog", "runtime/cluster", "runtime/starlark", "runtime/balancer",
			"runtime/folder", "runtime/logs", "runtime/message", "runtime/zmtp", "runtime/trace", "runtime/export",
		}},
		{rank: 2, packages: []string{"runtime/channel/*", "runtime/outconn/*", "runtime/security/*", "runtime/balancer/*", "runtime/starlark/*", "runtime/export/*", "runtime/openapi", "runtime/adapter"}},
		{rank: 3, packages: []string{"runtime/admin", "runtime/dashboard", "runtime/deploy", "runtime/enmasse"}},
		{rank: 4, packages: []string{"runtime/node", "runtime/supervisor"}},
		{rank: 5, packages: []string{"cmd/*"}},
	}
}

// area is a tree of packages beside the runtime: free among themselves, they import nothing else of ours but
// the areas in may, and what is shared.
type area struct {
	root   string
	may    []string
	shared bool // everybody may import it
	// It imports the standard library alone, so that packages of the runtime which do so, too, may import it.
	standard bool
}

func areas() []area {
	return []area{
		{root: "mocks"},
		{root: "fixtures", may: []string{"mocks"}},
		{root: "steps", may: []string{"fixtures", "bench"}},
		{root: "apitest", may: []string{"steps", "fixtures"}},
		{root: "features", may: []string{"steps", "fixtures"}},
		{root: "bench"},
		// What runs and what tests it must read a Redis's URL alike, and neither may import the other.
		{root: "redisurl", shared: true},
		// Likewise XPaths.
		{root: "xpathnames", shared: true},
		// What was meant by a name that is not there, and files that people write.
		{root: "spelling", shared: true, standard: true},
		{root: "yamlfile", shared: true, may: []string{"spelling"}},
		// The dashboard and the reports of load draw with one copy of uPlot.
		{root: "uplot", shared: true},
		// Tests of pages open them alike.
		{root: "internal/chromium", shared: true},
		// So do they send to the OpenTelemetry Collector, balance load, look for ports, and read what others still write.
		{root: "internal/backend", shared: true},
		{root: "internal/collector", shared: true},
		{root: "internal/freeport", shared: true, standard: true},
		{root: "internal/locked", shared: true, standard: true},
		// Both commands say what is wrong with a command line alike.
		{root: "internal/clifault", shared: true},
		{root: "internal/archtest"},
		{root: "internal/clipage"},
	}
}

const commands = 5 // the rank that may import the areas too

// Import is one import of a Go file.
type Import struct {
	From string // path within the module of the package that imports; "." is its root
	Path string // as written in the file
	At   string // file:line
	Test bool   // in a _test.go file
}

// heavy are packages that call methods by name, or import those that do: where one is linked the linker must keep every
// exported method.
func heavy() []string {
	return []string{"html/template", "text/template", "github.com/Shopify/toxiproxy/v2", "github.com/prometheus/client_golang/prometheus"}
}

// Check returns a message for each import that breaks the rule, and for each package that the table above
// does not know. module is the module's path.
func Check(module string, imports []Import) []string {
	var out []string
	unknown := func(pkg string) string {
		return fmt.Sprintf("package %s has no place: give it a rank in levels(), or an area in areas(), of internal/archtest/rules.go", pkg)
	}
	for _, i := range imports {
		target, ours := within(module, i.Path)
		if !known(i.From) {
			out = append(out, unknown(i.From))
			continue
		}
		switch {
		case ours && !known(target):
			out = append(out, unknown(target))
		case ours && target != i.From:
			if why := forbidden(i.From, target, i.Test); why != "" {
				out = append(out, fmt.Sprintf("%s: %s imports %s: %s", i.At, i.From, target, why))
			}
		case !ours && !i.Test && slices.Contains(heavy(), i.Path) && (areaOf(i.From) != nil || i.From == "cmd/apitest"):
			out = append(out, fmt.Sprintf("%s: %s imports %s: with it bin/apitest carries every method of all that it is made of, 10 MB more; "+
				"bench/markup writes HTML", i.At, i.From, i.Path))
		case !ours && !i.Test && standardOnly(i.From) && strings.Contains(strings.Split(i.Path, "/")[0], "."):
			out = append(out, fmt.Sprintf("%s: %s imports %s: it is for the standard library alone", i.At, i.From, i.Path))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// forbidden is why from must not import target, or empty. Tests may import fixtures: the servers of a test's own, such
// as PostgreSQL, are there.
func forbidden(from, target string, test bool) string {
	if b := areaOf(target); b != nil && b.shared && (b.standard || !standardOnly(from)) {
		return ""
	}
	if a := areaOf(from); a != nil {
		b := areaOf(target)
		switch {
		case a.shared && test && target == "fixtures":
			return ""
		case b == nil:
			return a.root + " is a black box: it imports nothing of " + strings.Split(target, "/")[0]
		case a.root != b.root && !slices.Contains(a.may, b.root):
			return a.root + " imports none of " + b.root
		}
		return ""
	}
	have, want := rankOf(from), rankOf(target)
	switch {
	case test && target == "fixtures":
		return ""
	case areaOf(target) != nil && have < commands:
		return "what runs imports nothing of what tests it"
	case areaOf(target) != nil || want < have:
		return ""
	case want == have:
		return fmt.Sprintf("both are of rank %d, and siblings are strangers; let the one declare a small interface, and a higher package wire them", have)
	default:
		return fmt.Sprintf("rank %d must not import rank %d: imports go down only", have, want)
	}
}

// within is path relative to module, and whether it is of the module.
func within(module, path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func known(pkg string) bool { return areaOf(pkg) != nil || rankOf(pkg) >= 0 }

func areaOf(pkg string) *area {
	for _, a := range areas() {
		if pkg == a.root || strings.HasPrefix(pkg, a.root+"/") {
			return &a
		}
	}
	return nil
}

// rankOf is a package's rank, or -1.
func rankOf(pkg string) int {
	if l, ok := levelOf(pkg); ok {
		return l.rank
	}
	return -1
}

func standardOnly(pkg string) bool {
	l, ok := levelOf(pkg)
	return ok && l.standard || areaOf(pkg) != nil && areaOf(pkg).standard
}

func levelOf(pkg string) (level, bool) {
	for _, l := range levels() {
		for _, p := range l.packages {
			parent, oneMore := strings.CutSuffix(p, "/*")
			below, isBelow := strings.CutPrefix(pkg, parent+"/")
			if !oneMore && pkg == p || oneMore && isBelow && !strings.Contains(below, "/") {
				return l, true
			}
		}
	}
	return level{}, false
}
