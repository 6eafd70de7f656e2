package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel/rest"
)

// FuzzURLPath holds that a path that is accepted can be served: net/http's matcher takes it, and finds it again.
func FuzzURLPath(f *testing.F) {
	for _, seed := range []string{"/", "/a/{id}", "/a/{id}/b/{other}", "/a/", "/%41", "/{a}{b}", "/{", "/a//b", "/../a", "/{a...}", "/{$}", "/a b", "/é", "/a?b", "/%zz", "/{a}/{a}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		raw, err := json.Marshal(map[string]string{"service": "s", "url_path": path})
		require.NoError(t, err)
		config, err := rest.Kind().Parse(raw)
		if err != nil {
			return
		}
		var kept struct {
			URLPath string `json:"url_path"`
		}
		again, err := json.Marshal(config)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(again, &kept))
		pattern := kept.URLPath
		if strings.HasSuffix(pattern, "/") {
			pattern += "{$}"
		}
		mux := http.NewServeMux()
		require.NotPanics(t, func() { mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {}) }, "%q", pattern)
		asked := strings.NewReplacer("{", "x", "}", "x").Replace(kept.URLPath)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h"+asked, http.NoBody)
		if err != nil {
			return
		}
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, req)
		require.NotEqual(t, http.StatusNotFound, rec.Code, "%q at %q", asked, pattern)
	})
}
