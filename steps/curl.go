package steps

import (
	"encoding/base64"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// curl is a command line that repeats a request. Secrets are shell variables in it, named like the values that held them.
func curl(e *Exchange, mask *Mask) string {
	q := func(text string) string { return shellQuote(text, mask) }
	var b strings.Builder
	b.WriteString("curl -i ")
	if e.Method == http.MethodHead {
		b.WriteString("--head ") // -X HEAD waits for a body that never comes
	} else {
		b.WriteString("-X " + q(e.Method) + " ")
	}
	if strings.ContainsAny(e.URL, "[]") {
		b.WriteString("--globoff ")
	}
	b.WriteString(q(e.URL))
	for _, name := range slices.Sorted(maps.Keys(e.RequestHeader)) {
		for _, value := range e.RequestHeader[name] {
			b.WriteString(curlHeader(name, value, mask))
		}
	}
	if len(e.RequestBody) > 0 && e.RequestHeader.Get("Content-Type") == "" {
		b.WriteString(" -H Content-Type:") // none, where curl would say that it is a form
	}
	switch {
	case len(e.RequestBody) == 0:
	case !utf8.Valid(e.RequestBody):
		b.WriteString(" --data-binary @body.bin")
	default:
		b.WriteString(" --data-binary " + q(string(e.RequestBody)))
	}
	return b.String()
}

// curlHeader is a header's part of the command line, with its blank; empty: curl sends it by itself.
func curlHeader(name, value string, mask *Mask) string {
	q := func(text string) string { return shellQuote(text, mask) }
	switch {
	case name == "Accept" && value == "*/*":
		return ""
	case name == "Accept-Encoding" && value == acceptedCodings:
		return " --compressed"
	case value == "":
		return " -H " + q(name+";")
	}
	if credentials, isBasic := strings.CutPrefix(value, "Basic "); isBasic && name == "Authorization" {
		if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil {
			user, password, _ := strings.Cut(string(plain), ":")
			if secret := mask.nameOf(password); secret != "" {
				return " -u " + q(user+":") + shellVariable(secret)
			}
			return " -u " + q(string(plain))
		}
	}
	return " -H " + q(name+": "+value)
}

var (
	needsNoQuotes = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+-]+$`)
	noShellName   = regexp.MustCompile(`[^A-Z0-9]+`)
)

// shellQuote is text as one word of a POSIX shell, with variables in the place of secrets.
func shellQuote(text string, mask *Mask) string {
	spans := mask.find(text, true)
	if len(spans) == 0 {
		return plainQuote(text)
	}
	out, done := "", 0
	for _, p := range spans {
		if p.from > done {
			out += plainQuote(text[done:p.from])
		}
		out += shellVariable(p.name)
		done = p.to
	}
	if done < len(text) {
		out += plainQuote(text[done:])
	}
	return out
}

// shellVariable is the value of a variable that stands for a secret.
func shellVariable(name string) string { return `"$` + shellName(name) + `"` }

func plainQuote(text string) string {
	if needsNoQuotes.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// shellName is a name as the shell's variables have it.
func shellName(name string) string {
	name = strings.Trim(noShellName.ReplaceAllString(strings.ToUpper(name), "_"), "_")
	if name == "" || (name[0] >= '0' && name[0] <= '9') {
		return "SECRET_" + name
	}
	return name
}
