package kind_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/runtime/kind"
)

func TestMatches(t *testing.T) {
	for _, row := range []struct {
		pattern, name string
		want          bool
	}{
		{"crm.get", "crm.get", true},
		{"crm.*", "crm.get", true},
		{"crm.*", "crm.", true},
		{"*", "", true},
		{"*.get", "crm.get", true},
		{"c*m.*t", "crm.get", true},
		{"a*b*c", "a-c-b-c", true},
		{"a*a", "aa", true},
		{"crm.get", "crm.get2", false},
		{"crm.*", "crm", false},
		{"*.get", "crm.get2", false},
		{"a*a", "a", false},
		{"a*b*c", "a-c-b", false},
		{"", "crm", false},
	} {
		assert.Equal(t, row.want, kind.Matches(row.pattern, row.name), "%s: %s", row.pattern, row.name)
	}
}
