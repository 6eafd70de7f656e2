package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/spelling"
)

// History is what the internal services need of the catalog's past.
type History interface {
	Versions(ctx context.Context, key catalog.Key, n int) ([]catalog.ObjectVersion, error)
	ObjectAt(ctx context.Context, key catalog.Key, revision int64) (*catalog.Object, error)
}

// SourceIn is the input of parley.service.source.
type SourceIn struct {
	Name     string // of a file, or of a service
	Revision int64  `sio:",optional"` // 0: as it is now
}

// SourceOut is a service file.
type SourceOut struct {
	File     string
	Revision int64 // of the change that made it so
	Source   string
	Services []string // that it declares now
}

func (d Deps) source(ctx context.Context, _ service.Runtime, in SourceIn) (SourceOut, error) {
	file, err := d.fileOf(in.Name)
	if err != nil && (in.Revision == 0 || !fileName.MatchString(in.Name)) {
		return SourceOut{}, err
	}
	if err != nil {
		file = in.Name // one that was undeployed
	}
	o, err := d.version(ctx, file, in.Revision)
	if err != nil {
		return SourceOut{}, err
	}
	source, err := Source(o)
	return SourceOut{file, o.Revision, source, d.Catalog.ServicesOf(file)}, err
}

// version is a file as it was at a revision, or, at 0, as it is.
func (d Deps) version(ctx context.Context, file string, revision int64) (*catalog.Object, error) {
	if revision == 0 {
		if o := d.Catalog.Current().Get(FileKind, file); o != nil {
			return o, nil
		}
		return nil, service.Errorf(service.NotFound, "no deployed file is named %q", file)
	}
	o, err := d.History.ObjectAt(ctx, catalog.Key{Kind: FileKind, Name: file}, revision)
	if errors.Is(err, catalog.ErrNoVersion) {
		return nil, &service.Error{
			Code: service.NotFound, Message: fmt.Sprintf("%s was not deployed at revision %d, or that version is not kept any more", file, revision),
			Fix: "parley.service.history says which versions are kept", Err: err,
		}
	}
	return o, err
}

// fileOf is the deployed file of that name, or that declares a service of that name.
func (d Deps) fileOf(name string) (string, error) {
	var known []string
	for _, o := range d.Catalog.Current().Objects {
		if o.Kind != FileKind {
			continue
		}
		declared := d.Catalog.ServicesOf(o.Name)
		if o.Name == name || slices.Contains(declared, name) {
			return o.Name, nil
		}
		known = append(append(known, o.Name), declared...)
	}
	e := service.Errorf(service.NotFound, "no deployed file or service is named %q", name)
	if near := spelling.Nearest(name, known); near != "" {
		e.Fix = fmt.Sprintf("did you mean %q?", near)
	}
	return "", e
}

// HistoryIn is the input of parley.service.history.
type HistoryIn struct {
	Name string // of a file, deployed or not any more, or of a service
	N    int    `default:"20" min:"1" max:"200"`
}

// HistoryOut is what was done to a service file, newest first.
type HistoryOut struct {
	File  string
	Items []Deployment
}

// Deployment is one change of a service file.
type Deployment struct {
	Revision int64
	At       time.Time
	Who      string
	Action   string // put or delete
	Hash     string // of its content; empty: it was undeployed
	Kept     bool   // it can be rolled back to
	Current  bool   // it is what serves
}

func (d Deps) history(ctx context.Context, _ service.Runtime, in HistoryIn) (HistoryOut, error) {
	file, unknown := d.fileOf(in.Name)
	if unknown != nil {
		file = in.Name // it may have been undeployed
	}
	found, err := d.History.Versions(ctx, catalog.Key{Kind: FileKind, Name: file}, cmp.Or(in.N, 20))
	if err != nil {
		return HistoryOut{}, err
	}
	if len(found) == 0 && unknown != nil {
		return HistoryOut{}, unknown
	}
	out := HistoryOut{File: file, Items: make([]Deployment, len(found))}
	for i, v := range found {
		out.Items[i] = Deployment(v)
	}
	return out, nil
}

// RollBackIn is the input of parley.service.roll-back.
type RollBackIn struct {
	Name     string // of a file, deployed or not any more
	Revision int64
}

func (d Deps) rollBack(ctx context.Context, rt service.Runtime, in RollBackIn) (Out, error) {
	if in.Revision <= 0 {
		return Out{}, service.Errorf(service.Invalid, "revision: expected one of the file's history, not %d", in.Revision)
	}
	o, err := d.version(ctx, in.Name, in.Revision)
	if err != nil {
		return Out{}, err
	}
	source, err := Source(o)
	if err != nil {
		return Out{}, err
	}
	return d.deploy(ctx, rt, DeployIn{Files: []File{{Name: in.Name, Source: source}}})
}
