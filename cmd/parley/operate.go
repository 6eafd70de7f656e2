package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func invokeCommand(o *options) *cobra.Command {
	var payload string
	c := &cobra.Command{
		Use:   "invoke SERVICE",
		Short: "Invoke a service and print what it answers",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 2 && json.Valid([]byte(args[1])) {
				return fmt.Errorf("the payload is an option: --payload '%s'", args[1])
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			in := map[string]any{"name": args[0]}
			if payload != "" {
				var v any
				if err := json.Unmarshal([]byte(payload), &v); err != nil {
					return usage(fmt.Errorf("--payload is not JSON: %w", err))
				}
				in["payload"] = json.RawMessage(payload)
			}
			var out json.RawMessage
			if err := o.call(c.Context(), "parley.service.invoke", in, &out); err != nil {
				return err
			}
			return o.printRaw(c, out)
		},
	}
	c.Flags().StringVar(&payload, "payload", "", "the request, as JSON")
	return c
}

// printRaw writes a JSON value: text as it is, anything else indented.
func (o *options) printRaw(c *cobra.Command, raw json.RawMessage) error {
	if len(raw) == 0 {
		raw = json.RawMessage("null") // which fills nothing in
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	return o.print(c, raw, func(w io.Writer) {
		switch v := v.(type) {
		case nil:
			line(w, "(nothing)")
		case string:
			line(w, "%s", v)
		case []any:
			for i, e := range v {
				if text, ok := e.(string); ok {
					line(w, "%d) %s", i+1, text)
					continue
				}
				text, _ := json.Marshal(e)
				line(w, "%d) %s", i+1, text)
			}
		default:
			text, _ := json.MarshalIndent(raw, "", "  ")
			line(w, "%s", text)
		}
	})
}

func kvdbCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:     "kvdb COMMAND [ARG...]",
		Short:   "Run a command on the key/value database that services use",
		Long:    "Run a command on the key/value database that services use. Flags go before COMMAND: what follows it is the command's own.",
		Example: "  parley kvdb rpush myapp:fraud-detection:cust-type A",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var out json.RawMessage
			if err := o.call(c.Context(), "parley.kvdb.execute", map[string]any{"command": args[0], "args": args[1:]}, &out); err != nil {
				return err
			}
			return o.printRaw(c, out)
		},
	}
	c.Flags().SetInterspersed(false) // -1 in "lrange key 0 -1" is an argument, no flag
	return c
}

func pingCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "ping [OUTCONN]",
		Short: "Ping the cluster, or an outgoing connection from it; kvdb is the key/value database",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in := map[string]any{}
			if len(args) == 1 {
				in["name"] = args[0]
			}
			var out struct {
				Info string `json:"info"`
			}
			if err := o.call(c.Context(), "parley.outconn.ping", in, &out); err != nil {
				return err
			}
			return o.print(c, out, func(w io.Writer) { line(w, "%s", strings.TrimRight(out.Info, "\n")) })
		},
	}
}

func versionCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out := map[string]string{"version": "(devel)", "go": "", "revision": ""}
			if info, ok := debug.ReadBuildInfo(); ok {
				out["version"], out["go"] = info.Main.Version, info.GoVersion
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						out["revision"] = s.Value
					}
				}
			}
			return o.print(c, out, func(w io.Writer) { line(w, "parley %s, %s", out["version"], out["go"]) })
		},
	}
}
