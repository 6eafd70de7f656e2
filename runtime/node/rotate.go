package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/cluster"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/secret"
	"github.com/parley-run/parley/runtime/service"
)

// secretsKeyKind is the kind of the objects that say of a key, by its ID, that all servers must have it. No file defines
// them: rotate does. A server that cannot open such an object's check quarantines it, which everybody sees.
const secretsKeyKind = "secrets_key"

// secretsKey is the spec of such an object.
type secretsKey struct {
	Check string `json:"check"` // a text sealed by the key
	Seals bool   `json:"seals"` // whether secrets are sealed by it from now on
	Tried int64  `json:"tried"` // when, in Unix milliseconds: each try is another object
}

const checkText = "parley"

// keyPlace is what the check of a key is sealed for.
func keyPlace(id string) string { return secretsKeyKind + "/" + id + "/check" }

// sealingKey is the ID of the key that the catalog says to seal by, or empty.
func sealingKey(s *catalog.Snapshot) string {
	for _, o := range s.Objects {
		var spec secretsKey
		if o.Kind == secretsKeyKind && json.Unmarshal(o.Spec, &spec) == nil && spec.Seals {
			return o.Name
		}
	}
	return ""
}

// addSecretsKey makes sure that this server has a key.
func (b *builder) addSecretsKey(o *catalog.Object) {
	var spec secretsKey
	err := json.Unmarshal(o.Spec, &spec)
	if err == nil {
		_, err = b.node.secrets.unseal(keyPlace(o.Name), spec.Check)
	}
	var unknown *secret.UnknownKeyError
	if errors.As(err, &unknown) {
		err = fmt.Errorf("this server does not have the key %s; copy the file %s, or the value of %s, from a server that has it",
			unknown.ID, b.node.folder.SecretsFile(), keyVariable)
	}
	if err != nil {
		b.fault(o, err)
	}
}

// RotateOut is the output of parley.secrets.rotate.
type RotateOut struct {
	Key      string   // ID of the key that seals now
	Revision int64    // at which all is sealed by it
	Sealed   int      // how many secrets were sealed anew
	Lost     []string // secrets that no key of this server opens, which stay as they are
	Behind   []string // servers that do not serve it yet, and why
}

const (
	rotateTime = time.Minute     // that a rotation may take: twice as long as servers are waited for, and more
	turnTime   = 6 * time.Second // after the death of the server that rotates another may
)

// rotateSecrets seals all secrets of the catalog by a new key, in two steps: when every server is known to have the key,
// one change seals everything. A rotation that was cut off is gone on with, and leaves a catalog that every server reads.
func (n *Node) rotateSecrets(ctx context.Context, _ service.Runtime, _ struct{}) (RotateOut, error) {
	ctx, cancel := context.WithTimeout(ctx, rotateTime)
	defer cancel()
	lease, err := n.leases.Take(ctx, "secrets", n.server.Name, turnTime)
	if errors.Is(err, cluster.ErrHeld) {
		return RotateOut{}, &service.Error{Code: service.Conflict, Message: "another rotation is under way", Fix: "try again in a few seconds", Err: err}
	}
	if err != nil {
		return RotateOut{}, err
	}
	var renewing sync.WaitGroup
	renewing.Go(func() {
		defer cancel() // a lease that is lost ends what it stood for
		ticks := time.NewTicker(turnTime / 3)
		defer ticks.Stop()
		for err := error(nil); err == nil; {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
				_, err = n.leases.Renew(ctx, lease, turnTime)
			}
		}
	})
	out, err := n.rotate(ctx)
	cancel()
	renewing.Wait()
	_ = n.leases.Release(context.WithoutCancel(ctx), lease) // it ends by itself
	return out, err
}

func (n *Node) rotate(ctx context.Context) (RotateOut, error) {
	if _, err := n.live.Follow(ctx); err != nil {
		return RotateOut{}, err
	}
	id, err := n.nextKey()
	if err != nil {
		return RotateOut{}, err
	}
	if id != sealingKey(n.live.Current()) {
		if err := n.spreadKey(ctx, id); err != nil {
			return RotateOut{}, err
		}
	}
	return n.sealBy(ctx, id)
}

// nextKey is the ID of the key to seal by: one that was added and does not seal yet, or a new one.
func (n *Node) nextKey() (string, error) {
	ring, err := n.secrets.again()
	if err != nil {
		return "", err
	}
	now := n.live.Current()
	sealing, err := n.secrets.sealing(sealingKey(now))
	if err != nil {
		return "", err
	}
	if newest := ring.IDs()[0]; newest != sealing.Sealing() {
		return newest, nil
	}
	if n.sealedBy(now).old(sealing.Sealing()) > 0 {
		return sealing.Sealing(), nil // a rotation was cut off, or a secret came in while it went on
	}
	if n.secrets.file == "" {
		return "", &service.Error{
			Code: service.Conflict, Message: fmt.Sprintf("the keys are in %s, which a server cannot change", keyVariable),
			Fix: "put a new key in a line before the others, such as of: openssl rand -base64 32; start each server again with that; then rotate",
		}
	}
	if ring, err = secret.AddKey(n.secrets.file); err != nil {
		return "", err
	}
	_, err = n.secrets.again()
	return ring.IDs()[0], err
}

