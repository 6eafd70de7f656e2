package node_test

import (
	"bufio"
	"net/http"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDocsOfHTTP does what these pages say, in the order of each page: it deploys its services, imports its definitions, sends
// its requests, and compares the replies with those that it shows, of whose headers those that are shown. What is left out of a
// reply's body is its CID.
func TestDocsOfHTTP(t *testing.T) {
	for name, compat := range map[string]string{"rest": "", "hooks": "", "compat-zato": "zato"} {
		t.Run(name, func(t *testing.T) {
			page, err := os.ReadFile("../../docs/" + name + ".md")
			require.NoError(t, err)
			this, err := os.ReadFile("rest_test.go")
			require.NoError(t, err)
			g := newGround(t)
			g.folder.Cluster.Compat = compat
			g.run("server1")
			var status int
			var header http.Header
			answer, shown := "", 0
			for _, m := range docBlock.FindAllStringSubmatch(string(page), -1) {
				file, language, text := m[1], m[2], m[3]
				first, _, _ := strings.Cut(text, "\n")
				switch {
				case language == "python":
					require.NoError(t, g.deploy("server1", file, text))
				case language == "yaml":
					require.NoError(t, g.define(text), text)
				case language == "go":
					assert.Contains(t, string(this), text)
				case language == "http" && strings.HasPrefix(first, "HTTP/1.1 "):
					shown++
					headers, body := headersOf(t, text)
					want, reason, _ := strings.Cut(strings.TrimPrefix(first, "HTTP/1.1 "), " ")
					assert.Equal(t, want+" "+reason, strconv.Itoa(status)+" "+http.StatusText(status), answer)
					for name := range headers {
						assert.Equal(t, headers.Get(name), header.Get(name), name)
					}
					assert.Equal(t, body, docCID.ReplaceAllString(answer, "..."))
				case language == "http":
					method, path, _ := strings.Cut(first, " ")
					headers, body := headersOf(t, text)
					var pairs []string
					for name := range headers {
						pairs = append(pairs, name, headers.Get(name))
					}
					status, header, answer = g.asked(method, path, body, pairs...)
				default:
					t.Errorf("nothing tries a block of %q:\n%s", language, text)
				}
			}
			assert.Positive(t, shown)
		})
	}
}

// headersOf are the headers of a block, behind its first line, and what stands below them.
func headersOf(t *testing.T, text string) (http.Header, string) {
	t.Helper()
	_, rest, _ := strings.Cut(text, "\n")
	headers, body, _ := strings.Cut("\n"+rest, "\n\n")
	parsed, err := textproto.NewReader(bufio.NewReader(strings.NewReader(strings.TrimPrefix(headers+"\n\n", "\n")))).ReadMIMEHeader()
	require.NoError(t, err, text)
	return http.Header(parsed), strings.TrimSuffix(body, "\n")
}
