package steps_test

import (
	"context"
	"io"
	"log"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
)

// channelRows look into $FOLDER, which holds done/a.csv alone.
func channelRows() []thenRow {
	const free = "Given a free address \"HERE\"\n"
	return []thenRow{
		{"", `folder "$FOLDER" holds file "done/a.csv"`, ""},
		{"", `folder "$FOLDER" holds file "a.csv"`, "does not hold file a.csv; it holds: done/a.csv"},
		{"", `folder "$FOLDER" does not hold file "a.csv"`, ""},
		{"", `folder "$FOLDER" does not hold file "done/a.csv"`, "holds file done/a.csv"},
		{"", `file "done/a.csv" of folder "$FOLDER" contains "bolt"`, ""},
		{"", `file "done/a.csv" of folder "$FOLDER" contains "nut"`, "does not contain the text"},
		{"", `file "a.csv" of folder "$FOLDER" contains "bolt"`, "no file a.csv in folder"},
		{free, `folder "#HERE" does not hold file "x"`, ""},
	}
}

func TestThenOfChannels(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "done"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "done", "a.csv"), []byte("bolt,3\n"), 0o600))
	t.Setenv("FOLDER", folder)
	checkRows(t, channelRows(), `Given I store "1" under "nothing"`, steps.Options{})
}

func TestCopyAndPush(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	pull := zmq4.NewPull(ctx, zmq4.WithLogger(log.New(io.Discard, "", 0)))
	defer func() { _ = pull.Close() }()
	require.NoError(t, pull.Listen("tcp://127.0.0.1:0"))
	t.Setenv("FOLDER", t.TempDir())
	t.Setenv("PULL", pull.Addr().String())
	got := make(chan string, 1)
	go func() {
		if m, err := pull.Recv(); err == nil {
			got <- string(m.Bytes())
		}
	}()
	checkRows(t, []thenRow{
		{"When file \"json/response/details.json\" is copied into folder \"$FOLDER\"\n", `file "details.json" of folder "$FOLDER" contains "Sean"`, ""},
		{"When \"{\"id\": 7}\" is pushed to ZeroMQ address \"$PULL\"\n", `folder "$FOLDER" holds file "details.json"`, ""},
	}, `Given I store "1" under "nothing"`, steps.Options{})
	select {
	case message := <-got:
		assert.JSONEq(t, `{"id": 7}`, message)
	case <-time.After(time.Minute):
		t.Fatal("nothing was pulled")
	}
}
