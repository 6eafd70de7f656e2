package steps

import "strings"

// commaList reads one line of comma separated texts as Python's csv module does, each trimmed. Quotes count where a text
// begins with one: commas stand inside them, and two quotes are one; elsewhere they are what they are.
func commaList(line string) []any {
	var list []any
	var text strings.Builder
	begins, quoted := true, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '"' && strings.HasPrefix(line[i+1:], `"`):
			text.WriteByte('"')
			i++
		case quoted && c == '"':
			quoted = false
		case quoted:
			text.WriteByte(c)
		case c == '\n' || c == '\r':
			return append(list, strings.TrimSpace(text.String()))
		case c == ',':
			list = append(list, strings.TrimSpace(text.String()))
			text.Reset()
			begins = true
			continue
		case c == '"' && begins:
			quoted = true
		default:
			text.WriteByte(c)
		}
		begins = false
	}
	return append(list, strings.TrimSpace(text.String()))
}
