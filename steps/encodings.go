package steps

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
)

// formsOf are the ways in which a secret may stand in a text. Some may be the same.
func formsOf(secret string) []string {
	all := []string{secret, html.EscapeString(secret), strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(secret)}
	for _, escaped := range []string{url.QueryEscape(secret), url.PathEscape(secret), requote(secret), strictEscape(secret)} {
		all = append(all, escaped, lowerEscapes(escaped))
	}
	if quoted, err := json.Marshal(secret); err == nil {
		escaped := string(quoted[1 : len(quoted)-1]) // <, > and & are escaped in it
		plain := string(encodeJSON(secret, ""))
		plain = plain[1 : len(plain)-1]
		for _, text := range []string{escaped, plain} {
			all = append(all, text, strings.ReplaceAll(text, "/", `\/`), string(asciiJSON([]byte(text))))
		}
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		// Inside a longer text that is encoded, such as user:password, a secret begins at one of three places.
		for shift := range 3 {
			padded := encoding.EncodeToString([]byte("\x00\x00"[:shift] + secret))
			from, to := (shift*8+5)/6, (shift+len(secret))*8/6
			all = append(all, padded[from:to])
			if shift == 0 {
				all = append(all, padded)
			}
		}
	}
	// Base64 that stands in a query.
	for _, text := range all[len(all)-8:] {
		all = append(all, url.QueryEscape(text))
	}
	return all
}

// strictEscape escapes all but what RFC 3986 calls unreserved.
func strictEscape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

var escapes = regexp.MustCompile(`%[0-9A-F]{2}`)

func lowerEscapes(text string) string { return escapes.ReplaceAllStringFunc(text, strings.ToLower) }
