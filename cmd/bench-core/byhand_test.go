package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startByHand is the hand-written service with its back ends in this process.
func startByHand(t *testing.T) (*byHand, backEnds) {
	t.Helper()
	b, err := serveBackEnds(t.Context())
	require.NoError(t, err)
	redis := miniredis.RunT(t)
	_, err = redis.Push(fraudTypes, "A", "C")
	require.NoError(t, err)
	s, err := newByHand(t.Context(), b, "redis://"+redis.Addr()+"/0")
	require.NoError(t, err)
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		_ = s.redis.Close()
	})
	return s, b
}

func (s *byHand) ask(body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, tutorialPath, strings.NewReader(body)))
	return w
}

func TestByHandDoesTheTutorialsWork(t *testing.T) {
	s, b := startByHand(t)
	w := s.ask(tutorialBody)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, `{"response":{"first_name":"Sean","last_name":"O'Brien","last_payment_date":"2013-05-14T10:42:14.401555","last_payment_amount":"357"}}`, w.Body.String())
	assert.Len(t, w.Header().Get(cidHeader), 24)
	require.Eventually(t, func() bool {
		got, err := askCounts(t.Context(), b.Counts)
		return err == nil && got == counts{1, 1, 1}
	}, time.Minute, time.Millisecond)

	w = s.ask(`{"cust_id":123,"cust_type":"B"}`)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Empty(t, s.frauds, "fraud detection is not told of customers of this type")
	got, err := askCounts(t.Context(), b.Counts)
	require.NoError(t, err)
	assert.Equal(t, counts{2, 2, 1}, got)
	assert.Equal(t, int64(2), s.count)
	assert.Zero(t, s.errors)
}

func TestByHandChecksItsInput(t *testing.T) {
	s, _ := startByHand(t)
	for _, row := range []struct {
		name, body string
		status     int
	}{
		{"no JSON", "{", http.StatusBadRequest},
		{"no cust_type", `{"cust_id":1}`, http.StatusBadRequest},
		{"no cust_id", `{"cust_type":"A"}`, http.StatusBadRequest},
		{"wrong type", `{"cust_id":"x","cust_type":"A"}`, http.StatusBadRequest},
		{"too large", strings.Repeat(" ", maxBody+1), http.StatusRequestEntityTooLarge},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.status, s.ask(row.body).Code) })
	}
	assert.Equal(t, int64(5), s.errors)
}
