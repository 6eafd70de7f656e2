package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/secret"
)

// openVault is the cluster's vault: as cluster.yaml says, and where that is silent, the environment. nil: there is none.
func (n *Node) openVault() (*secret.Vault, error) {
	c := n.folder.Cluster.Vault
	config := secret.VaultConfig{
		Address: cmp.Or(c.Address, os.Getenv("VAULT_ADDR")), Token: c.Token, RoleID: c.RoleID, SecretID: c.SecretID,
		Namespace: cmp.Or(c.Namespace, os.Getenv("VAULT_NAMESPACE")), CA: cmp.Or(c.CA, os.Getenv("VAULT_CACERT")),
		Keep: time.Duration(c.Keep) * time.Second,
	}
	if config.Token == "" && config.RoleID == "" {
		config.Token, config.RoleID, config.SecretID = os.Getenv("VAULT_TOKEN"), os.Getenv("VAULT_ROLE_ID"), os.Getenv("VAULT_SECRET_ID")
	}
	if config.Address == "" {
		return nil, nil //nolint:nilnil // as said
	}
	return secret.NewVault(config)
}

// vaulted is what an object read in the vault when it was built.
type vaulted struct {
	mu       sync.Mutex
	versions map[string]int // by reference
}

func (u *vaulted) note(ref string, version int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.versions == nil {
		u.versions = map[string]int{}
	}
	u.versions[ref] = version
}

// same says whether the vault holds what it held then.
func (u *vaulted) same(v *secret.Vault) bool {
	if u == nil {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for ref, version := range u.versions {
		if v.Version(ref) != version {
			return false
		}
	}
	return true
}

// fromVault is what a reference stands for.
func (n *Node) fromVault(ref string, used *vaulted) (string, error) {
	if n.vault == nil {
		return "", fmt.Errorf("%s: this cluster has no vault; give VAULT_ADDR and VAULT_TOKEN to each server, or vault in cluster.yaml", ref)
	}
	value, version, err := n.vault.Read(n.leaving, ref)
	if err == nil {
		used.note(ref, version)
	}
	return value, err
}

// vaultLook is how often it is seen to whether something is to be read again.
const vaultLook = 2 * time.Second

// watchVault reads again what the catalog's references stand for, until ctx ends. Where it has changed, what depends on it
// is built anew.
func (n *Node) watchVault(ctx context.Context) {
	if n.vault == nil {
		return
	}
	ticks := time.NewTicker(min(vaultLook, n.vault.Keep()))
	defer ticks.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		changed, err := n.vault.Refresh(ctx, n.vaultRefs(n.live.Current()))
		if ctx.Err() != nil {
			return
		}
		if changed {
			err = errors.Join(err, n.live.Again(ctx))
			n.members.Announce(ctx)
		}
		switch {
		case err != nil && said == "":
			n.log.Warn("the vault cannot be asked; what was read is used", "err", err)
			said = err.Error()
		case err == nil && said != "":
			n.log.Info("the vault answers again")
			said = ""
		}
	}
}

// vaultRefs are the references of the catalog to the vault.
func (n *Node) vaultRefs(s *catalog.Snapshot) []string {
	var refs []string
	for _, o := range s.Objects {
		info := kinds{n}.info(o.Kind)
		if len(placesOf(info)) == 0 {
			continue
		}
		config, err := members(o.Spec)
		if err != nil {
			continue
		}
		eachSecret(config, info, func(_ string, s kind.Secret) kind.Secret {
			if strings.HasPrefix(s.Form(), "vault:") && !slices.Contains(refs, s.Form()) {
				refs = append(refs, s.Form())
			}
			return s
		})
	}
	return refs
}
