package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocs does what the guides say, in the order of the page and in one shell, in an empty home folder, and compares what
// the commands print with what the page shows. Times, ports and the like may differ. With -update the page is written anew:
//
//	go test ./cmd/apitest -run Docs -update
//
// A page tells by comments, which a reader does not see, what its blocks are:
//
//	<!-- file: NAME -->     the block is the text of a file
//	<!-- part of: NAME -->  the block occurs in a file, as it is then
//	<!-- beside -->         the block's command goes on beside the others, as in a second terminal, until the end
//	<!-- do: COMMAND -->    is done, and not shown: such as what a reader does in an editor
//	<!-- install -->        the block is how the program is got: TestDocsInstall does it
//	<!-- not run: WHY -->   the block is not tried
//
// Any other console block is run; any other block at all is a fault.
func TestDocs(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin+"/", "./cmd/apitest")
	build.Dir = root
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, name := range []string{"apitest.md", "from-zato-apitest.md"} {
		t.Run(name, func(t *testing.T) { proveDocs(t, bin, filepath.Join(root, "docs", name)) })
	}
}

func proveDocs(t *testing.T, bin, page string) {
	raw, err := os.ReadFile(page)
	require.NoError(t, err)
	text := string(raw)
	for _, address := range fixedAddress.FindAllString(text, -1) {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Skipf("the guide uses %s, and that is in use", address)
		}
		require.NoError(t, l.Close())
	}
	blocks := docBlocks(t, text)
	require.NotEmpty(t, blocks)
	home, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.Symlink(filepath.Join(filepath.Dir(page), ".."), filepath.Join(home, "parley"))) // a reader's clone
	printed := runDocs(t, bin, home, blocks)
	if flag.Lookup("update").Value.String() == "true" {
		for i, b := range blocks {
			if b.shows() {
				text = strings.Replace(text, "```console\n"+b.text+"```\n", "```console\n"+printed[i]+"```\n", 1)
			}
		}
		require.NoError(t, os.WriteFile(page, []byte(text), 0o644))
		return
	}
	for i, b := range blocks {
		if b.shows() {
			assert.Equal(t, docsAlike(b.text), docsAlike(printed[i]), "the block that begins with: %s", b.commands[0])
		}
	}
}

// fixedAddress is an address that a guide names, and that must be free: ports of four digits. Free ports have five.
var fixedAddress = regexp.MustCompile(`\b127\.0\.0\.1:\d{4}\b`)

// docBlock is one block of a guide, or one comment with something to do.
type docBlock struct {
	about    string // of the comment before it: "file", "part of", "beside", "do"; empty: it is run
	value    string // behind the comment's colon
	text     string // between the fences
	commands []string
}

func (b docBlock) shows() bool { return b.about == "" || b.about == "beside" }

var docItem = regexp.MustCompile("(?ms)^<!-- (file|part of|beside|do|not run|install)(?:: (.*?))? -->$|^```(\\w*)\n(.*?)^```$")

func docBlocks(t *testing.T, text string) []docBlock {
	var all []docBlock
	var said docBlock
	for _, m := range docItem.FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			require.Empty(t, said.about, "two comments before one block: %s", m[0])
			said = docBlock{about: m[1], value: m[2]}
			if said.about == "do" {
				all, said = append(all, said), docBlock{}
			}
			continue
		}
		b := said
		said = docBlock{}
		b.text = m[4]
		if b.shows() {
			require.Equal(t, "console", m[3], "a block says neither what it is nor what it prints:\n%s", m[0])
			b.commands = docCommands(b.text)
			require.NotEmpty(t, b.commands, "a console block has no command:\n%s", m[0])
		}
		all = append(all, b)
	}
	return all
}

// docCommands are the lines behind a $, with those that a \ at the end leads to.
func docCommands(text string) []string {
	var out []string
	more := false
	for line := range strings.Lines(text) {
		switch {
		case more:
			out[len(out)-1] += line
		case strings.HasPrefix(line, "$ "):
			out = append(out, line[2:])
		default:
			continue
		}
		more = strings.HasSuffix(line, "\\\n")
	}
	return out
}

