package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/cucumber/godog"
	"github.com/spf13/cobra"
)

// godogCommand runs the generated scenarios with godog and no more steps than they need.
func godogCommand() *cobra.Command {
	return &cobra.Command{
		Use: "godog FOLDER", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			code := godog.TestSuite{
				ScenarioInitializer: nineSteps,
				Options:             &godog.Options{Paths: args, Strict: true, Format: "progress", Output: io.Discard, NoColors: true, Concurrency: 1},
			}.Run()
			if code != 0 {
				return fmt.Errorf("godog ended with %d", code)
			}
			return nil
		},
	}
}

// call is one scenario's request and reply.
type call struct {
	address, path, method, body string
	status                      int
	reply                       map[string]any
}

func nineSteps(sc *godog.ScenarioContext) {
	c := &call{}
	sc.Given(`^address "\$(.+)"$`, func(name string) { c.address = os.Getenv(name) })
	sc.Given(`^URL path "(.+)"$`, func(path string) { c.path = path })
	sc.Given(`^HTTP method "(.+)"$`, func(method string) { c.method = method })
	sc.Given(`^format "JSON"$`, func() {})
	sc.Given(`^request is "(.+)"$`, func(body string) { c.body = body })
	sc.When(`^the URL is invoked$`, c.send)
	sc.Then(`^status is "(\d+)"$`, func(status int) error { return same(c.status, status) })
	sc.Then(`^JSON Pointer "/(.+)" is an integer "(\d+)"$`, func(key string, n int) error { return same(c.reply[key], float64(n)) })
	sc.Then(`^JSON Pointer "/(.+)" is "(.+)"$`, func(key, text string) error { return same(c.reply[key], text) })
}

func (c *call) send(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, c.method, c.address+c.path, strings.NewReader(c.body))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	c.status = resp.StatusCode
	return json.NewDecoder(resp.Body).Decode(&c.reply)
}

func same(got, want any) error {
	if got != want {
		return fmt.Errorf("%v is not %v", got, want)
	}
	return nil
}
