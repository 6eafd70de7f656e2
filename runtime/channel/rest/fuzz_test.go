package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/service"
)

// FuzzURLPath holds that a path that is accepted can be served: net/http's matcher takes its route, finds it again, and gives each
// name in braces what stood in its place; the last one all that was left where match_slash says so.
func FuzzURLPath(f *testing.F) {
	for _, seed := range []string{
		"/", "/a/{id}", "/a/{id}/b/{other}", "/a/", "/%41", "/{a}{b}", "/{", "/a//b", "/../a", "/{a...}", "/{$}", "/a b", "/é", "/a?b", "/%zz", "/{a}/{a}",
	} {
		f.Add(seed, "x", false)
		f.Add(seed, "x/y z%", true)
	}
	f.Fuzz(func(t *testing.T, path, value string, matchSlash bool) {
		raw, err := json.Marshal(map[string]any{"service": "s", "url_path": path, "match_slash": matchSlash})
		require.NoError(t, err)
		config, err := rest.Kind().Parse(raw)
		if err != nil {
			return
		}
		again, err := json.Marshal(config)
		require.NoError(t, err)
		var kept rest.Config
		require.NoError(t, json.Unmarshal(again, &kept))
		built, err := rest.Kind().New(config, channel.Deps{Name: "Test", Names: service.ParleyNames()})
		require.NoError(t, err)
		pattern := built.(channel.HTTP).Route().Path
		if strings.HasSuffix(pattern, "/") {
			pattern += "{$}"
		}
		if !matchSlash {
			value = strings.ReplaceAll(value, "/", "")
		}
		value = strings.Trim(value, "/.") // which clients and servers clean away
		if value == "" || strings.Contains(value, "//") || strings.Contains(value, "/.") {
			value = "x"
		}
		var names, segments []string
		for segment := range strings.SplitSeq(kept.URLPath, "/") {
			if strings.HasPrefix(segment, "{") {
				names = append(names, strings.Trim(segment, "{}"))
				segment = "one"
			}
			segments = append(segments, segment)
		}
		last := strings.HasSuffix(kept.URLPath, "}")
		if last {
			var escaped []string
			for part := range strings.SplitSeq(value, "/") {
				escaped = append(escaped, url.PathEscape(part))
			}
			segments[len(segments)-1] = strings.Join(escaped, "/")
		}
		mux := http.NewServeMux()
		found := false
		require.NotPanics(t, func() {
			mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
				found = true
				for i, name := range names {
					if last && i == len(names)-1 {
						require.Equal(t, value, r.PathValue(name))
					} else {
						require.Equal(t, "one", r.PathValue(name))
					}
				}
			})
		}, "%q", pattern)
		asked := strings.Join(segments, "/")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://h"+asked, http.NoBody)
		if err != nil {
			return
		}
		mux.ServeHTTP(httptest.NewRecorder(), req)
		require.True(t, found, "%q at %q", asked, pattern)
	})
}

// FuzzHeaders holds that no header of a caller makes a channel panic, or answer what HTTP does not have.
func FuzzHeaders(f *testing.F) {
	for _, seed := range [][4]string{
		{"gzip", "gzip;q=0.5, *", `"a", W/"b"`, "https://app.example.com"}, {"br", "gzip;q=x", "*", "null"}, {"gzip, gzip", ",,;q=", "W/", "*"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	c, err := rest.Kind().Parse([]byte(`{"service":"s","url_path":"/test","content_encoding":"gzip","gzip_min_size":1,"cors_origins":["https://app.example.com"]}`))
	require.NoError(f, err)
	built, err := rest.Kind().New(c, channel.Deps{
		Name: "Test", Names: service.ParleyNames(),
		Handle: answer(&service.Response{Raw: []byte("hello"), Header: map[string][]string{"ETag": {`"a"`}}}, nil),
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, coding, accept, tag, origin string) {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			req := httptest.NewRequestWithContext(t.Context(), method, "/test", strings.NewReader("body"))
			req.Header = http.Header{
				"Content-Encoding": {coding}, "Accept-Encoding": {accept}, "If-None-Match": {tag}, "Origin": {origin},
				"Access-Control-Request-Method": {accept}, "Access-Control-Request-Headers": {tag},
			}
			w := httptest.NewRecorder()
			built.(channel.HTTP).ServeHTTP(w, req)
			require.Contains(t, []int{200, 204, 304, 400, 415}, w.Code)
			for name, values := range w.Header() {
				for _, v := range values {
					require.NotContains(t, v, "\n", name)
				}
			}
			if allowed := w.Header().Get("Access-Control-Allow-Origin"); allowed != "" {
				require.Equal(t, "https://app.example.com", allowed)
				require.Equal(t, allowed, origin)
			}
		}
	})
}
