package steps

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/parley-run/parley/fixtures"
)

func deploySteps() []Step {
	return []Step{
		either(`definitions from "{file}"`, "Imports channels and outgoing connections from YAML: a file beside the feature file, or a sample.",
			`definitions from "tutorial.yaml"`, importDefinitions),
		when(`importing definitions from "{file}" is tried`, "Imports them where that may be refused; a later step says whether it was.", `importing definitions from "refused/definitions.yaml" is tried`, tryImport),
		either(`service file "{file}" is deployed`, "By parley deploy: every server serves it then. A file beside the feature file, or a sample.",
			`service file "tutorial.star" is deployed`, deploy),
		when(`service files "{a}" and "{b}" are deployed in turn {n} times`, "One after the other, so many deploys in all.",
			`service files "version/v1/version.star" and "version/v2/version.star" are deployed in turn 20 times`, deployInTurn),
		when(`service file "{file}" is copied to server {n}'s pickup folder`, "And may not be deployed yet when the next step begins.",
			`service file "tutorial.star" is copied to server 1's pickup folder`, copyToPickup),
		when(`deploying "{file}" is tried`, "By parley deploy, where it may be refused.", `deploying "refused/syntax.star" is tried`, tryDeploy),
		when(`deploying "{a}" together with "{b}" is tried`, "Both in one change.", `deploying "version/v1/version.star" together with "refused/twin.star" is tried`, tryDeployBoth),
		either(`service "{name}" is undeployed`, "By parley undeploy.", `service "demo.version" is undeployed`, undeploy),
		then(`it is refused with "{text}"`, "What was tried was refused, and the text occurs in what was said.", `it is refused with "syntax.star:4:"`, assertRefused),
		then(`it is accepted`, "What was tried was done.", `it is accepted`, assertAccepted),
		then(`service "{name}" is deployed`, "It is in the list of services.", `service "demo.version" is deployed`, assertDeployed),
		then(`service "{name}" is not deployed`, "It is not in the list of services.", `service "demo.none" is not deployed`, assertNotDeployed),
	}
}

// environment is what definitions may name: the addresses of the mocks, where there are some, and what steps have named.
func (w *World) environment() map[string]string {
	all := maps.Clone(w.file.named)
	if w.file.backEnds != nil {
		maps.Copy(all, w.file.backEnds.Env())
	}
	for _, m := range w.mocks {
		name := httpMockAddress
		if m.Name() != httpMockName {
			name = addressName(m.Name())
		}
		all[name] = m.URL()
	}
	return all
}

func importDefinitions(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	file := a.Text(0)
	text, _, err := w.read(file)
	if err != nil {
		return err
	}
	environment := w.environment()
	whole := os.Expand(string(text), func(name string) string { return environment[name] })
	if w.file.imported[file] == whole {
		return nil // an earlier scenario of this file did, with the same addresses
	}
	path, err := c.Put(file, text)
	if err != nil {
		return err
	}
	if err := c.Import(ctx, environment, path); err != nil {
		return err
	}
	w.file.imported[file] = whole
	return nil
}

func tryImport(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	path, err := w.put(a.Text(0))
	if err != nil {
		return err
	}
	return w.tried("importing "+a.Text(0), c.Import(ctx, w.environment(), path))
}

func deploy(ctx context.Context, w *World, a Args) error { return w.deploy(ctx, a.Text(0)) }

func (w *World) deploy(ctx context.Context, files ...string) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	var paths []string
	for _, file := range files {
		path, err := w.put(file)
		if err != nil {
			return err
		}
		paths = append(paths, path)
	}
	d, err := c.Deploy(ctx, paths...)
	if err != nil {
		return err
	}
	for _, s := range d.Servers {
		if !s.OK {
			return failf("parley deploy ended well, but says of %s: %s", s.Server, s.Error)
		}
	}
	return nil
}

func deployInTurn(ctx context.Context, w *World, a Args) error {
	n, err := a.Int(2)
	if err != nil {
		return err
	}
	for i := range n {
		if err := w.deploy(ctx, a.Text(i%2)); err != nil {
			return fmt.Errorf("deploy %d of %d: %w", i+1, n, err)
		}
	}
	return nil
}

func copyToPickup(_ context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	n, err := a.Int(1)
	if err != nil {
		return err
	}
	path, err := w.put(a.Text(0))
	if err != nil {
		return err
	}
	return c.CopyToPickup(n, path, "")
}

// tried keeps the outcome of what may be refused; anything else that went wrong is the step's failure.
func (w *World) tried(what string, err error) error {
	if _, refused := fixtures.Refused(err); err != nil && !refused {
		var f *Failure
		if !errors.As(err, &f) {
			return err
		}
	}
	w.change = &change{what: what, err: err}
	return nil
}

func tryDeploy(ctx context.Context, w *World, a Args) error {
	return w.tryDeploy(ctx, a.Text(0))
}

func tryDeployBoth(ctx context.Context, w *World, a Args) error {
	return w.tryDeploy(ctx, a.Text(0), a.Text(1))
}

func (w *World) tryDeploy(ctx context.Context, files ...string) error {
	return w.tried("deploying "+strings.Join(files, " and "), w.deploy(ctx, files...))
}

func undeploy(ctx context.Context, w *World, a Args) error {
	c, err := w.cluster()
	if err != nil {
		return err
	}
	_, err = c.Undeploy(ctx, a.Text(0))
	return err
}

func (w *World) lastChange() (*change, error) {
	if w.change == nil {
		return nil, errors.New("nothing was tried; try something with: When deploying \"file.star\" is tried")
	}
	return w.change, nil
}

func assertRefused(_ context.Context, w *World, a Args) error {
	c, err := w.lastChange()
	if err != nil {
		return err
	}
	if c.err == nil {
		return failf("%s was not refused", c.what)
	}
	said, _ := fixtures.Refused(c.err)
	if !strings.Contains(said, a.Text(0)) {
		return differs(c.what+" was refused with other words", plain(a.Text(0)), plain(strings.TrimSpace(said)))
	}
	return nil
}

func assertAccepted(_ context.Context, w *World, _ Args) error {
	c, err := w.lastChange()
	if err == nil && c.err != nil {
		return failf("%s was refused: %v", c.what, c.err)
	}
	return err
}

func (w *World) isDeployed(ctx context.Context, name string) (bool, error) {
	c, err := w.cluster()
	if err != nil {
		return false, err
	}
	list, err := c.Services(ctx)
	if err != nil {
		return false, err
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	if !slices.Contains(names, name) {
		return false, failf("service %q is not deployed; there are %s", name, show(texts(names)))
	}
	return true, failf("service %q is deployed", name)
}

func assertDeployed(ctx context.Context, w *World, a Args) error {
	there, err := w.isDeployed(ctx, a.Text(0))
	if there {
		return nil
	}
	return err
}

func assertNotDeployed(ctx context.Context, w *World, a Args) error {
	there, err := w.isDeployed(ctx, a.Text(0))
	var f *Failure
	if !there && errors.As(err, &f) {
		return nil
	}
	return err
}
