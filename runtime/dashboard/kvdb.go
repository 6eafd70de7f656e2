package dashboard

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

func kvdbPage() page {
	return page{
		path: "/kvdb", title: "KVDB", section: "KVDB", template: kvdbTemplate, show: showKVDB, act: actKVDB,
		calls: []string{"parley.kvdb.execute"},
	}
}

const kvdbTemplate = `
{{with .Page}}
<div class="head"><div><h1>KVDB</h1><p class="dim">The key/value database of the services: one command of Redis at a time.</p></div></div>
<form class="bar-form" method="post" action="/kvdb">{{template "token" $}}
<div class="field wide"><label for="command">Command, with values that hold spaces in quotes</label><input class="mono" id="command" name="command" value="{{.Command}}" required autocomplete="off" autocapitalize="none" spellcheck="false" placeholder="GET customers:last" autofocus></div>
<button class="primary">Run</button></form>
{{with .Answer}}
<section aria-label="Answer" role="status">
<div class="head"><h2>Answer</h2><span class="dim">{{if .Items}}{{plural .Count "element" "elements"}}, {{end}}{{ms .MS}}</span></div>
{{if .Items}}<ol class="source" tabindex="0">{{range .Items}}<li><span class="n">{{.Number}}</span><span>{{.Text}}</span></li>{{end}}</ol>
{{else}}<pre tabindex="0">{{.Text}}</pre>{{end}}
</section>
{{else}}<p class="empty"><b>Nothing was run yet</b>Such as <code>KEYS customers:*</code>, <code>HGETALL customer:1</code> or <code>LRANGE queue 0 9</code>.</p>{{end}}
{{end}}`

type kvdbAnswer struct {
	Text  string
	Items []sourceLine
	Count int
	MS    float64
}

func showKVDB(v *visit) (any, error) {
	if !v.may("parley.kvdb.execute") {
		return nil, service.Errorf(service.Denied, "your role may not run commands on the KVDB")
	}
	out := struct {
		Command string
		Answer  *kvdbAnswer
	}{Command: v.PostFormValue("command")}
	out.Answer, _ = v.outcome.(*kvdbAnswer)
	return out, nil
}

// mostItems is how many elements of an answer are shown.
const mostItems = 1000

func actKVDB(v *visit) (string, error) {
	words, err := words(v.PostFormValue("command"))
	if err != nil {
		return "", service.Errorf(service.Invalid, "command: %w", err)
	}
	if len(words) == 0 {
		return "", service.Errorf(service.Invalid, "command: empty; expected one such as GET customers:last")
	}
	start := time.Now()
	value, err := ask[any](v, "parley.kvdb.execute", map[string]any{"command": words[0], "args": words[1:]})
	if err != nil {
		return "", err
	}
	out := &kvdbAnswer{MS: float64(time.Since(start).Microseconds()) / 1000}
	switch value := value.(type) {
	case nil:
		out.Text = "(nothing)"
	case string:
		out.Text = value
	case []any:
		out.Count = len(value)
		for i, one := range value {
			if i == mostItems {
				out.Items = append(out.Items, sourceLine{Text: fmt.Sprintf("… and %d more", len(value)-i)})
				break
			}
			out.Items = append(out.Items, sourceLine{Number: i + 1, Text: textOf(one)})
		}
		if len(value) == 0 {
			out.Text = "(an empty list)"
		}
	default:
		out.Text = inJSON(value, true)
	}
	v.outcome = out
	return "", nil
}

// textOf is a value as people read it: a text as it is, anything else as JSON.
func textOf(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return inJSON(v, false)
}

// words cuts a command: at spaces, but for those in quotes. In double quotes a backslash takes the next character as it is, and
// \n is a line's end.
func words(text string) ([]string, error) {
	var out []string
	var b strings.Builder
	inside, quote, escaped := false, rune(0), false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
			if r == 'n' {
				r = '\n'
			}
			b.WriteRune(r)
		case quote == '"' && r == '\\':
			escaped = true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			b.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inside = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if inside {
				out = append(out, b.String())
				b.Reset()
			}
			inside = false
		default:
			inside = true
			b.WriteRune(r)
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed")
	}
	if inside {
		out = append(out, b.String())
	}
	return out, nil
}
