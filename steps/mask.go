package steps

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Mask knows the secrets that a run has met, and takes them out of what is printed: as they are, and in their Base64,
// URL-encoded, JSON and XML forms. A secret is taken out wherever it stands; one that every text may have by chance, such as
// the password "secret", only where a name tells what it is: see words. It may be used from many goroutines. A run may
// meet a new secret in every scenario, so that adding one and looking for all of them both stay cheap.
type Mask struct {
	mu    sync.RWMutex
	names map[string]string    // secret to name
	extra []string             // names that are secret beside those that tell
	forms map[start][]disguise // the disguises of all secrets by how they begin, the longest first
	first [256]bool            // bytes with which a form begins
	words words
}

// start is how a form begins: no form is shorter.
type start [shortest]byte

// disguise is a way in which a secret may stand in a text.
type disguise struct {
	text, name string
	plain      bool // it is the secret as it is
	whole      bool // a part of a longer word or number is not it
}

// Masked stands where a secret was.
const Masked = "***"

// The lengths, in bytes, that decide where a secret is masked. What is shorter than shortest stands in every text by chance:
// it is a word. From safe on it does not, not even inside a word.
const (
	shortest = 4
	safe     = 6
)

var secretName = regexp.MustCompile(`(?i)` + secretNames)

const secretNames = `passw|passphrase|passwd|\bpwd\b|secret|token|api.?key|apikey|credential|private.?key|authori[sz]ation|\bcookie\b`

// tells says whether a name is that of a secret.
func (m *Mask) tells(name string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return secretName.MatchString(name) || slices.Contains(m.extra, name)
}

// Named registers the value of a name, where the name says that it is a secret.
func (m *Mask) Named(name, value string) {
	if m.tells(name) {
		m.Add(name, value)
	}
}

// Add registers a secret under a name, by which command lines call it.
func (m *Mask) Add(name, value string) {
	if value == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.names[value]; there {
		return
	}
	if m.names == nil {
		m.names, m.forms = map[string]string{}, map[start][]disguise{}
	}
	m.names[value] = name
	word := len(value) < shortest || isCommon(value)
	for _, text := range formsOf(value) {
		plain := text == value
		if word && len(text) < safe || plain && word {
			m.words.add(text, name)
			continue
		}
		m.add(disguise{text: text, name: name, plain: plain, whole: plain && len(text) < safe})
	}
}

func (m *Mask) add(f disguise) {
	if len(f.text) < shortest {
		return
	}
	begin := start([]byte(f.text[:shortest]))
	list := m.forms[begin]
	at, there := slices.BinarySearchFunc(list, f, func(a, b disguise) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), cmp.Compare(a.text, b.text))
	})
	if there {
		list[at].plain = list[at].plain || f.plain
		list[at].whole = list[at].whole && f.whole
		return
	}
	m.forms[begin] = slices.Insert(list, at, f)
	m.first[f.text[0]] = true
}

// Text is s without secrets.
func (m *Mask) Text(s string) string {
	if m == nil {
		return s
	}
	spans := m.find(s, false)
	if len(spans) == 0 {
		return s
	}
	var b strings.Builder
	done := 0
	for _, p := range spans {
		b.WriteString(s[done:p.from])
		b.WriteString(Masked)
		done = p.to
	}
	b.WriteString(s[done:])
	return b.String()
}

// nameOf is the name of a secret, empty where the value is none.
func (m *Mask) nameOf(value string) string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.names[value]
}

// span is where a secret stands in a text.
type span struct {
	from, to int
	name     string
}

// find finds the secrets in a text, one after the other, of two that begin at one place the longer; plain leaves out those
// that are encoded.
func (m *Mask) find(s string, plain bool) []span {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.names) == 0 {
		return nil
	}
	words := m.words.find(s)
	var out []span
	for at := 0; at < len(s); {
		for len(words) > 0 && words[0].from < at {
			words = words[1:]
		}
		p, there := m.at(s, at, plain)
		if len(words) > 0 && words[0].from == at && words[0].to > p.to {
			p, there = words[0], true
		}
		if !there {
			at++
			continue
		}
		out, at = append(out, p), p.to
	}
	return out
}

// at is the longest secret that begins at a place.
func (m *Mask) at(s string, at int, plain bool) (span, bool) {
	if at+shortest > len(s) || !m.first[s[at]] {
		return span{}, false
	}
	for _, f := range m.forms[start([]byte(s[at:at+shortest]))] {
		if (f.plain || !plain) && strings.HasPrefix(s[at:], f.text) && (!f.whole || isWhole(s, at, at+len(f.text))) {
			return span{at, at + len(f.text), f.name}, true
		}
	}
	return span{}, false
}

// isWhole says whether a part of a text is no part of a longer word or number.
func isWhole(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	after, _ := utf8.DecodeRuneInString(s[to:])
	return !inWord(before) && !inWord(after)
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
