package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
	"github.com/parley-run/parley/runtime/folder"
)

// BenchmarkDashboard asks for pages of a cluster with 1,000 services and 500 channels, each of which had a request, through the
// supervisor, as browsers do. Figures are per page, log-in not counted.
//
//	go test ./cmd/parley -run none -bench Dashboard
func BenchmarkDashboard(b *testing.B) {
	binary := os.Getenv("PARLEY_BIN")
	if binary == "" {
		var err error
		binary, err = fixtures.Build(b.Context(), b.TempDir())
		require.NoError(b, err)
	}
	c := fixtures.New(b, fixtures.Spec{Servers: 2, Binary: binary})
	var yaml bytes.Buffer
	yaml.WriteString("admin_user:\n  - {name: anna, password: anna-pw, role: admin}\nchannel_rest:\n")
	var files []string
	for i := range 20 {
		var source strings.Builder
		source.WriteString("def handle(self):\n    \"\"\"Answers, and no more.\"\"\"\n    self.response.payload = {\"ok\": True}\n\n")
		for j := range 50 {
			name := fmt.Sprintf("area-%02d.service-%03d", i, j)
			fmt.Fprintf(&source, "service(name = %q, handle = handle, simple_io = SimpleIO(input_optional = [\"a\", \"b\"], output_required = [\"ok\"]))\n", name)
			if j < 25 {
				fmt.Fprintf(&yaml, "  - {name: %q, service: %q, url_path: \"/area/%d/%d\", data_format: json}\n", name, name, i, j)
			}
		}
		file, err := c.Put(fmt.Sprintf("area_%02d.star", i), []byte(source.String()))
		require.NoError(b, err)
		files = append(files, file)
	}
	_, err := c.Deploy(b.Context(), files...)
	require.NoError(b, err)
	definitions, err := c.Put("all.yaml", yaml.Bytes())
	require.NoError(b, err)
	require.NoError(b, c.Import(b.Context(), nil, definitions))
	for i := range 20 {
		for j := range 25 {
			res, err := http.Get(fmt.Sprintf("%s/area/%d/%d", c.Address(), i, j))
			require.NoError(b, err)
			require.NoError(b, res.Body.Close())
			require.Equal(b, http.StatusOK, res.StatusCode)
		}
	}

	f, err := folder.Open(c.Dir())
	require.NoError(b, err)
	jar, err := cookiejar.New(nil)
	require.NoError(b, err)
	client := &http.Client{Jar: jar}
	root := "http://" + f.Cluster.Supervisor.Admin
	get := func(path string) string {
		res, err := client.Get(root + path)
		require.NoError(b, err)
		raw, err := io.ReadAll(res.Body)
		require.NoError(b, err)
		require.NoError(b, res.Body.Close())
		require.Equal(b, http.StatusOK, res.StatusCode, string(raw))
		return string(raw)
	}
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(get("/log-in"))
	require.NotNil(b, token)
	res, err := client.PostForm(root+"/log-in", url.Values{"token": {token[1]}, "user": {"anna"}, "password": {"anna-pw"}})
	require.NoError(b, err)
	require.NoError(b, res.Body.Close())
	require.Equal(b, http.StatusOK, res.StatusCode)

	for _, one := range []struct{ name, path, want string }{
		{"first", "/", "requests in the last hour"},
		{"services", "/services", "1\u202f000 services"},
		{"services searched", "/services?q=service-00&sort=mean", "200 services of 1\u202f000"},
		{"service", "/service?name=area-00.service-000", "Channels that expose it"},
		{"channels", "/channels", "500 channels"},
		{"new channel", "/object?kind=channel_rest&new=1", `<option value="area-00.service-000">`},
		{"statistics", "/statistics", "Most used"},
		{"statistics of a year", "/statistics?last=year", "Most used"},
		{"statistics of one", "/statistics/one?name=area-00.service-000", "of all requests (U %)"},
		{"two times", "/statistics/compare", "One by one"},
		{"single requests", "/statistics/requests", "What is kept"},
		{"logs", "/logs", "Newest first"},
		{"audit", "/audit", "Verify the log"},
		{"one write", "/audit/change?revision=2", "Before"},
		{"config", "/config", "Download YAML"},
	} {
		b.Run(one.name, func(b *testing.B) {
			require.Contains(b, get(one.path), one.want)
			for b.Loop() {
				get(one.path)
			}
		})
	}
}
