package node

import (
	"go.starlark.net/starlarkstruct"

	"github.com/parley-run/parley/runtime/adapter"
	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/jsonrpc"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/outconn"
	outrest "github.com/parley-run/parley/runtime/outconn/rest"
	outzmq "github.com/parley-run/parley/runtime/outconn/zmq"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/apikey"
	"github.com/parley-run/parley/runtime/security/basic"
	"github.com/parley-run/parley/runtime/starlark/messages"
)

// channelKinds is the one table of channels: a new kind is one line here.
func channelKinds() []channel.Kind {
	return []channel.Kind{
		jsonrpc.Kind(),
		channelrest.Kind(),
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
		basic.Kind(),
	}
}

// starlarkModules are what hot-deployed services can use beside what the engine itself has.
func starlarkModules() []*starlarkstruct.Module {
	return messages.Modules()
}
