package node

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/logs"
	"github.com/parley-run/parley/runtime/service"
)

// ownLog is where this server's log can be read.
type ownLog struct {
	buffer *bufferedLog // what is in it is not written yet; nil: there is none
	ring   *logs.Ring   // nil: the log is in the cluster's folder
	mask   atomic.Pointer[masked]
}

// masked is what hides the secrets of one catalog.
type masked struct {
	of   *catalog.Snapshot
	mask logs.Mask
}

func (n *Node) logsServices() []service.Service {
	return logs.Services(logs.Deps{Own: n.ownLogs, Peers: n.peerLogs, Mask: n.logMask, Now: n.now})
}

// ownLogs is the log of this server.
func (n *Node) ownLogs() []logs.Source {
	read := func(_ context.Context, q logs.Query) (logs.Page, error) {
		if n.ownLog.buffer != nil {
			n.ownLog.buffer.flush()
		}
		if n.ownLog.ring != nil {
			return n.ownLog.ring.Read(q)
		}
		return logs.ReadFile(n.folder.LogFile(n.server.Name), q)
	}
	return []logs.Source{{Server: n.server.Name, Read: read}}
}

// peerLogs are the logs of the supervisor and of all other servers: those that answer are asked, and the files of this
// machine's that do not are read.
func (n *Node) peerLogs(ctx context.Context) ([]logs.Source, error) {
	var out []logs.Source
	known := map[string]bool{n.server.Name: true}
	for _, s := range n.folder.Cluster.Servers {
		if !known[s.Name] {
			known[s.Name] = true
			out = append(out, n.peerLog(s.Name, s.Admin, n.folder.LogFile(s.Name)))
		}
	}
	if n.folder.Cluster.Supervised() {
		out = append(out, fileLog("supervisor", n.folder.LogFile("supervisor")))
	}
	members, err := n.table.Members(ctx)
	for _, m := range members {
		if !known[m.Name] {
			out = append(out, n.peerLog(m.Name, m.Admin, ""))
		}
	}
	return out, err
}

func fileLog(name, path string) logs.Source {
	return logs.Source{Server: name, Read: func(_ context.Context, q logs.Query) (logs.Page, error) { return logs.ReadFile(path, q) }}
}

// peerLog asks another server for its log. Where it does not answer, its file is read, if it has one here.
func (n *Node) peerLog(name, address, file string) logs.Source {
	return logs.Source{Server: name, Read: func(ctx context.Context, q logs.Query) (logs.Page, error) {
		var out logs.Out
		err := n.callPeer(ctx, address, "parley.server.logs", logs.Ask(name, q), &out)
		if err == nil {
			return logs.Answer(name, out)
		}
		if _, missing := os.Stat(file); file != "" && missing == nil {
			return logs.ReadFile(file, q)
		}
		return logs.Page{}, &service.Error{
			Code: service.Unavailable, Message: fmt.Sprintf("its admin API at %s: %s", address, service.AsError(err).Message),
			Fix: "from elsewhere that must be reached, with the same admin.token in both folders; or ask on its own machine", Err: err,
		}
	}}
}

// logMask hides the secrets of the catalog that serves, and those of the cluster itself.
func (n *Node) logMask() logs.Mask {
	now := n.live.Current()
	if known := n.ownLog.mask.Load(); known != nil && known.of == now {
		return known.mask
	}
	secrets := append(n.folder.Secrets(), n.token)
	for _, o := range now.Objects {
		config, err := members(o.Spec)
		if _, known := n.kinds[o.Kind]; !known || err != nil {
			continue
		}
		reveal := n.reveal(o.Key(), &vaulted{})
		eachSecret(config, n.kinds[o.Kind].Info, func(at string, s kind.Secret) kind.Secret {
			if !s.IsSet() || s.IsHashed() {
				return s
			}
			if plain, err := reveal(at, s); err == nil { // what cannot be had is in no log either
				secrets = append(secrets, plain)
			}
			return s
		})
	}
	mask := logs.NewMask(n.hidesAnywhere, secrets)
	n.ownLog.mask.Store(&masked{now, mask})
	return mask
}

// hidesAnywhere says whether a name stands for a secret by the conventions.
func (n *Node) hidesAnywhere(name string) bool { return n.current.Load().names.rules.IsSecret(name) }
