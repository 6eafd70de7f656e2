package node

import (
	"github.com/parley-run/parley/runtime/channel"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	channelsoap "github.com/parley-run/parley/runtime/channel/soap"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	outrest "github.com/parley-run/parley/runtime/outconn/rest"
	outzmq "github.com/parley-run/parley/runtime/outconn/zmq"
	"github.com/parley-run/parley/runtime/ratelimit"
	"github.com/parley-run/parley/runtime/rbac"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/apikey"
	"github.com/parley-run/parley/runtime/security/basic"
	"github.com/parley-run/parley/runtime/security/wss"
	"github.com/parley-run/parley/runtime/sio"
)

// channelKinds is the one table of channels: a new kind is one line here.
func channelKinds() []channel.Kind {
	return []channel.Kind{
		channelrest.Kind(),
		channelsoap.Kind(),
	}
}

// outconnKinds is the one table of outgoing connections: a new kind is one line here.
func outconnKinds() []outconn.Kind {
	return []outconn.Kind{
		outrest.Kind(),
		outzmq.Kind(),
	}
}

// securityKinds is the one table of security definitions: a new kind is one line here.
func securityKinds() []security.Kind {
	return []security.Kind{
		apikey.Kind(),
		basic.Kind(),
		wss.Kind(),
	}
}

// ruleKind is a kind of what neither serves nor calls: rules for what does.
type ruleKind struct {
	kind.Info
	parse func(raw []byte) (any, error) // as channel.Kind has it
}

// ruleKinds is the one table of them. What they rule takes them up by name: see builder.build.
func ruleKinds() []ruleKind {
	return []ruleKind{
		{ratelimit.Kind(), func(raw []byte) (any, error) { return ratelimit.Parse(raw) }},
		{rbac.Kind(), func(raw []byte) (any, error) { return rbac.Parse(raw) }},
		{sio.ConventionsKind(), func(raw []byte) (any, error) { return sio.ParseConventions(raw) }},
	}
}