// spreadKey makes sure that every server has a key, before anything is sealed by it.
func (n *Node) spreadKey(ctx context.Context, id string) error {
	ring, err := n.secrets.sealing(id)
	if err != nil {
		return err
	}
	object := catalog.Object{Kind: secretsKeyKind, Name: id}
	if object.Spec, err = specOf(secretsKey{Check: ring.Seal(keyPlace(id), checkText), Tried: n.now().UnixMilli()}); err != nil {
		return err
	}
	by := "secrets " + n.server.Name
	revision, err := n.Apply(ctx, catalog.Change{By: by, Put: []catalog.Object{object}})
	if err != nil {
		return err
	}
	behind, err := n.settle(ctx, revision)
	if err == nil && len(behind) == 0 {
		return nil
	}
	if _, undo := n.Apply(context.WithoutCancel(ctx), catalog.Change{By: by, Delete: []catalog.Key{object.Key()}}); undo != nil {
		n.log.Warn("a key of secrets stays announced that not all servers have; nothing is sealed by it", "key", id, "err", undo)
	}
	if err != nil {
		return err
	}
	return &service.Error{
		Code: service.Conflict, Message: "nothing was sealed anew: not every server has the new key " + id + ": " + strings.Join(behind, "; "),
		Fix: fmt.Sprintf("copy %s of this machine to theirs, and rotate again: the same key is used then", n.folder.SecretsFile()),
	}
}

// sealBy seals all that is sealed by other keys.
func (n *Node) sealBy(ctx context.Context, id string) (RotateOut, error) {
	out := RotateOut{Key: id}
	ring, err := n.secrets.sealing(id)
	if err != nil {
		return out, err
	}
	out.Revision, err = n.applyTo(ctx, func(now *catalog.Snapshot) (catalog.Change, error) {
		change := catalog.Change{By: "secrets " + n.server.Name}
		out.Sealed, out.Lost = 0, nil
		for _, o := range now.Objects {
			if o.Kind == secretsKeyKind {
				if o.Name != id {
					change.Delete = append(change.Delete, o.Key())
				}
				continue
			}
			spec, sealed, lost, err := n.sealAgain(o, ring)
			if err != nil {
				return change, err
			}
			out.Sealed += sealed
			out.Lost = append(out.Lost, lost...)
			if sealed > 0 {
				change.Put = append(change.Put, catalog.Object{Kind: o.Kind, Name: o.Name, Spec: spec})
			}
		}
		spec, err := specOf(secretsKey{Check: ring.Seal(keyPlace(id), checkText), Seals: true})
		change.Put = append(change.Put, catalog.Object{Kind: secretsKeyKind, Name: id, Spec: spec})
		return change, err
	})
	if err != nil {
		return out, err
	}
	out.Behind, err = n.settle(ctx, out.Revision)
	return out, err
}

// sealAgain is an object's spec with its secrets sealed by ring, how many were not yet, and the places of those that no key
// opens.
func (n *Node) sealAgain(o *catalog.Object, ring *secret.Keyring) (spec []byte, sealed int, lost []string, err error) {
	k := kinds{n}
	info := k.info(o.Kind)
	if len(placesOf(info)) == 0 {
		return nil, 0, nil, nil
	}
	config, err := members(o.Spec)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("%s: %w", o.Key(), err)
	}
	eachSecret(config, info, func(at string, s kind.Secret) kind.Secret {
		if !s.IsSealed() || ring.Current(s.Form()) {
			return s
		}
		place := placeOf(o.Key(), at)
		plain, err := ring.Unseal(place, s.Form())
		if err != nil {
			lost = append(lost, fmt.Sprintf("%s %q: %s: %v", o.Kind, o.Name, at, err))
			return s
		}
		sealed++
		return kind.NewSecret(ring.Seal(place, plain))
	})
	if sealed == 0 {
		return nil, 0, lost, nil
	}
	spec, err = k.written(o.Kind, config)
	return spec, sealed, lost, err
}

// sealedCounts are how many secrets of the catalog each key sealed, by its ID.
type sealedCounts map[string]int

// old is how many another key than that sealed.
func (c sealedCounts) old(id string) int {
	total := 0
	for by, count := range c {
		if by != id {
			total += count
		}
	}
	return total
}

func (n *Node) sealedBy(s *catalog.Snapshot) sealedCounts {
	counts := sealedCounts{}
	for _, o := range s.Objects {
		config, err := members(o.Spec)
		if err != nil {
			continue
		}
		eachSecret(config, kinds{n}.info(o.Kind), func(_ string, s kind.Secret) kind.Secret {
			if id := secret.KeyOf(s.Form()); id != "" {
				counts[id]++
			}
			return s
		})
	}
	return counts
}

// SecretsOut is the output of parley.secrets.status.
type SecretsOut struct {
	Keys []SecretsKey // of this server, the newest first
	Lost int          // secrets that were sealed by other keys
}

// SecretsKey is one key of secrets.
type SecretsKey struct {
	ID     string `sio:"id"`
	Seals  bool   // whether new secrets are sealed by it
	Sealed int    // how many secrets of the catalog are
}

func (n *Node) secretsStatus(context.Context, service.Runtime, struct{}) (SecretsOut, error) {
	now := n.live.Current()
	sealing, err := n.secrets.sealing(sealingKey(now))
	if err != nil {
		return SecretsOut{}, err
	}
	counts := n.sealedBy(now)
	var out SecretsOut
	for _, id := range sealing.IDs() {
		out.Keys = append(out.Keys, SecretsKey{ID: id, Seals: id == sealing.Sealing(), Sealed: counts[id]})
		delete(counts, id)
	}
	out.Lost = counts.old("")
	return out, nil
}
