package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

func cacheCommand(o *options) *cobra.Command {
	c := &cobra.Command{Use: "cache", Short: "The replies that channels keep (cache_expiry)"}
	c.AddCommand(&cobra.Command{
		Use: "list [CHANNEL]", Short: "What each server has kept of each channel's replies",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.cache(c, "parley.cache.list", args) },
	}, &cobra.Command{
		Use: "clear [CHANNEL]", Short: "Drop the replies that channels, or one of them, have kept, on all servers",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.cache(c, "parley.cache.clear", args) },
	})
	return c
}

// cacheOut is what both print.
type cacheOut struct {
	Items []struct {
		Server  string `json:"server"`
		Channel string `json:"channel"`
		Kind    string `json:"kind"`
		Replies int    `json:"replies"`
		Bytes   int64  `json:"bytes"`
		Hits    int64  `json:"hits"`
		Misses  int64  `json:"misses"`
	} `json:"items"`
	Unasked []struct {
		Server string `json:"server"`
		Error  string `json:"error"`
	} `json:"unasked"`
}

// cache prints what a service says of what is kept. A server that could not be asked is an error.
func (o *options) cache(c *cobra.Command, name string, args []string) error {
	var out cacheOut
	if err := o.call(c.Context(), name, map[string]any{"channel": strings.Join(args, "")}, &out); err != nil {
		return err
	}
	err := o.print(c, out, func(w io.Writer) {
		if len(out.Items) == 0 {
			line(w, "No channel keeps replies. One does that has a cache_expiry.")
			return
		}
		rows := make([][]string, len(out.Items))
		for i, one := range out.Items {
			rows[i] = []string{
				one.Channel, one.Server, strconv.Itoa(one.Replies), strconv.FormatInt(one.Bytes, 10), strconv.FormatInt(one.Hits, 10), strconv.FormatInt(one.Misses, 10),
			}
		}
		replies := "REPLIES"
		if name == "parley.cache.clear" {
			replies = "DROPPED"
		}
		table(w, []string{"CHANNEL", "SERVER", replies, "BYTES", "HITS", "MISSES"}, rows)
	})
	if err != nil || len(out.Unasked) == 0 {
		return err
	}
	said := make([]string, len(out.Unasked))
	for i, one := range out.Unasked {
		said[i] = one.Server + ": " + one.Error
	}
	return fmt.Errorf("not known of %s", strings.Join(said, "; "))
}
