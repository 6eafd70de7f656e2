package steps

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Mask knows the secrets that a run has met, and takes them out of what is printed: as they are, and in their Base64,
// URL-encoded, JSON and XML forms. It may be used from many goroutines.
type Mask struct {
	mu       sync.Mutex
	names    map[string]string // secret to name
	extra    []string          // names that are secret beside those that tell
	replacer *strings.Replacer // nil: to be made
}

// Masked stands where a secret was.
const Masked = "***"

// shortest is the length from which a value is masked: shorter ones are in every text.
const shortest = 3

var secretName = regexp.MustCompile(`(?i)passw|passphrase|passwd|\bpwd\b|secret|token|api.?key|apikey|credential|private.?key|authori[sz]ation|\bcookie\b`)

// Named registers the value of a name, where the name says that it is a secret.
func (m *Mask) Named(name, value string) {
	m.mu.Lock()
	secret := secretName.MatchString(name) || slices.Contains(m.extra, name)
	m.mu.Unlock()
	if secret {
		m.Add(name, value)
	}
}

// Add registers a secret under a name, by which command lines call it.
func (m *Mask) Add(name, value string) {
	if len(value) < shortest {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.names[value]; there {
		return
	}
	if m.names == nil {
		m.names = map[string]string{}
	}
	m.names[value] = name
	m.replacer = nil
}

// Text is s without secrets.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	m.mu.Lock()
	if len(m.names) == 0 {
		m.mu.Unlock()
		return s
	}
	if m.replacer == nil {
		m.replacer = m.replaces()
	}
	r := m.replacer
	m.mu.Unlock()
	return r.Replace(s)
}

// Secrets gives the secrets with their names, the longest first.
func (m *Mask) Secrets() []Secret {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sorted()
}

// Secret is a value that is masked.
type Secret struct{ Name, Value string }

func (m *Mask) sorted() []Secret {
	var all []Secret
	for _, value := range slices.Sorted(maps.Keys(m.names)) {
		all = append(all, Secret{m.names[value], value})
	}
	slices.SortStableFunc(all, func(a, b Secret) int { return len(b.Value) - len(a.Value) })
	return all
}

func (m *Mask) replaces() *strings.Replacer {
	var pairs []string
	seen := map[string]bool{}
	for _, s := range m.sorted() {
		for _, form := range forms(s.Value) {
			if len(form) >= shortest && !seen[form] {
				seen[form] = true
				pairs = append(pairs, form, Masked)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}

// forms are the ways in which a secret may stand in a text, the longest first.
func forms(secret string) []string {
	all := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret)}
	for _, escapeHTML := range []bool{true, false} {
		var quoted strings.Builder
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(escapeHTML)
		if err := encoder.Encode(secret); err == nil {
			all = append(all, strings.TrimSuffix(quoted.String()[1:], "\"\n"))
		}
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		// Inside a longer text that is encoded, such as user:password, a secret begins at one of three places.
		for shift := range 3 {
			padded := encoding.EncodeToString([]byte("\x00\x00"[:shift] + secret))
			from, to := (shift*8+5)/6, (shift+len(secret))*8/6
			if to-from >= shortest {
				all = append(all, padded[from:to])
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// maskConfigured registers the configured values that are secret.
func (s *Suite) maskConfigured() {
	s.mask.extra = s.options.Secrets
	for name, v := range s.options.User {
		if text, isText := v.(string); isText {
			s.mask.Named(name, text)
		}
	}
}
