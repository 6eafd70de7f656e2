package node

import (
	"context"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
)

// weightKind is the kind of the objects by which the audit log knows of the servers' weights. The supervisor keeps and uses
// the weights; no server does anything with these, and files do not define them.
const weightKind = "server_weight"

// WeightIn is the input of parley.server.record-weight.
type WeightIn struct {
	Server string
	Weight int
}

// WeightOut is its output.
type WeightOut struct{ Revision int64 }

// recordWeight lets the audit log know of a weight that the supervisor keeps.
func (n *Node) recordWeight(ctx context.Context, _ service.Runtime, in WeightIn) (WeightOut, error) {
	if _, err := n.folder.Server(in.Server); err != nil {
		return WeightOut{}, &service.Error{Code: service.NotFound, Message: err.Error(), Err: err}
	}
	spec, err := specOf(map[string]int{"weight": in.Weight})
	if err != nil {
		return WeightOut{}, err
	}
	revision, err := n.Apply(ctx, catalog.Change{By: "admin " + n.server.Name, Put: []catalog.Object{{Kind: weightKind, Name: in.Server, Spec: spec}}})
	return WeightOut{revision}, err
}
