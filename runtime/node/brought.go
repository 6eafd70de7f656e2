package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/deploy"
	"github.com/parley-run/parley/runtime/enmasse"
	"github.com/parley-run/parley/runtime/service"
)

// Brought is what a server brings into the catalog when it starts, before it is ready: how a container gets its
// configuration.
type Brought struct {
	Definitions []enmasse.ImportFile // YAML files of definitions
	Services    []deploy.File        // service files
	Env         map[string]string    // for the ${NAME} in definitions
}

// ReadBrought reads the definitions of dir/*.yaml and dir/*.yml and the services of dir/services. A folder that is missing brings nothing.
func ReadBrought(dir string) (Brought, error) {
	b := Brought{Env: map[string]string{}}
	definitions, err := textsIn(dir, ".yaml", ".yml")
	if err != nil {
		return b, err
	}
	for _, f := range definitions {
		b.Definitions = append(b.Definitions, enmasse.ImportFile{Name: f.path, Content: f.text})
		for _, name := range enmasse.Variables(f.text) {
			if value, ok := os.LookupEnv(name); ok {
				b.Env[name] = value
			}
		}
	}
	services, err := textsIn(filepath.Join(dir, "services"), ".star")
	for _, f := range services {
		b.Services = append(b.Services, deploy.File{Name: filepath.Base(f.path), Source: f.text})
	}
	return b, err
}

type textFile struct{ path, text string }

// textsIn are the files of dir with one of the endings, by name. Hidden ones are left out.
func textsIn(dir string, endings ...string) ([]textFile, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []textFile
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasPrefix(e.Name(), ".") || !slices.Contains(endings, filepath.Ext(e.Name())) {
			continue
		}
		if info, err := os.Stat(path); err != nil || info.IsDir() { // a mounted file is often a link
			if err != nil {
				return nil, err
			}
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		out = append(out, textFile{path, string(text)})
	}
	return out, nil
}

func (b Brought) empty() bool { return len(b.Definitions) == 0 && len(b.Services) == 0 }

// hash tells whether anything has changed since the last start. Values of the environment count, and cannot be read from it.
func (b Brought) hash() (string, error) {
	raw, err := json.Marshal(b)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), err
}

// bringAgain is the wait before what a database that was away kept from coming into the catalog is brought again.
const bringAgain = 500 * time.Millisecond

// bring puts b into the catalog, unless this server did so at an earlier start: a restart takes nothing back that was
// changed since. While the database is away it waits for it, and is ready meanwhile where an earlier catalog serves.
// Anything else that goes wrong is an error, and the server does not become ready.
func (n *Node) bring(ctx context.Context, b Brought, ready func()) error {
	told := false
	for {
		err := n.bringOnce(ctx, b)
		var known *service.Error
		switch {
		case err == nil:
			ready()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.As(err, &known) || known.Code != service.Unavailable:
			return err
		}
		if !told {
			told = true
			n.log.Warn("what this server brings into the catalog has to wait", "err", err)
		}
		if n.live.Current().Revision > 0 {
			ready()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(bringAgain):
		}
	}
}

func (n *Node) bringOnce(ctx context.Context, b Brought) error {
	if b.empty() {
		return nil
	}
	path := n.folder.BroughtFile(n.server.Name)
	hash, err := b.hash()
	if err != nil {
		return err
	}
	if before, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(before)) == hash {
		n.log.Info("brings nothing into the catalog: it did so at an earlier start", "definitions", len(b.Definitions), "services", len(b.Services))
		return nil
	}
	by := "start of " + n.server.Name
	if len(b.Definitions) > 0 {
		all := enmasse.Services(enmasse.Deps{Catalog: n, Kinds: kinds{n}, By: by, Settle: nobody})
		var out enmasse.ImportOut
		if err := invoke(ctx, all, "parley.enmasse.import", enmasse.ImportIn{Files: b.Definitions, Env: b.Env}, &out); err != nil {
			return fmt.Errorf("importing definitions: %w", err)
		}
		n.log.Info("definitions imported", "revision", out.Revision, "created", len(out.Created), "updated", len(out.Updated), "unchanged", out.Unchanged)
	}
	if len(b.Services) > 0 {
		var out deploy.Out
		if err := invoke(ctx, deploy.Services(deploy.Deps{Catalog: starting{n}, By: by}), "parley.service.deploy", deploy.DeployIn{Files: b.Services}, &out); err != nil {
			return fmt.Errorf("deploying services: %w", err)
		}
		n.log.Info("services deployed", "revision", out.Revision, "services", len(out.Services))
	}
	return os.WriteFile(path, []byte(hash+"\n"), 0o600)
}

// nobody is waited for by a server that starts: the others follow while it does.
func nobody(context.Context, int64) ([]string, error) { return nil, nil }

// starting is a node whose changes wait for no other server.
type starting struct{ *Node }

func (starting) WaitFor(context.Context, int64) ([]deploy.Result, error) { return nil, nil }
func (starting) Silent(context.Context) ([]string, error)                { return nil, nil }

// invoke calls one of the internal services from within.
func invoke(ctx context.Context, all []service.Service, name string, in, out any) error {
	at := slices.IndexFunc(all, func(s service.Service) bool { return s.Name == name })
	input, err := service.FromGo(in)
	if err != nil || at < 0 {
		return errors.Join(fmt.Errorf("call %s", name), err)
	}
	res, err := all[at].Handler.Handle(ctx, &service.Request{CID: service.NewCID(), Channel: "start", Payload: input, Input: input})
	if err != nil {
		return err
	}
	return service.ToGo(res.Payload, out)
}
