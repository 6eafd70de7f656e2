package spelling_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"channel_rest", "outgoing_zmq", "channel_soap"}
	for _, row := range []struct{ name, written, want string }{
		{"a letter is missing", "chanel_rest", "channel_rest"},
		{"two are swapped", "outgoing_zqm", "outgoing_zmq"},
		{"upper case", "CHANNEL_SOAP", "channel_soap"},
		{"something else", "something", ""},
		{"nothing", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, spelling.Nearest(row.written, known)) })
	}
	assert.Empty(t, spelling.Nearest("x", nil))
}

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"kitten", "sitting", 3},
		{"recieve", "receive", 1},
		{"ca", "abc", 3}, // no part is changed twice
		{"ab", "ba", 1},
		{"abcd", "badc", 2},
	} {
		assert.Equal(t, row.want, spelling.Distance(row.a, row.b), "%q to %q", row.a, row.b)
		assert.Equal(t, row.want, spelling.Distance(row.b, row.a), "%q to %q", row.b, row.a)
	}
}
