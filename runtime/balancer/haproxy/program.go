package haproxy

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Program is an installed HAProxy.
type Program struct {
	Path    string // absolute
	Version string // such as 2.6.12
}

// oldest is the version that has all that the configuration uses.
func oldest() [2]int { return [2]int{2, 4} }

// Find is the HAProxy called name: "" for the one that PATH has, or where systems put it.
func Find(ctx context.Context, name string) (Program, error) {
	path, err := exec.LookPath(cmp.Or(name, "haproxy"))
	if err != nil && name == "" {
		for _, place := range []string{"/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/opt/homebrew/bin/haproxy"} {
			if path, err = exec.LookPath(place); err == nil {
				break
			}
		}
	}
	switch {
	case err != nil && name == "":
		return Program{}, errors.New("HAProxy is not installed: no program haproxy on PATH; install it, such as with: apt install haproxy, " +
			"or name it in cluster.yaml as balancer.haproxy.binary")
	case err != nil:
		return Program{}, fmt.Errorf("balancer.haproxy.binary: %s cannot be run: %w; name the haproxy program there", name, errors.Unwrap(err))
	}
	if path, err = filepath.Abs(path); err != nil {
		return Program{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "-v").CombinedOutput()
	found := versionLine.FindSubmatch(out)
	if found == nil {
		return Program{}, errors.Join(fmt.Errorf("%s is not HAProxy: %s -v says %q", path, path, clip(string(out))), err)
	}
	p := Program{Path: path, Version: string(found[1])}
	major, _ := strconv.Atoi(string(found[2])) // digits, by the expression
	minor, _ := strconv.Atoi(string(found[3]))
	if least := oldest(); major < least[0] || major == least[0] && minor < least[1] {
		return p, fmt.Errorf("%s is HAProxy %s; Parley needs %d.%d or newer: install a newer one, or name it in cluster.yaml as balancer.haproxy.binary",
			path, p.Version, least[0], least[1])
	}
	return p, nil
}

var versionLine = regexp.MustCompile(`(?i)HA-?Proxy version ((\d+)\.(\d+)[0-9A-Za-z.+~-]*)`)

// Check has HAProxy judge the configuration in file. The error shows each fault with its line of the file. extra is
// what the configuration calls fd@3 and so on.
func (p Program) Check(ctx context.Context, file string, extra ...*os.File) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Path, "-c", "-f", file)
	cmd.ExtraFiles = extra
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s -c -f %s: %w", p.Path, file, ctx.Err())
	}
	return fmt.Errorf("HAProxy %s refuses %s:\n%s", p.Version, file, explain(file, string(out)))
}

// parsing is how HAProxy names a place: [file:line].
var (
	parsing = regexp.MustCompile(`\[([^\[\]]+):(\d+)\]`)
	prefix  = regexp.MustCompile(`^\[(ALERT|WARNING|NOTICE)\]\s*\(\d+\)\s*:\s*`)
)

// explain is what HAProxy said, without its NOTICEs, each line of the file that it names shown beneath.
func explain(file, said string) string {
	text, _ := os.ReadFile(file) // without it, the numbers stand alone
	lines := bytes.Split(text, []byte("\n"))
	var out []string
	for line := range strings.Lines(said) {
		line = strings.TrimRight(line, "\n")
		kind := prefix.FindStringSubmatch(line)
		if kind == nil && strings.TrimSpace(line) == "" || kind != nil && kind[1] == "NOTICE" {
			continue
		}
		line = strings.TrimPrefix(prefix.ReplaceAllString(line, ""), "config : ")
		out = append(out, "  "+clip(line))
		place := parsing.FindStringSubmatch(line)
		if place == nil || place[1] != file {
			continue
		}
		if n, _ := strconv.Atoi(place[2]); n > 0 && n <= len(lines) {
			out = append(out, fmt.Sprintf("    %d | %s", n, clip(string(bytes.TrimSpace(lines[n-1])))))
		}
	}
	return strings.Join(out, "\n")
}

// clip keeps a message readable, and a password's hash out of it.
func clip(line string) string {
	line = secret.ReplaceAllString(line, "$1 ...")
	if runes := []rune(line); len(runes) > 400 {
		return string(runes[:400]) + " ..."
	}
	return line
}

var secret = regexp.MustCompile(`(\bpassword)\s+\S+`)
