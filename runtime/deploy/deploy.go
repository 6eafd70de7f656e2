// Package deploy turns service files into catalog objects, which every server then runs: files that are
// uploaded through the internal services parley.service.deploy and parley.service.undeploy, and files that
// appear in a pickup folder.
package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

// FileKind is the catalog's kind of a deployed service file. Its objects are named after the file, such as
// tutorial.star; their spec is {"source": "..."}.
const FileKind = "service_file"

// Extension is what the names of service files end in.
const Extension = ".star"

// MaxSize is how many bytes a service file may have.
const MaxSize = 1 << 20

// Catalog is what deploying needs of it. Safe for concurrent use.
type Catalog interface {
	Current() *catalog.Snapshot
	// Apply makes c serve on this server and saves it, or changes nothing. A refusal of what c holds is a
	// *service.Error with a code below 500, whose message has a line for each fault, as file:line:column:
	// message. Conflict, and any other error, says that the change could not be made now: others changed the
	// catalog all the time, or the store is locked.
	Apply(ctx context.Context, c catalog.Change) (revision int64, err error)
	// ServicesOf names the services that the deployed version of a file declares.
	ServicesOf(file string) []string
	// Declares names the services that each of files, sources by name, would declare if all of them were deployed
	// now. One that could not run is missing. Nothing is deployed.
	Declares(ctx context.Context, files map[string]string) (map[string][]string, error)
}

// Refusal is an error of Apply that knows which objects cannot run, and why. A pickup folder of many files asks
// it; it does without, at the price of more tries.
type Refusal interface {
	error
	Refused() map[catalog.Key]error
}

// fileName is the form of a file's name. Its length has its own bound: in the expression it would be as many copies.
var fileName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*\.star$`)

const longestFileName = 128 + len(Extension)

// NewObject is the catalog object of a service file. Its errors are of code Invalid and name the file.
func NewObject(name, source string) (catalog.Object, error) {
	switch {
	case len(name) > longestFileName || !fileName.MatchString(name):
		return catalog.Object{}, service.Errorf(service.Invalid,
			"file %q: expected a name of letters, digits, _, . and -, without a folder, that ends in %s", name, Extension)
	case len(source) > MaxSize:
		return catalog.Object{}, service.Errorf(service.Invalid, "%s:1:1: the file has %d bytes, the limit is %d; split it and load() the parts", name, len(source), MaxSize)
	}
	if at := firstInvalid(source); at >= 0 {
		line := strings.Count(source[:at], "\n") + 1
		column := utf8.RuneCountInString(source[strings.LastIndexByte(source[:at], '\n')+1:at]) + 1
		return catalog.Object{}, service.Errorf(service.Invalid, "%s:%d:%d: not UTF-8; save the file in that encoding", name, line, column)
	}
	spec, err := service.AppendJSON(nil, service.ObjectOf("source", source))
	return catalog.Object{Kind: FileKind, Name: name, Spec: spec}, err
}

// Source is what a service file's object holds.
func Source(o *catalog.Object) (string, error) {
	var spec struct{ Source *string }
	if err := json.Unmarshal(o.Spec, &spec); err != nil || spec.Source == nil {
		return "", fmt.Errorf("%s: its spec is not {\"source\": text}", o.Key())
	}
	return *spec.Source, nil
}

// isBlank says that a file holds nothing: it was cut off, or is still to be written.
func isBlank(source string) bool { return strings.TrimSpace(source) == "" }

// firstInvalid is the offset at which s stops being UTF-8, or -1.
func firstInvalid(s string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

func hashOf(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:])
}
