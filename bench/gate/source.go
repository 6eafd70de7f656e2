package gate

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Source says how servers come to be: see Resolve.
type Source struct {
	Build  string // shell command that builds {binary} in a folder of sources
	Serve  string // shell command that runs {binary}; empty: parley's
	Ready  string // path that answers 2xx once the server is ready
	Memory string // URL that says what the server has allocated; empty: parley's, where Serve is
	Config string // folder of definitions and services for parley; empty: one echo service
}

// DefaultBuild builds parley.
const DefaultBuild = "CGO_ENABLED=0 go build -trimpath -o {binary} ./cmd/parley"

// sampleToken lets nobody in but to a server that runs for seconds on the loopback address.
const sampleToken = "0000000000000000000000000000000000000000000000000000000000000000"

const parleyServe = "PARLEY_ADMIN_TOKEN=" + sampleToken + " exec {binary} serve --name server1 --dir {dir}/data " +
	"--address 127.0.0.1:{port} --admin-address 127.0.0.1:{port2} --embedded-redis 127.0.0.1:{port3} --config "

//go:embed sample
var sample embed.FS

// SampleRequest is what the echo service answers that runs where Source.Config names nothing else.
func SampleRequest() Request {
	return Request{
		Path: "/gate", Headers: map[string]string{"Content-Type": "application/json"},
		Body: `{"cust_id": 123, "name": "Sean", "tags": ["a", "b", "c"], "address": {"street": "1 High Street", "city": "Leeds"}}`,
	}
}

// Resolve makes a server of what a user names: a shell command with {port} in it, a program's file, a folder of sources, or
// a commit of the repository of the current folder, of which the last two are built. work is a folder for what is built.
func (s Source) Resolve(ctx context.Context, what, work string) (Server, error) {
	server := Server{Name: short(what), Ready: s.Ready}
	if strings.Contains(what, "{port}") {
		server.Command = what
		if s.Memory != "" {
			server.Memory = Probe{URL: s.Memory}
		}
		return server, nil
	}
	binary, err := s.binary(ctx, what, work)
	if err != nil {
		return server, err
	}
	server.Binary = binary
	if s.Serve != "" {
		server.Command, server.Memory = s.Serve, Probe{URL: s.Memory}
		return server, nil
	}
	config := s.Config
	if config == "" {
		config = filepath.Join(work, "config")
		if err := writeSample(config); err != nil {
			return server, err
		}
	} else if config, err = filepath.Abs(config); err != nil {
		return server, err
	}
	server.Command = parleyServe + quote(config)
	if server.Ready == "" {
		server.Ready = "/parley/ready"
	}
	server.Memory = Probe{
		Method: "POST", URL: "http://127.0.0.1:{port2}/parley/api/parley.server.memory",
		Header: map[string]string{"Authorization": "Bearer " + sampleToken, "Content-Type": "application/json"}, Body: "{}",
	}
	return server, nil
}

// short is the beginning of a long command, for people.
func short(what string) string {
	const most = 60
	if runes := []rune(what); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return what
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// binary is the program's file, built where it is not there.
func (s Source) binary(ctx context.Context, what, work string) (string, error) {
	info, err := os.Stat(what)
	switch {
	case err == nil && info.IsDir():
		return s.build(ctx, what, what, work)
	case err == nil:
		return filepath.Abs(what)
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	commit, err := run(ctx, ".", "git", "rev-parse", "--verify", "--quiet", what+"^{commit}")
	if err != nil {
		return "", fmt.Errorf("%q is no command with {port}, no file, no folder, and no commit of the repository of this folder", what)
	}
	commit = strings.TrimSpace(commit)
	tree := filepath.Join(work, "tree-"+commit)
	if _, err := run(ctx, ".", "git", "worktree", "add", "--force", "--detach", tree, commit); err != nil {
		return "", err
	}
	built, err := s.build(ctx, what, tree, work)
	_, removed := run(context.WithoutCancel(ctx), ".", "git", "worktree", "remove", "--force", tree)
	return built, errors.Join(err, removed)
}

func (s Source) build(ctx context.Context, what, dir, work string) (string, error) {
	folder, err := os.MkdirTemp(work, "built-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(folder, "server")
	build := s.Build
	if build == "" {
		build = DefaultBuild
	}
	if _, err := run(ctx, dir, "sh", "-c", strings.ReplaceAll(build, "{binary}", binary)); err != nil {
		return "", fmt.Errorf("build %s: %w", what, err)
	}
	if _, err := os.Stat(binary); err != nil {
		return "", fmt.Errorf("build %s: %q made no file {binary}", what, build)
	}
	return binary, nil
}

func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	group(cmd)
	cmd.Cancel = func() error { end(cmd, true); return nil }
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		why := strings.TrimSpace(said.String())
		if why != "" {
			why = ": " + why
		}
		return "", fmt.Errorf("%s %s: %w%s", name, strings.Join(args, " "), err, why)
	}
	return string(out), nil
}

// writeSample writes the echo service and its channel into dir.
func writeSample(dir string) error {
	sub, err := fs.Sub(sample, "sample")
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.CopyFS(dir, sub)
}
