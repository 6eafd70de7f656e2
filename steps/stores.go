package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-run/parley/fixtures"
)

// outage is what steps did to a PostgreSQL or a Redis of the cluster.
type outage struct{ stopped, paused bool }

func storeSteps() []Step {
	var rows []Step
	for _, store := range []struct{ name, part string }{{"PostgreSQL", fixtures.LinkDatabase}, {"Redis", fixtures.LinkRedis}} {
		for _, one := range []struct {
			words, doc string
			do         func(context.Context, fixtures.Store, *outage) error
		}{
			{"is stopped", "Stops the cluster's %s as planned: what is connected is cut off.", func(_ context.Context, s fixtures.Store, o *outage) error {
				o.stopped = true
				return s.Stop()
			}},
			{"is killed", "Ends the cluster's %s by SIGKILL, as a power cut would.", func(_ context.Context, s fixtures.Store, o *outage) error {
				o.stopped = true
				return s.Kill()
			}},
			{"is started", "Starts the cluster's %s again, with the data and the address that it had.", func(ctx context.Context, s fixtures.Store, o *outage) error {
				o.stopped = false
				return s.Start(ctx)
			}},
			{"stands still", "Pauses the cluster's %s: connections stay open, and nothing answers.", func(_ context.Context, s fixtures.Store, o *outage) error {
				o.paused = true
				return s.Pause()
			}},
			{"goes on", "Lets the cluster's %s go on: it stands still no more.", func(_ context.Context, s fixtures.Store, o *outage) error {
				o.paused = false
				return s.Continue()
			}},
		} {
			text := store.name + " " + one.words
			rows = append(rows, either(text, fmt.Sprintf(one.doc, store.name), text, func(ctx context.Context, w *World, _ Args) error {
				s, err := w.file.store(store.part)
				if err != nil {
					return fmt.Errorf("%w, such as by: Given a cluster of 2 servers with %s", err, store.name)
				}
				return one.do(ctx, s, w.file.outage(store.part))
			}))
		}
	}
	return rows
}

func (f *File) store(part string) (fixtures.Store, error) {
	if f.cluster == nil {
		return nil, errors.New("there is no cluster; start one")
	}
	return f.cluster.Store(part)
}

// outage is what was done to that part.
func (f *File) outage(part string) *outage {
	if f.down == nil {
		f.down = map[string]*outage{}
	}
	if f.down[part] == nil {
		f.down[part] = &outage{}
	}
	return f.down[part]
}

// mendStores takes back what steps did to the cluster's stores.
func (f *File) mendStores(ctx context.Context) error {
	for part, o := range f.down {
		s, err := f.cluster.Store(part)
		if err != nil {
			return err
		}
		if o.paused {
			if err := s.Continue(); err != nil {
				return err
			}
		}
		if o.stopped {
			if err := s.Start(ctx); err != nil {
				return err
			}
		}
		delete(f.down, part)
	}
	return nil
}
