package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/parley-run/parley/steps"
)

const pageHead = `<!-- Made by: apitest steps --format markdown. Do not edit: go test ./cmd/apitest -run TestStepsPage -update -->

# Steps

What the lines of a scenario may say. ` + "`apitest steps WORD`" + ` finds one in the terminal, ` + "`apitest steps --format json`" + ` gives
all to a program.

- Upper and lower case are the same; between two words stands one blank. ` + "`And`" + ` and ` + "`But`" + ` take the place of the keyword before them.
- ` + "`\"{name}\"`" + ` takes any text of one character or more, quotes included; ` + "`{n}`" + ` a number, ` + "`{mock}`" + ` the name of a mock.
- A value may be ` + "`$NAME`" + ` (an environment variable), ` + "`@name`" + ` (under ` + "`user`" + ` in ` + "`apitest.yaml`" + `), ` + "`#name`" + ` (stored by a step before) or
  ` + "`vault:path`" + `. As a part of a text they are ` + "`${NAME}`" + `, ` + "`@{name}`" + ` and ` + "`#{name}`" + `.
- A ` + "`Then`" + ` step may begin with ` + "`within 5 seconds,`" + ` or end with ` + "`within 5 seconds`" + `: it is tried again until it passes. One that looks at a
  reply, marked *reply*, sends the request again each time, and may begin with ` + "`on every server,`" + ` or ` + "`on server 2,`" + `.
- What zato-apitest 1.12 and 1.13 call differently is understood in both ways: ` + "`JSON Pointer`" + ` and ` + "`path`" + `, ` + "`is not`" + ` and ` + "`isn't`" + `,
  ` + "`does not`" + ` and ` + "`doesn't`" + `.
`

// stepsMarkdown is the page of documentation: a part a topic, an entry a step.
func stepsMarkdown(w io.Writer, table []steps.Step) error {
	var page strings.Builder
	page.WriteString(pageHead)
	page.WriteString("\n| topic | steps |\n| --- | --- |\n")
	var topics []string
	counts := map[string]int{}
	for _, s := range table {
		if counts[s.Topic] == 0 {
			topics = append(topics, s.Topic)
		}
		counts[s.Topic]++
	}
	for _, topic := range topics {
		fmt.Fprintf(&page, "| [%s](#%s) | %d |\n", heading(topic), anchor(topic), counts[topic])
	}
	topic := ""
	for _, s := range table {
		if s.Topic != topic {
			topic = s.Topic
			fmt.Fprintf(&page, "\n## %s\n", heading(topic))
		}
		fmt.Fprintf(&page, "\n**%s** %s", kindsOf(s, ", "), code(s.Pattern))
		if s.Reply {
			page.WriteString(" *reply*")
		}
		page.WriteString("\\\n")
		if s.Doc != "" {
			page.WriteString(prose(s.Doc) + "\\\n")
		}
		fmt.Fprintf(&page, "Example: %s\n", code(s.Kinds[0].String()+" "+s.Example))
	}
	_, err := io.WriteString(w, page.String())
	return err
}

// anchor is how a link names a heading.
func anchor(topic string) string { return strings.ReplaceAll(strings.ToLower(topic), " ", "-") }

// code is text that a page shows as it is.
func code(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

var mark = regexp.MustCompile("[\\\\*<`\\[]|^#|\\b_|_\\b")

// prose is text that has no marks of Markdown in it. An underscore within a word is none.
func prose(text string) string { return mark.ReplaceAllString(text, `\$0`) }
