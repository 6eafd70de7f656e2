package node

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/ratelimit"
	"github.com/parley-run/parley/runtime/rbac"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// rules are the roles and rate limits of a state. They are shared by all states between which none of them changed, nor the
// names of what they are about.
type rules struct {
	made   string // of what, to be compared
	roles  *rbac.Roles
	limits []*ratelimit.Limit
	faults map[catalog.Key]error
}

// addRules makes the rules of those objects, for channels that are listed too.
func (b *builder) addRules(objects, channels []*catalog.Object) {
	definitions, names := slices.Sorted(maps.Keys(b.state.security)), make([]string, len(channels))
	for i, o := range channels {
		names[i] = o.Name
	}
	slices.Sort(names)
	made := ""
	if len(objects) > 0 {
		specs := make([]string, len(objects))
		for i, o := range objects {
			specs[i] = o.Kind + "\x00" + o.Name + "\x00" + string(o.Spec)
		}
		// Text and lists of text can always be written.
		raw, _ := json.Marshal([][]string{specs, definitions, names})
		made = string(raw)
	}
	if old := b.prev.rules; old != nil && old.made == made {
		b.state.rules = old
	} else {
		b.state.rules = b.newRules(made, objects, definitions, names)
	}
	for _, o := range objects {
		if err := b.state.rules.faults[o.Key()]; err != nil {
			b.fault(o, fmt.Errorf("%s %q: %w", o.Kind, o.Name, err))
		}
	}
}

func (b *builder) newRules(made string, objects []*catalog.Object, definitions, channels []string) *rules {
	r := &rules{made: made, faults: map[catalog.Key]error{}}
	roles := map[string]rbac.Role{}
	for _, o := range objects {
		var err error
		if o.Kind == rbac.KindName {
			if roles[o.Name], err = rbac.Parse(o.Spec); err != nil {
				delete(roles, o.Name)
			}
		} else {
			var l *ratelimit.Limit
			if l, err = b.newLimit(o, definitions, channels); err == nil {
				r.limits = append(r.limits, l)
			}
		}
		if err != nil {
			r.faults[o.Key()] = err
		}
	}
	var faults map[string]error
	r.roles, faults = rbac.New(roles, definitions)
	for name, err := range faults {
		r.faults[catalog.Key{Kind: rbac.KindName, Name: name}] = err
	}
	return r
}

func (b *builder) newLimit(o *catalog.Object, definitions, channels []string) (*ratelimit.Limit, error) {
	c, err := ratelimit.Parse(o.Spec)
	if err != nil {
		return nil, err
	}
	var faults kind.Faults
	missing(&faults, "channels", "channel", c.Channels, channels)
	missing(&faults, "security", "security definition", c.Security, definitions)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return ratelimit.New(o.Name, o.Spec, c, b.node.counts.exact, b.node.counts.local)
}

// missing finds names that nothing has: a limit that bounds nothing, since a name is misspelled, helps nobody. Services come
// and go with the files that declare them.
func missing(faults *kind.Faults, key, what string, names, known []string) {
	for _, name := range names {
		if kind.IsPattern(name) || slices.Contains(known, name) {
			continue
		}
		near := ""
		if n := spelling.Nearest(name, known); n != "" {
			near = fmt.Sprintf("; did you mean %q?", n)
		}
		faults.Add(key, "there is no %s %q%s", what, name, near)
	}
}

// ruled is a channel's service behind what must hold of its callers: limits of all, credentials, limits of those known,
// roles.
func (b *builder) ruled(checked service.Handler, channelName, serviceName string, base channel.Base, guard security.Guard) service.Handler {
	var anybody, known []*ratelimit.Limit
	for _, l := range b.state.rules.limits {
		switch {
		case !l.Covers(channelName, serviceName):
		case l.NeedsCaller():
			known = append(known, l)
		default:
			anybody = append(anybody, l)
		}
	}
	if base.HasRBAC || base.SecUseRBAC {
		checked = b.state.rules.roles.Wrap(checked, serviceName)
	}
	checked = ratelimit.Wrap(checked, known, channelName, serviceName)
	return ratelimit.Wrap(security.Wrap(checked, guard), anybody, channelName, serviceName)
}

// byRoles are the definitions that roles let call a channel, and all of them as one guard.
func (b *builder) byRoles(config channel.Config) ([]*boundSecurity, security.Guard) {
	var bound []*boundSecurity
	var guards []security.Guard
	names := slices.Sorted(maps.Keys(b.state.security))
	for _, name := range b.state.rules.roles.Reachable(names, channel.Services(config)) {
		definition := b.state.security[name]
		if g, ok := definition.definition.(security.Guard); ok {
			bound, guards = append(bound, definition), append(guards, g)
		}
	}
	return bound, security.AnyOf(strings.TrimPrefix(b.node.names.Prefix, "/"), guards)
}
