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

What the lines of a scenario may say. New to this? Begin with [the guide](apitest.md).

- In the terminal ` + "`apitest steps WORD`" + ` finds steps by their words; ` + "`apitest steps --format json`" + ` gives all of them to a program.
- Upper and lower case are the same; between two words stands one blank. ` + "`And`" + ` and ` + "`But`" + ` take the place of the keyword before them.
- ` + "`\"{name}\"`" + ` takes any text of one character or more, quotes included; ` + "`{n}`" + ` a number, ` + "`{mock}`" + ` the name of a mock, ` + "`{step}`" + ` another step.
- A value may be ` + "`$NAME`" + ` (an environment variable), ` + "`@name`" + ` (under ` + "`user`" + ` in ` + "`apitest.yaml`" + `), ` + "`#name`" + ` (stored by a step before) or
  ` + "`vault:path`" + `. As a part of a text they are ` + "`${NAME}`" + `, ` + "`@{name}`" + ` and ` + "`#{name}`" + `.
- A ` + "`Then`" + ` step may begin with ` + "`within 5 seconds,`" + ` or end with ` + "`within 5 seconds`" + `: it is tried again until it passes. One that looks at a
  reply, marked *reply*, sends the request again each time, and may begin with ` + "`on every server,`" + ` or ` + "`on server 2,`" + `.
- A ` + "`JSON Pointer`" + ` is the way to a value: ` + "`/customer/name`" + `, or ` + "`/orders/0`" + ` for the first of a list.
- What zato-apitest 1.12 and 1.13 call differently is understood in both ways: ` + "`JSON Pointer`" + ` and ` + "`path`" + `, ` + "`is not`" + ` and ` + "`isn't`" + `,
  ` + "`does not`" + ` and ` + "`doesn't`" + `.

## Contents
`

// topicIntro says what a topic is for; it is empty for one that is not of the vocabulary.
func topicIntro(topic string) string {
	return map[string]string{
		"requests":   "Say where the API is and what to send, and send it.",
		"forms":      "Send what a web form sends, files included.",
		"replies":    "Look at a reply's status, headers and body, and how long it took.",
		"JSON":       "Build JSON to send, and look at JSON that came back.",
		"XML":        "Build XML and SOAP to send, and look at what came back, by XPath.",
		"values":     "Keep values for later steps, and make them up.",
		"dates":      "Dates and times, in the way of writing that you want.",
		"SQL":        "Look into a database, and prepare what is in it: PostgreSQL, MySQL, MariaDB, SQLite.",
		"Cassandra":  "Look into Apache Cassandra, and prepare what is in it.",
		"WebSocket":  "Talk over a WebSocket.",
		"Zato":       "For a Zato cluster: upload services, call them over its WebSocket channels.",
		"HTTP mocks": "Start servers that stand in for what is not there, with answers from a file.",
		"mocks":      "Change how a mock answers, and look at what it received.",
		"OAuth2":     "Get tokens, and show them to the API under test.",
		"Redis":      "Prepare and look at what is in Redis.",
		"TLS":        "Say whose certificates are trusted, and which one is shown.",
		"cluster":    "Start a Parley cluster for a test; kill, stop and start its servers.",
		"deploy":     "Bring services and definitions to that cluster.",
		"channels":   "Send to channels that are not HTTP: push messages over ZeroMQ, put files into folders.",
		"statistics": "Look at what a cluster counted, and have single requests kept.",
		"load":       "Send requests in the background while a test goes on.",
	}[topic]
}

// stepsMarkdown is the page of documentation: a part a topic, an entry a step.
func stepsMarkdown(w io.Writer, table []steps.Step) error {
	var page strings.Builder
	page.WriteString(pageHead)
	page.WriteString("\n| topic | what it is for | steps |\n| --- | --- | --- |\n")
	var topics []string
	counts := map[string]int{}
	for _, s := range table {
		if counts[s.Topic] == 0 {
			topics = append(topics, s.Topic)
		}
		counts[s.Topic]++
	}
	for _, topic := range topics {
		fmt.Fprintf(&page, "| [%s](#%s) | %s | %d |\n", heading(topic), anchor(topic), topicIntro(topic), counts[topic])
	}
	topic, part := "", ""
	for _, s := range table {
		if s.Topic != topic {
			topic, part = s.Topic, ""
			fmt.Fprintf(&page, "\n## %s\n", heading(topic))
			if intro := topicIntro(topic); intro != "" {
				fmt.Fprintf(&page, "\n%s [Contents](#contents)\n", intro)
			}
		}
		if about := partOf(s); counts[topic] >= manySteps && about != part {
			part = about
			fmt.Fprintf(&page, "\n### %s\n", heading(topic)+" "+about)
		}
		writeEntry(&page, s)
	}
	_, err := io.WriteString(w, page.String())
	return err
}

// manySteps is how many a topic has that is divided into what is sent and what came back.
const manySteps = 25

func partOf(s steps.Step) string {
	if s.Kinds[0] == steps.Then {
		return "in replies"
	}
	return "in requests"
}

func writeEntry(page *strings.Builder, s steps.Step) {
	fmt.Fprintf(page, "\n**%s** %s", kindsOf(s, ", "), code(s.Pattern))
	if s.Reply {
		page.WriteString(" *reply*")
	}
	page.WriteString("\\\n")
	if s.Doc != "" {
		page.WriteString(prose(s.Doc) + "\\\n")
	}
	fmt.Fprintf(page, "Example: %s\n", code(s.Kinds[0].String()+" "+s.Example))
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
