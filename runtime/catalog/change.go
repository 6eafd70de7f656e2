package catalog

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/parley-run/parley/runtime/service"
)

// Change puts and deletes objects, all or nothing.
type Change struct {
	Put    []Object // Revision is ignored
	Delete []Key    // a missing one is no fault
	By     string   // who, for the audit log
	CID    string   // of the request that asks for it, for the audit log; Apply takes its context's where it is empty
}

// maxName is how long an object's name may be, in characters.
const maxName = 200

// Check refuses, with an Invalid error, objects without a kind or a name, names that no database keeps as
// they are, and two orders for one object.
func (c Change) Check() error {
	seen := make(map[Key]bool, len(c.Put)+len(c.Delete))
	check := func(key Key) error {
		switch {
		case key.Kind == "":
			return service.Errorf(service.Invalid, "catalog: an object named %q has no kind", key.Name)
		case key.Name == "":
			return service.Errorf(service.Invalid, "catalog: an object of kind %q has no name", key.Kind)
		case utf8.RuneCountInString(key.Name) > maxName:
			return service.Errorf(service.Invalid, "catalog: the %s %.40q... has a name longer than %d characters", key.Kind, key.Name, maxName)
		case !storable(key.Kind) || !storable(key.Name):
			return service.Errorf(service.Invalid, "catalog: %q %q: kinds and names are UTF-8 without zero bytes", key.Kind, key.Name)
		case seen[key]:
			return service.Errorf(service.Invalid, "catalog: %s is changed twice in one change", key)
		}
		seen[key] = true
		return nil
	}
	for i := range c.Put {
		if err := check(c.Put[i].Key()); err != nil {
			return err
		}
	}
	for _, key := range c.Delete {
		if err := check(key); err != nil {
			return err
		}
	}
	if !storable(c.By) || !storable(c.CID) {
		return service.Errorf(service.Invalid, "catalog: %q: a change's author is UTF-8 without zero bytes", c.By)
	}
	return nil
}

// asked is c with what ctx knows of who asks for it.
func (c Change) asked(ctx context.Context) Change {
	call := service.CallFrom(ctx)
	if c.CID == "" {
		c.CID = call.CID
	}
	c.By = Author(ctx, c.By)
	return c
}

// Author is by, such as "admin server1", with the caller that ctx knows before it.
func Author(ctx context.Context, by string) string {
	if who := service.CallFrom(ctx).Who; who != "" {
		return who + " through " + by
	}
	return by
}

func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// against is the part of c that would change s. What does not run is worth another try as it is.
func (c Change) against(s *Snapshot, quarantined map[Key]error) Change {
	out := Change{By: c.By, CID: c.CID}
	for _, o := range c.Put {
		if have := s.Get(o.Kind, o.Name); have == nil || quarantined[o.Key()] != nil || !bytes.Equal(have.Spec, o.Spec) {
			out.Put = append(out.Put, o)
		}
	}
	for _, key := range c.Delete {
		if s.Get(key.Kind, key.Name) != nil {
			out.Delete = append(out.Delete, key)
		}
	}
	return out
}

func (c Change) empty() bool { return len(c.Put) == 0 && len(c.Delete) == 0 }

// summary is c for the audit log: its size, and the first few names.
func (c Change) summary() string {
	const shown = 5
	var names []string
	for i := range c.Put {
		names = append(names, "put "+c.Put[i].Key().String())
	}
	for _, key := range c.Delete {
		names = append(names, "delete "+key.String())
	}
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}
