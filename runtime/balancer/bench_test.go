package balancer_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/backend"
	"github.com/parley-run/parley/runtime/balancer"
)

// BenchmarkBalancer compares a request that goes straight to a server, through a plain ReverseProxy, and
// through the balancer.
func BenchmarkBalancer(b *testing.B) {
	be := backend.New(b, nil, nil)
	to := &url.URL{Scheme: "http", Host: be.Address}
	plain := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(to)
			p.SetXForwarded()
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 1024},
	})
	defer plain.Close()
	lb, srv := front(b, func(o *balancer.Options) { o.CheckInterval = time.Second }, be)
	waitState(b, lb, "server1", "up")
	for _, row := range []struct{ name, url string }{{"direct", to.String()}, {"reverseproxy", plain.URL}, {"balancer", srv.URL}} {
		b.Run(row.name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			defer client.CloseIdleConnections()
			b.SetParallelism(8)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					req, err := http.NewRequestWithContext(b.Context(), "POST", row.url, strings.NewReader(`{"cust_id":123,"cust_type":"A"}`))
					require.NoError(b, err)
					res, err := client.Do(req)
					require.NoError(b, err)
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
			})
		})
	}
}
