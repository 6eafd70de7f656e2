package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/bench/figures"
	"github.com/parley-run/parley/runtime/service"
)

// armOf is an arm whose service answers text, slow being how long that takes.
func armOf(t *testing.T, name, text string, slow time.Duration) *arm {
	t.Helper()
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if slow > 0 {
			<-time.After(slow)
		}
		_, _ = io.WriteString(w, text)
	})
	return &arm{name: name, address: address, pid: os.Getpid()}
}

func TestSameReplies(t *testing.T) {
	a, b, c := armOf(t, "a", "1", 0), armOf(t, "b", "1", 0), armOf(t, "c", "2", 0)
	require.NoError(t, sameReplies(t.Context(), a, b))
	assert.Equal(t, 1, a.answered)
	require.EqualError(t, sameReplies(t.Context(), a, c), "a answered 1, and c answered 2")
}

func TestSameWork(t *testing.T) {
	b, err := serveBackEnds(t.Context())
	require.NoError(t, err)
	require.NoError(t, sameWork(t.Context(), b))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, sameWork(ctx, b, &arm{answered: 2}, &arm{answered: 1}), "3 requests were answered, but the CRM was called 0 times")
}

func TestCompareFindsTheSlowerOne(t *testing.T) {
	fast, slow := armOf(t, "fast", "1", 0), armOf(t, "slow", "1", 5*time.Millisecond)
	p := pace{warmUp: 20 * time.Millisecond, turn: 30 * time.Millisecond, turns: 3, rounds: 2}
	require.NoError(t, compare(t.Context(), []*arm{fast, slow}, p, newForeign(os.Getpid())))
	require.Len(t, fast.rates, 2)
	require.Len(t, slow.rates, 2)
	for i, ratio := range figures.Ratios(slow.rates, fast.rates) {
		assert.Less(t, ratio, 0.9)
		assert.LessOrEqual(t, slow.rates[i], connections/0.005)
	}
	assert.Greater(t, fast.answered, slow.answered)
}

func TestTogether(t *testing.T) {
	assert.InDeltaSlice(t, []float64{10, 5}, together([]float64{30, 10}, []float64{30, 20}, []float64{30, 20}), 0.001)
}

func TestEchoesAnswerTheSame(t *testing.T) {
	bare := serve(t, bareEcho)
	err := serveEcho(t.Context(), t.TempDir(), "", func(at string) error {
		login := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(echoUser+":"+echoPassword))
		arms := []*arm{{name: "bare", address: bare, request: requestOf(http.MethodPost, bare, echoPath, echoBody)}}
		for _, path := range []string{echoPath, echoStarPath} {
			arms = append(arms, &arm{name: path, address: at, request: requestOf(http.MethodPost, at, path, echoBody, login)})
		}
		assert.NoError(t, sameReplies(t.Context(), arms...))
		assert.NoError(t, sameReplies(t.Context(), &arm{name: "xml", address: at, request: requestOf(http.MethodPost, at, echoXMLPath, echoXMLBody, login)}))
		assert.NoError(t, needsLogin(t.Context(), at))
		return nil
	})
	require.NoError(t, err)
}

func TestDocumentsAreTheSameData(t *testing.T) {
	asJSON, asXML, shape := writeDocuments()
	var inputs []string
	for _, d := range []document{{format: "json", body: asJSON, shape: shape}, {format: "xml", body: asXML, shape: shape}} {
		req, err := d.read(t.Context())
		require.NoError(t, err)
		text, err := service.AppendJSON(nil, req.Input)
		require.NoError(t, err)
		inputs = append(inputs, string(text))
	}
	assert.Equal(t, inputs[0], inputs[1])
	assert.Greater(t, len(inputs[0]), megabyte)
}

func TestVersionsAreToldApart(t *testing.T) {
	source, err := tutorialSource()
	require.NoError(t, err)
	assert.Contains(t, withVersion(source, 12), `{"version": "v12"}`)
	assert.Contains(t, withVersion(source, 12), source)
	assert.True(t, isVersion([]byte(`{"version":"v12"}`), 12))
	assert.False(t, isVersion([]byte(`{"version":"v12"}`), 1))
}

func TestWaitForVersion(t *testing.T) {
	var asked atomic.Int64
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n := asked.Add(1); {
		case n == 1:
			http.NotFound(w, nil)
		case n < 4:
			_, _ = io.WriteString(w, `{"version":"v1"}`)
		case n == 4:
			_, _ = io.WriteString(w, `{"version":"v2"}`)
		default:
			http.Error(w, "broken", http.StatusInternalServerError)
		}
	})
	w, err := dial(t.Context(), address, requestOf(http.MethodGet, address, versionPath, ""))
	require.NoError(t, err)
	defer w.close()
	require.NoError(t, waitForVersion(t.Context(), w, 2))
	assert.Equal(t, int64(4), asked.Load())
	require.ErrorContains(t, waitForVersion(t.Context(), w, 3), "status 500: broken")
}

func TestFlushTime(t *testing.T) {
	dir := t.TempDir()
	took, err := flushTime(dir)
	require.NoError(t, err)
	assert.Len(t, took, 50)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left)
}
