package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/spf13/cobra"

	"github.com/parley-run/parley/runtime/admin"
	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/node"
	"github.com/parley-run/parley/runtime/service"
)

// echoed is what goes in and comes out.
type echoed struct {
	CustID int64    `json:"cust_id"`
	Name   string   `json:"name"`
	IsVIP  bool     `json:"is_vip" sio:"is_vip"`
	Amount string   `json:"amount" sio:",decimal"`
	Tags   []string `json:"tags"`
}

// bareCommand serves the echo as a Go programmer would write it for a benchmark.
func bareCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve-bare", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			mux := http.NewServeMux()
			mux.HandleFunc("POST "+echoPath, bareEcho)
			at, err := serveHTTP(c.Context(), mux)
			if err != nil {
				return err
			}
			return served(c.InOrStdin(), c.OutOrStdout(), address{at})
		},
	}
}

func bareEcho(w http.ResponseWriter, r *http.Request) {
	var in echoed
	raw, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(raw, &in)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out, err := json.Marshal(map[string]echoed{"response": in})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out) // the caller may have gone
}

const echoStar = `
def handle(self):
    self.response.payload = self.request.input

fields = ["cust_id", "name", "is_vip", Decimal("amount"), List("tags", of = Text)]
service(name = "echo.star", handle = handle, simple_io = SimpleIO(input = fields, output = fields))
`

const echoYAML = `
security_basic_auth:
  - {name: Bench, username: ` + echoUser + `, password: ` + echoPassword + `}
channel_rest:
  - {name: Echo, service: echo.go, url_path: ` + echoPath + `, method: POST, security: Bench}
  - {name: Echo in Starlark, service: echo.star, url_path: ` + echoStarPath + `, method: POST, security: Bench}
  - {name: Echo in XML, service: echo.go, url_path: ` + echoXMLPath + `, method: POST, security: Bench, data_format: xml}
`

// echoCommand serves the echoes by a server with a service compiled in, as a program of one's own would.
func echoCommand() *cobra.Command {
	var dir, traces string
	var off bool
	c := &cobra.Command{
		Use: "serve-echo", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			settings := ""
			if off {
				settings += "statistics:\n  off: true\n"
			}
			if traces != "" {
				settings += "export:\n  traces: {endpoint: '" + traces + "', ratio: 0.1}\n"
			}
			return serveEcho(c.Context(), dir, settings, func(at string) error { return served(c.InOrStdin(), c.OutOrStdout(), address{at}) })
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "folder of the cluster, to be made")
	c.Flags().StringVar(&traces, "traces", "", "URL that spans of one request in ten are sent to")
	c.Flags().BoolVar(&off, "no-statistics", false, "count nothing")
	return c
}

// serveEcho serves for as long as meanwhile runs, which is told the address. settings are added to cluster.yaml.
func serveEcho(ctx context.Context, dir, settings string, meanwhile func(at string) error) (err error) {
	redis, err := miniredis.Run()
	if err != nil {
		return err
	}
	defer redis.Close()
	f, _, err := folder.Create(dir, folder.Options{Servers: 1, FreePorts: true, RedisURL: "redis://" + redis.Addr() + "/0"}) //nolint:contextcheck // it takes none
	if err != nil {
		return err
	}
	if err := appendTo(filepath.Join(dir, "cluster.yaml"), settings); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	server := f.Cluster.Servers[0]
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- node.Serve(running, dir, server.Name, log, service.New("echo.go", func(_ context.Context, _ service.Runtime, in echoed) (echoed, error) { return in, nil }))
	}()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	if err := defineEcho(ctx, f, server); err != nil {
		return err
	}
	return meanwhile(server.Address)
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// defineEcho waits for the server, and gives it the Starlark service and the channels.
func defineEcho(ctx context.Context, f *folder.Folder, server folder.Server) error {
	token, err := f.Token()
	if err != nil {
		return err
	}
	client := admin.NewClient(server.Admin, token)
	defer client.CloseIdle()
	deploy := map[string][]sourceFile{"files": {{Name: "echo.star", Source: echoStar}}}
	for tries := 0; ; tries++ {
		err = client.Call(ctx, "parley.service.deploy", deploy, nil)
		if err == nil {
			break
		}
		if tries == 200 {
			return fmt.Errorf("the server did not take a service: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(25 * time.Millisecond): // it may not listen yet
		}
	}
	return client.Call(ctx, "parley.enmasse.import", map[string]any{"files": []map[string]string{{"name": "echo.yaml", "content": echoYAML}}}, nil)
}
