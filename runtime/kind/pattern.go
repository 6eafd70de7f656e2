package kind

import "strings"

// Matches says whether name is what pattern describes: a * in it stands for any characters, also none.
func Matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1:last] {
		i := strings.Index(rest, part)
		if i < 0 {
			return false
		}
		rest = rest[i+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}

// IsPattern says whether there is a * in s, which Matches takes for any characters.
func IsPattern(s string) bool { return strings.Contains(s, "*") }