// runDocs does all blocks in one shell, and gives each as it should read.
func runDocs(t *testing.T, bin, home string, blocks []docBlock) []string {
	logs := t.TempDir()
	var script strings.Builder
	script.WriteString("exec 2>&1\n")
	for i, b := range blocks {
		name := filepath.Join(home, b.value)
		switch b.about {
		case "file":
			fmt.Fprintf(&script, "mkdir -p '%s' && cat > '%s' <<'END OF FILE'\n%sEND OF FILE\n", filepath.Dir(name), name, b.text)
		case "part of":
			part := filepath.Join(logs, fmt.Sprint("part", i))
			require.NoError(t, os.WriteFile(part, []byte(b.text), 0o600))
			fmt.Fprintf(&script, "[[ \"$(cat '%s')\" == *\"$(cat '%s')\"* ]] || { echo 'the page shows what is not in %s:'; cat '%s'; exit 3; }\n", name, part, b.value, part)
		case "install", "not run":
		case "do":
			fmt.Fprintf(&script, "{ %s\n} || { echo 'cannot do: %s'; exit 3; }\n", b.value, strings.ReplaceAll(b.value, "'", ""))
		case "beside":
			log := filepath.Join(logs, fmt.Sprint("beside", i))
			fmt.Fprintf(&script, "echo; echo '@@ %d 0'\n%s > '%s' &\nuntil grep -sq Ctrl-C '%s'; do sleep 0.05; done; cat '%s'\n", i, strings.TrimSpace(b.commands[0]), log, log, log)
		default:
			for j, c := range b.commands {
				fmt.Fprintf(&script, "was=$?; echo; echo '@@ %d %d'; (exit $was)\n%s", i, j, c) // $? is what a reader sees
			}
		}
	}
	script.WriteString("echo; echo '@@ end'\n")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", "trap 'kill $(jobs -p) 2> /dev/null' EXIT\n"+script.String())
	cmd.Dir, cmd.WaitDelay = home, 5*time.Second
	cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())

	parts := regexp.MustCompile(`\n?\n@@ (\d+ \d+|end)\n`).Split("\n"+out.String(), -1)[1:]
	printed := make([]string, len(blocks))
	n := 0
	for i, b := range blocks {
		for _, c := range b.commands {
			text := strings.ReplaceAll(strings.Trim(parts[n], "\n"), home, "/home/ann")
			printed[i] += "$ " + c
			if text != "" {
				printed[i] += text + "\n"
			}
			n++
		}
	}
	return printed
}

// TestDocsInstall gets the program as the guide says, from this module's own repository.
func TestDocsInstall(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("the module is no git repository, so none can be cloned")
	}
	raw, err := os.ReadFile(filepath.Join(root, "docs", "apitest.md"))
	require.NoError(t, err)
	script := "set -e\n"
	for _, b := range docBlocks(t, string(raw)) {
		if b.about == "install" {
			script += b.text
		}
	}
	const address = "https://github.com/parley-run/parley"
	require.Contains(t, script, "git clone "+address+"\n")
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(script, address, root+" parley", 1))
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "GOPATH=", "GOBIN=", "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOCACHE="+goEnv(t, "GOCACHE"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Regexp(t, `(?m)^apitest \S+$`, string(out))
	assert.FileExists(t, filepath.Join(home, "go", "bin", "apitest"))
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// docsAlike takes away what differs from run to run.
func docsAlike(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`\d+(\.\d+)? (µs|ms|s)\b`, "TIME"},
		{`\d\d:\d\d:\d\d\.\d+`, "CLOCK"},
		{`(?m)^( *)Date: .*$`, "${1}Date: DATE"},
		{`127\.0\.0\.1:\d{5}`, "127.0.0.1:PORT"},
		{`--seed \d+`, "--seed SEED"},
		{`\ba[0-9a-f]{32}\b`, "RANDOM"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}
