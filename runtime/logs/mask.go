package logs

import "strings"

// Mask hides secrets: the values of attributes whose names hides tells, and what secrets replaces wherever it stands.
type Mask struct {
	Hides   func(name string) bool
	Secrets *strings.Replacer
}

const hidden = "***"

// shortest is how long a secret must be to be hidden wherever it stands: shorter ones are in other words, too.
const shortest = 6

// NewMask is a Mask of those secrets. Short ones are hidden only where a name tells what they are.
func NewMask(hides func(name string) bool, secrets []string) Mask {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= shortest {
			pairs = append(pairs, s, hidden)
		}
	}
	return Mask{hides, strings.NewReplacer(pairs...)}
}

// apply hides the secrets of a line. The zero Mask hides nothing.
func (m Mask) apply(l *Line) {
	if m.Secrets == nil {
		return
	}
	l.Message = m.Secrets.Replace(l.Message)
	for i := range l.Attributes {
		a := &l.Attributes[i]
		a.Value = m.Secrets.Replace(a.Value)
		if last := a.Name[strings.LastIndexByte(a.Name, '.')+1:]; a.Value != "" && m.Hides(last) { // of a group, as slog writes it
			a.Value = hidden
		}
	}
}
