package steps

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Mask knows the secrets that a run has met, and takes them out of what is printed: as they are, and in their Base64,
// URL-encoded, JSON and XML forms. It may be used from many goroutines. A run may meet a new secret in every scenario,
// so that adding one and looking for all of them both stay cheap.
type Mask struct {
	mu    sync.RWMutex
	names map[string]string    // secret to name
	extra []string             // names that are secret beside those that tell
	forms map[start][]disguise // the disguises of all secrets by how they begin, the longest first
	first [256]bool            // bytes with which a form begins
}

// start is how a form begins: no form is shorter.
type start [shortest]byte

// disguise is a way in which a secret may stand in a text.
type disguise struct {
	text, name string
	plain      bool // it is the secret as it is
}

// Masked stands where a secret was.
const Masked = "***"

// shortest is the length from which a value is masked: shorter ones are in every text.
const shortest = 3

var secretName = regexp.MustCompile(`(?i)passw|passphrase|passwd|\bpwd\b|secret|token|api.?key|apikey|credential|private.?key|authori[sz]ation|\bcookie\b`)

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
	if len(value) < shortest {
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
	for _, text := range formsOf(value) {
		m.add(disguise{text: text, name: name, plain: text == value})
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
	var b strings.Builder
	done := 0
	for {
		from, to, _ := m.find(s, done, false)
		if from < 0 {
			break
		}
		b.WriteString(s[done:from])
		b.WriteString(Masked)
		done = to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// find finds the next secret in a text, of two that begin at one place the longer; plain leaves out those that are
// encoded. Without one from is less than 0.
func (m *Mask) find(s string, at int, plain bool) (from, to int, name string) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.names) == 0 {
		return -1, 0, ""
	}
	for ; at+shortest <= len(s); at++ {
		if !m.first[s[at]] {
			continue
		}
		for _, f := range m.forms[start([]byte(s[at:at+shortest]))] {
			if (f.plain || !plain) && strings.HasPrefix(s[at:], f.text) {
				return at, at + len(f.text), f.name
			}
		}
	}
	return -1, 0, ""
}
