package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/parley-run/parley/fixtures"
)

// empties are files that define nothing, or less than there is.
func empties() map[string]string {
	return map[string]string{
		"empty.yaml":     "",
		"comments.yaml":  "# nothing yet\n",
		"lists.yaml":     "channel_rest: []\noutgoing_rest: []\n",
		"one.yaml":       "channel_rest:\n  - {name: Version, service: demo.version, url_path: /demo/version, data_format: json}\n",
		"null.yaml":      "channel_rest:\n",
		"documents.yaml": "---\n---\n",
	}
}

// emptyImports is F18: files that are empty or shorter than what is there take nothing away.
func emptyImports() check {
	return check{
		name: "F18", title: "imports of empty and shortened files", prove: "what the files leave out is taken away",
		do: func(ctx context.Context, e *env) (_ *outcome, err error) {
			c, err := e.start(ctx, fixtures.Spec{})
			if err != nil {
				return nil, err
			}
			defer func() { err = endOf(c, err) }()
			o := &outcome{done: fmt.Sprintf("%d files", len(empties()))}
			err = c.under(ctx, o, 200, 8*time.Second, func(ctx context.Context) error {
				for name, text := range empties() {
					file, err := c.Put(name, []byte(text))
					if err != nil {
						return err
					}
					err = c.Import(ctx, nil, file)
					if _, refused := fixtures.Refused(err); err != nil && !refused {
						return err
					}
				}
				if e.sabotage {
					_, err := c.Undeploy(ctx, "bench.record")
					return err
				}
				return nil
			})
			if err != nil {
				return o, err
			}
			o.nothingLost()
			return o, c.same(ctx, o)
		},
	}
}

// version is what the sample service of that name answers through the load-balancer.
func (c *cluster) version(ctx context.Context, server int) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ServerAddress(server)+"/demo/version", nil)
	if err != nil {
		return "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(res.Body)
	return string(body), err
}
