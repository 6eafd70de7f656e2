package node

import (
	"github.com/parley-run/parley/runtime/channel"
	channelrest "github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/outconn"
	outrest "github.com/parley-run/parley/runtime/outconn/rest"
	outzmq "github.com/parley-run/parley/runtime/outconn/zmq"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/apikey"
	"github.com/parley-run/parley/runtime/security/basic"
	"github.com/parley-run/parley/runtime/security/headers"
	"github.com/parley-run/parley/runtime/security/jwt"
	"github.com/parley-run/parley/runtime/security/oauth2"
)

// channelKinds is the one table of channels: a new kind is one line here.
func channelKinds() []channel.Kind {
	return []channel.Kind{
		channelrest.Kind(),
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
		headers.Kind(),
		jwt.Kind(),
		oauth2.Kind(),
	}
}
