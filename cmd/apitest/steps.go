package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parley-run/parley/steps"
)

func stepsCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "steps [WORD...]",
		Short: "List what scenarios may say",
		Long: `Lists every step with what it means and an example; with words, those steps in which all of them occur.

"{name}" takes any text, {n} a number, {mock} the name of a mock. A value may be #name (stored), $NAME (environment),
or hold #{name} and ${NAME}. A Then step may begin with "within 5 seconds, " or end with " within 5 seconds": it is
tried again until it passes. One that looks at a reply may also begin with "on every server, " or "on server 2, ".

--format json gives an array of objects with topic, kind, pattern, wordings (other ways to say it), doc and example, one for
each keyword that a step may stand behind; --format markdown a page of documentation.`,
		Example: "  apitest steps header\n  apitest steps json list --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			write, known := stepFormats()[format]
			if !known {
				return fmt.Errorf("--format %q is none of text, json and markdown", format)
			}
			table := matching(steps.Table(), args)
			if len(table) == 0 {
				return &exit{code: exitFailed, err: fmt.Errorf("no step has the words %q; apitest steps lists them all", strings.Join(args, " "))}
			}
			return write(cmd.OutOrStdout(), table)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, json or markdown")
	return cmd
}

func stepFormats() map[string]func(io.Writer, []steps.Step) error {
	return map[string]func(io.Writer, []steps.Step) error{"text": stepsText, "json": stepsJSON, "markdown": stepsMarkdown}
}

// matching are the steps that have all the words.
func matching(table []steps.Step, words []string) []steps.Step {
	return slices.DeleteFunc(table, func(s steps.Step) bool {
		text := strings.ToLower(strings.Join(append(s.Wordings(), s.Topic, s.Pattern, s.Doc, s.Example), "\n"))
		return slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, strings.ToLower(word)) })
	})
}

func stepsText(w io.Writer, table []steps.Step) error {
	var text strings.Builder
	topic := ""
	for _, s := range table {
		if s.Topic != topic {
			topic = s.Topic
			fmt.Fprintf(&text, "\n%s\n", heading(topic))
		}
		fmt.Fprintf(&text, "  %-5s %s\n", kindsOf(s, "|"), s.Pattern)
		if s.Doc != "" {
			text.WriteString("          " + s.Doc + "\n")
		}
		text.WriteString("          " + s.Kinds[0].String() + " " + s.Example + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func heading(topic string) string { return strings.ToUpper(topic[:1]) + topic[1:] }

func kindsOf(s steps.Step, between string) string {
	var kinds []string
	for _, k := range s.Kinds {
		kinds = append(kinds, k.String())
	}
	return strings.Join(kinds, between)
}

// listedStep is a step as programs read it.
type listedStep struct {
	Topic    string   `json:"topic"`
	Kind     string   `json:"kind"`
	Pattern  string   `json:"pattern"`
	Wordings []string `json:"wordings"`
	Doc      string   `json:"doc"`
	Example  string   `json:"example"`
}

func stepsJSON(w io.Writer, table []steps.Step) error {
	list := []listedStep{}
	for _, s := range table {
		for _, k := range s.Kinds {
			list = append(list, listedStep{
				Topic: s.Topic, Kind: k.String(), Pattern: s.Pattern, Wordings: append([]string{}, s.Wordings()...),
				Doc: s.Doc, Example: k.String() + " " + s.Example,
			})
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}
