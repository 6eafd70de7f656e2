package dashboard

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/service"
)

// faultKey is how a fault begins: with a key of the kind, or a place within it, such as grants[0].services.
var faultKey = regexp.MustCompile(`^([a-z0-9_]+)([.\[][^:;]*)?: `)

// faultsOf are the faults of keys that a refusal tells, as kind.Faults writes them: a server that is asked over the wire gives no more
// than its text. What is of no key, or of another object, is left out.
func faultsOf(err error, k kindInfo, name string) kind.Faults {
	if err == nil || service.AsError(err).Code != service.Invalid {
		return nil
	}
	keys := map[string]bool{}
	for _, f := range k.Fields {
		keys[f.Name] = true
	}
	var out kind.Faults
	for line := range strings.Lines(service.AsError(err).Message) {
		line = strings.TrimPrefix(strings.TrimSpace(line), fmt.Sprintf("%s %q: ", k.Name, name))
		first := len(out)
		for part := range strings.SplitSeq(line, "; ") { // a message may hold it, too
			if m := faultKey.FindStringSubmatch(part); m != nil && keys[m[1]] {
				out.Add(m[1]+m[2], "%s", part[len(m[0]):])
			} else if len(out) > first {
				out[len(out)-1].Message += "; " + part
			}
		}
	}
	return out
}

// blame puts faults at the inputs that they are about.
func (in *input) blame(faults kind.Faults) {
	key := strings.TrimPrefix(in.Name, "k.")
	for _, f := range faults {
		if f.Path == key {
			in.note(f.Message)
			continue
		}
		rest, within := strings.CutPrefix(f.Path, key)
		if !within || !strings.HasPrefix(rest, "[") && !strings.HasPrefix(rest, ".") {
			continue
		}
		if at := in.cellOf(rest); at != nil {
			at.note(f.Message)
		} else {
			in.note(strings.TrimPrefix(rest, ".") + ": " + f.Message)
		}
	}
}

func (in *input) note(message string) {
	if in.Fault != "" {
		message = in.Fault + "; " + message
	}
	in.Fault = message
}

// cellOf is the input of a row that a fault is about, by the end of its path: [0].services, or .NAME; nil: there is none.
func (in *input) cellOf(path string) *input {
	for i := range in.Rows {
		cells := in.Rows[i].Cells
		for j := range cells {
			if path == fmt.Sprintf("[%d].%s", i, cells[j].Label) || len(cells) == 2 && j == 1 && cells[0].Label == "name" && path == "."+cells[0].Value {
				return &cells[j]
			}
		}
	}
	return nil
}
