package rest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/service"
)

// limited builds a channel over a service that takes some methods alone.
func limited(t *testing.T, names service.Names, keys string, methods ...string) channel.HTTP {
	t.Helper()
	c, err := rest.Kind().Parse([]byte(`{"service":"test.service","url_path":"/test"` + keys + `}`))
	require.NoError(t, err)
	built, err := rest.Kind().New(c, channel.Deps{
		Name: "Test", Names: names, Handle: answer(&service.Response{Raw: []byte("done")}, nil), Services: []channel.Exposed{{Methods: methods}},
	})
	require.NoError(t, err)
	return built.(channel.HTTP)
}

func TestMethodsOfTheService(t *testing.T) {
	for _, row := range []struct {
		name, keys string
		methods    []string
		method     string
		status     int
		allow      string
		details    string
	}{
		{"one that it has", "", []string{"GET", "POST"}, "POST", 200, "", ""},
		{"HEAD is answered as GET", "", []string{"GET"}, "HEAD", 200, "", ""},
		{"all", "", nil, "PURGE", 200, "", ""},
		{"one that it has not", "", []string{"GET", "POST"}, "PUT", 405, "GET, HEAD, OPTIONS, POST", "the method PUT is not allowed at /test; allowed: GET, HEAD, OPTIONS, POST"},
		{"no HEAD without GET", "", []string{"POST"}, "HEAD", 405, "OPTIONS, POST", ""},
		{"the channel takes more", `,"method":["GET","PUT"]`, []string{"GET", "POST"}, "PUT", 405, "GET, HEAD, OPTIONS", "the method PUT is not allowed at /test; allowed: GET, HEAD, OPTIONS"},
		{"nothing in common", `,"method":["PUT"]`, []string{"POST"}, "PUT", 405, "OPTIONS", "the method PUT is not allowed at /test; allowed: OPTIONS"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			limited(t, service.ParleyNames(), row.keys, row.methods...).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), row.method, "/test", http.NoBody))
			assert.Equal(t, row.status, w.Code)
			assert.Equal(t, row.allow, w.Header().Get("Allow"))
			if row.details != "" {
				assert.Contains(t, w.Body.String(), row.details)
			}
		})
	}
}

func TestMethodOfTheServiceForClientsOfZato(t *testing.T) {
	w := httptest.NewRecorder()
	limited(t, service.ZatoNames(), "", "GET").ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "PUT", "/test", http.NoBody))
	assert.Equal(t, 405, w.Code)
	assert.Empty(t, w.Body.String())
	assert.Equal(t, "0", w.Header().Get("Content-Length"))
	assert.Equal(t, "GET, HEAD, OPTIONS", w.Header().Get("Allow"))
	assert.Len(t, w.Header().Get("X-Zato-CID"), 24)
}

func TestAllowedMethods(t *testing.T) {
	for _, row := range []struct {
		name, keys string
		methods    []string
		want       []string
	}{
		{"all", "", nil, nil},
		{"the channel's", `,"method":["GET","PUT"]`, nil, []string{"GET", "PUT"}},
		{"the service's", "", []string{"GET"}, []string{"GET"}},
		{"both", `,"method":["GET","PUT"]`, []string{"PUT", "POST"}, []string{"PUT"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			built := limited(t, service.ParleyNames(), row.keys, row.methods...)
			assert.ElementsMatch(t, row.want, built.(channel.Optional).Allowed())
		})
	}
}

func TestRouteOfAPathThatTakesTheRest(t *testing.T) {
	c, err := rest.Kind().Parse([]byte(`{"service":"s","url_path":"/files/{user}/{path}","match_slash":true}`))
	require.NoError(t, err)
	built, err := rest.Kind().New(c, channel.Deps{Name: "Files", Names: service.ParleyNames()})
	require.NoError(t, err)
	assert.Equal(t, "/files/{user}/{path...}", built.(channel.HTTP).Route().Path)
}
