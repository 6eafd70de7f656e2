package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

const layoutTemplate = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}} – {{.Cluster}} – Parley</title>
<link rel="icon" href="{{asset "icon.svg"}}" type="image/svg+xml">
<link rel="stylesheet" href="{{asset "style.css"}}">
<script src="{{asset "app.js"}}" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
{{- if .User.Name}}
<header class="bar">
<a class="brand" href="/"><img src="{{asset "icon.svg"}}" width="24" height="24" alt=""><span>Parley</span><span class="cluster">{{.Cluster}}</span></a>
<nav aria-label="Main">
<ul>
{{- range .Nav}}
<li><a href="{{.Path}}"{{if .Here}} aria-current="page"{{end}}>{{.Title}}</a></li>
{{- end}}
</ul>
</nav>
<form class="who" method="post" action="/log-out">{{template "token" .}}<span><b>{{.User.Name}}</b>{{if .User.Role}} <span class="dim">{{.User.Role}}</span>{{end}}</span> <button class="small">Log out</button></form>
</header>
{{- end}}
<main id="main" tabindex="-1">
{{- if .Fault}}
<div class="alert bad" role="alert">
<p><b>{{if .User.Name}}That did not work.{{else}}Not logged in.{{end}}</b></p>
<p class="said">{{.Fault.Message}}</p>
{{- with .Fault.Fix}}<p>{{.}}</p>{{end}}
{{- with .Fault.CID}}<p>The server's log has more, at CID <code>{{.}}</code>.</p>{{end}}
</div>
{{- end}}
{{- range .Notes}}
<p class="alert good" role="status">{{.}}</p>
{{- end}}
{{template "main" .}}
</main>
</body>
</html>
{{define "token"}}<input type="hidden" name="token" value="{{.Token}}">{{end}}
{{define "pager"}}{{if gt .Pages 1}}<nav class="row" aria-label="Pages">{{if .Before}}<a class="button small" rel="prev" href="{{.Before}}">Before</a>{{end}}<span class="dim">page {{.Page}} of {{.Pages}}</span>{{if .Next}}<a class="button small" rel="next" href="{{.Next}}">Next</a>{{end}}</nav>{{end}}{{end}}
{{define "source"}}<ol class="source" tabindex="0" aria-label="Source">{{range .}}<li{{with .Class}} class="{{.}}"{{end}}><span class="n">{{if .Number}}{{.Number}}{{end}}</span><span>{{.Text}}</span>{{range .Why}}<span class="why">{{.}}</span>{{end}}</li>{{end}}</ol>{{end}}
`

// funcs are what templates may call beside the built-in ones.
func funcs(d *Dashboard) template.FuncMap {
	return template.FuncMap{
		"asset":   d.address,
		"count":   count,
		"ms":      milliseconds,
		"percent": percent,
		"ago":     func(t time.Time) string { return ago(d.Now().Sub(t)) },
		"at":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
		"stamp":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"trend":   trend,
		"join":    strings.Join,
		"plural":  plural,
		"share":   func(p float64) string { return fmt.Sprint(math.Round(p*100) / 100) },
		"change":  changed,
		"day":     dayOf,
		"clock":   clockOf,
	}
}

// count writes n with thin spaces between thousands.
func count(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// milliseconds is a time of three figures that mean something.
func milliseconds(ms float64) string {
	switch {
	case ms >= 10_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.2f ms", ms)
	}
}

func percent(part, whole int64) string {
	if whole == 0 {
		return "0 %"
	}
	p := 100 * float64(part) / float64(whole)
	if p > 0 && p < 0.01 {
		return "under 0.01 %"
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", p), "0"), ".") + " %"
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(int64(n)) + " " + more
}

// ago is how long something has been, in one unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// changed is a change in percent; nil: there was nothing before.
func changed(percent *float64) string {
	switch {
	case percent == nil:
		return "–"
	case *percent >= 1000:
		return "×" + figure(math.Round(*percent/10+10)/10)
	}
	return strings.Replace(fmt.Sprintf("%+.1f %%", *percent), "-", "−", 1)
}

const (
	trendWidth, trendHeight = 96, 20
	trendPoints             = 48 // more are one pixel each, and bytes
)

// trend is a line of numbers, small enough to stand in a table. Its label says what the eye sees.
func trend(label string, values any) template.HTML {
	var numbers []float64
	switch values := values.(type) {
	case []float64:
		numbers = values
	case []int64:
		for _, n := range values {
			numbers = append(numbers, float64(n))
		}
	}
	numbers = squeezed(numbers, trendPoints)
	if len(numbers) < 2 {
		return ""
	}
	most, last := 0.0, numbers[len(numbers)-1]
	for _, n := range numbers {
		most = max(most, n)
	}
	var path strings.Builder
	for i, n := range numbers {
		x := float64(i) * (trendWidth - 2) / float64(len(numbers)-1)
		y := float64(trendHeight - 2)
		if most > 0 {
			y -= n / most * (trendHeight - 4)
		}
		fmt.Fprintf(&path, "%c%.1f %.1f", "LM"[btoi(i == 0)], x+1, y)
	}
	text := template.HTMLEscapeString(fmt.Sprintf("%s: up to %s, lately %s", label, figure(most), figure(last)))
	return template.HTML(fmt.Sprintf( //nolint:gosec // numbers, and a label that is escaped
		`<svg class="trend" role="img" width="%d" height="%d" viewBox="0 0 %d %d"><title>%s</title><path d="%s"/></svg>`,
		trendWidth, trendHeight, trendWidth, trendHeight, text, path.String()))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func figure(v float64) string {
	if v == math.Trunc(v) {
		return fmt.Sprint(int64(v))
	}
	return fmt.Sprintf("%.3g", v)
}

// squeezed is numbers in at most n, each the largest of those it stands for.
func squeezed(numbers []float64, n int) []float64 {
	if len(numbers) <= n {
		return numbers
	}
	out := make([]float64, n)
	for i, v := range numbers {
		at := i * n / len(numbers)
		out[at] = max(out[at], v)
	}
	return out
}
