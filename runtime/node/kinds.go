package node

import (
	"go.starlark.net/starlarkstruct"

	"github.com/parley-run/parley/runtime/adapter"
	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/channel"
	channelfile "github.com/parley-run/parley/runtime/channel/file"
	"github.com/parley-run/parley/runtime/channel/jsonrpc"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	channelsoap "github.com/parley-run/parley/runtime/channel/soap"
	channelzmq "github.com/parley-run/parley/runtime/channel/zmq"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	outrest "github.com/parley-run/parley/runtime/outconn/rest"
	outzmq "github.com/parley-run/parley/runtime/outconn/zmq"
	"github.com/parley-run/parley/runtime/ratelimit"
	"github.com/parley-run/parley/runtime/rbac"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/apikey"
	"github.com/parley-run/parley/runtime/security/aws"
	"github.com/parley-run/parley/runtime/security/basic"
	"github.com/parley-run/parley/runtime/security/headers"
	"github.com/parley-run/parley/runtime/security/jwt"
	"github.com/parley-run/parley/runtime/security/ntlm"
	"github.com/parley-run/parley/runtime/security/oauth2"
	"github.com/parley-run/parley/runtime/security/tls"
	"github.com/parley-run/parley/runtime/security/wss"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/runtime/starlark/messages"
)

// channelKinds is the one table of channels: a new kind is one line here.
func channelKinds() []channel.Kind {
	return []channel.Kind{
		jsonrpc.Kind(),
		channelrest.Kind(),
		channelsoap.Kind(),
		channelfile.Kind(),
		channelzmq.Kind(),
	}
}

// outconnKinds is the one table of outgoing connections: a new kind is one line here.
func outconnKinds() []outconn.Kind {
	return []outconn.Kind{
		outrest.Kind(),
		outrest.SOAPKind(),
		outzmq.Kind(),
	}
}

// adapterKinds is the one table of adapters, each of whose objects is a service: a new kind is one line here.
func adapterKinds() []adapter.Kind {
	return []adapter.Kind{
		adapter.JSONKind(),
	}
}

// securityKinds is the one table of security definitions: a new kind is one line here.
func securityKinds() []security.Kind {
	return []security.Kind{
		apikey.Kind(),
		aws.Kind(),
		basic.Kind(),
		headers.Kind(),
		jwt.Kind(),
		oauth2.Kind(),
		ntlm.Kind(),
		tls.Kind(),
		wss.Kind(),
	}
}

// anyKind is a kind of whatever sort, as config files see it.
type anyKind struct {
	kind.Info
	parse func(raw []byte) (any, error) // as channel.Kind has it
}

// ruleKinds is the one table of what neither serves nor calls: rules for what does, which takes them up by name. See
// builder.build.
func ruleKinds() []anyKind {
	return []anyKind{
		{ratelimit.Kind(), func(raw []byte) (any, error) { return ratelimit.Parse(raw) }},
		{rbac.Kind(), func(raw []byte) (any, error) { return rbac.Parse(raw) }},
		{sio.ConventionsKind(), func(raw []byte) (any, error) { return sio.ParseConventions(raw) }},
		{admin.UserKind(), func(raw []byte) (any, error) { return admin.ParseUser(raw) }},
	}
}

// starlarkModules are what hot-deployed services can use beside what the engine itself has.
func starlarkModules() []*starlarkstruct.Module {
	return messages.Modules()
}

// addKinds takes in all tables.
func (n *Node) addKinds() {
	for _, k := range channelKinds() {
		n.channelKinds[k.Name] = k
		n.kinds[k.Name] = anyKind{k.Info, func(raw []byte) (any, error) { return k.Parse(raw) }}
	}
	for _, k := range outconnKinds() {
		n.outconnKinds[k.Name] = k
		n.kinds[k.Name] = anyKind{k.Info, k.Parse}
	}
	for _, k := range securityKinds() {
		n.securityKinds[k.Name] = k
		n.kinds[k.Name] = anyKind{k.Info, func(raw []byte) (any, error) { return k.Parse(raw) }}
	}
	for _, k := range adapterKinds() {
		n.adapterKinds[k.Name] = k
		n.kinds[k.Name] = anyKind{k.Info, func(raw []byte) (any, error) { return k.Parse(raw) }}
	}
	for _, k := range ruleKinds() {
		n.kinds[k.Name] = k
	}
}
