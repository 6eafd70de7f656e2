package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Secrets are encrypted by one new key after the other while requests keep coming and the server that does it is killed at
// some point of it. Nothing is lost, and the next call goes on.
func TestSecretsAreRotatedWhileServersDie(t *testing.T) {
	c := start(t, 3)
	definitions, err := c.Put("d.yaml", []byte(`
security_basic_auth:
  - {name: Partners, username: joe, password: c4nary, outgoing: true}
security_api_key:
  - {name: Key, key: c4nary-key, outgoing: true}
channel_rest:
  - {name: Who, service: who, url_path: /who, security: Partners}
`))
	require.NoError(t, err)
	require.NoError(t, c.Import(t.Context(), nil, definitions))
	who, err := c.Put("who.star", []byte("def handle(self):\n    self.response.payload = {\"hello\": \"world\"}\n"))
	require.NoError(t, err)
	_, err = c.Deploy(t.Context(), who)
	require.NoError(t, err)

	var wg sync.WaitGroup
	var asked, failed atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Address()+"/who", http.NoBody)
				if !assert.NoError(t, err) {
					return
				}
				req.SetBasicAuth("joe", "c4nary")
				res, err := http.DefaultClient.Do(req)
				if !assert.NoError(t, err) {
					return
				}
				_ = res.Body.Close()
				asked.Add(1)
				if res.StatusCode != http.StatusOK {
					failed.Add(1)
					t.Logf("%d at %s", res.StatusCode, time.Now())
				}
			}
		})
	}
	keys := map[string]bool{}
	for _, after := range []time.Duration{2 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, time.Second} {
		done := make(chan error, 1)
		go func() {
			_, err := c.Parley(t.Context(), "secrets", "rotate", "--dir", c.Dir())
			done <- err
		}()
		killed := time.After(after)
		<-killed
		require.NoError(t, c.Kill(t.Context(), 1)) // the command asks the first server
		if err := <-done; err != nil {
			t.Log(err) // as it may
		}
		require.NoError(t, c.StartServer(t.Context(), 1))
		require.NoError(t, c.WaitUp(t.Context()))
		require.Eventually(t, func() bool {
			out, err := c.Parley(t.Context(), "secrets", "rotate", "--dir", c.Dir(), "-o", "json")
			var now struct {
				Key          string
				Lost, Behind []string
			}
			if err != nil || json.Unmarshal([]byte(out), &now) != nil {
				return false // the dead server's turn ends within seconds
			}
			keys[now.Key] = true
			return len(now.Lost)+len(now.Behind) == 0
		}, 90*time.Second, 500*time.Millisecond)
	}
	stop()
	wg.Wait()
	assert.Greater(t, len(keys), 1)
	assert.Positive(t, asked.Load())
	assert.Zero(t, failed.Load(), "of %d", asked.Load())
	out, err := c.Parley(t.Context(), "secrets", "status", "--dir", c.Dir(), "-o", "json")
	require.NoError(t, err)
	var status struct {
		Keys []struct {
			Seals  bool
			Sealed int
		}
		Lost int
	}
	require.NoError(t, json.Unmarshal([]byte(out), &status))
	assert.Zero(t, status.Lost)
	assert.True(t, status.Keys[0].Seals)
	assert.Equal(t, 2, status.Keys[0].Sealed)
}
