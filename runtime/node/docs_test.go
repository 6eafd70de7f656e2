package node_test

import (
	"context"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
)

type payIn struct {
	CustID   int64     // "cust_id", required
	Amount   string    `sio:",decimal" doc:"in euros"` // a type that Go does not have
	Currency string    `default:"EUR"`                 // optional, then
	Note     *string   // may be missing: a pointer
	Due      time.Time `sio:",date,optional" format:"%d.%m.%Y"`
	PIN      string    `sio:",secret"` // in no log and no error
	Age      int       `min:"18" max:"150" sio:",optional"`
	Lines    []payLine `sio:",optional"` // objects in a list
}

type payLine struct{ Product string }

type payOut struct {
	Receipt string
	Amount  string `sio:",decimal"`
	Year    int
}

func pay(_ context.Context, _ service.Runtime, in payIn) (payOut, error) {
	return payOut{Receipt: in.Currency + "-1", Amount: in.Amount, Year: in.Due.Year()}, nil
}

var (
	docBlock = regexp.MustCompile("(?s)(?:<!-- file: (\\S+) -->\n)?```(\\w+)\n(.*?)```\n")
	docCID   = regexp.MustCompile("[0-9a-f]{24}")
)

// TestDocsOfSimpleIO does what docs/simpleio.md says, in the order of the page: it deploys its services, imports its
// definitions, sends its requests, and compares the answers with those that it shows.
func TestDocsOfSimpleIO(t *testing.T) {
	page, err := os.ReadFile("../../docs/simpleio.md")
	require.NoError(t, err)
	this, err := os.ReadFile("docs_test.go")
	require.NoError(t, err)
	g := newGround(t)
	g.run("server1", service.New("payments.pay", pay))
	answer, asked := "", 0
	for _, m := range docBlock.FindAllStringSubmatch(string(page), -1) {
		file, language, text := m[1], m[2], m[3]
		switch language {
		case "python":
			require.NoError(t, g.deploy("server1", file, text))
		case "yaml":
			require.NoError(t, g.define(text), text)
		case "go":
			assert.Contains(t, string(this), text)
		case "http":
			head, body, _ := strings.Cut(text, "\n")
			method, path, _ := strings.Cut(head, " ")
			status := 0
			status, _, answer = g.request(method, g.url("server1")+path, strings.TrimSuffix(body, "\n"))
			assert.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, status, answer)
			asked++
		case "json", "xml", "csv":
			got := docCID.ReplaceAllString(strings.ReplaceAll(answer, "\r\n", "\n"), "...")
			assert.Equal(t, strings.TrimSuffix(text, "\n"), strings.TrimSuffix(got, "\n"))
		default:
			t.Errorf("nothing tries a block of %q:\n%s", language, text)
		}
	}
	assert.Equal(t, 9, asked)
}
