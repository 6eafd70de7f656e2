package steps

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/fixtures"
)

func TestReadParts(t *testing.T) {
	in, installed, embedded := fixtures.Part{Source: fixtures.Containers}, fixtures.Part{Source: fixtures.Installed}, fixtures.Part{Source: fixtures.Embedded}
	for _, row := range []struct {
		words string
		want  fixtures.Spec
		fault string
	}{
		{"in containers", fixtures.Spec{Source: fixtures.Containers}, ""},
		{"installed", fixtures.Spec{Source: fixtures.Installed}, ""},
		{"with PostgreSQL, Redis and HAProxy installed", fixtures.Spec{Database: installed, Redis: installed, Balancer: installed}, ""},
		{"with PostgreSQL, Redis and HAProxy in containers", fixtures.Spec{Database: in, Redis: in, Balancer: in, On: fixtures.Containers}, ""},
		{"with servers embedded and PostgreSQL, Redis and HAProxy in containers", fixtures.Spec{Database: in, Redis: in, Balancer: in, On: fixtures.Embedded}, ""},
		{"with PostgreSQL", fixtures.Spec{Database: installed}, ""},
		{"with PostgreSQL in a container and Redis", fixtures.Spec{Database: in, Redis: installed}, ""},
		{"with installed PostgreSQL, embedded Redis, and a load-balancer in a container", fixtures.Spec{Database: installed, Redis: embedded, Balancer: in}, ""},
		{"with PostgreSQL and Redis, whose links can be cut", fixtures.Spec{Database: installed, Redis: installed, Links: []string{"database", "redis", "back ends"}}, ""},
		{"in containers, whose links can be cut", fixtures.Spec{Source: fixtures.Containers, Links: []string{"database", "redis", "balancer", "back ends"}}, ""},
		{"with MySQL", fixtures.Spec{}, `"mysql" is no part of a cluster; there are servers, PostgreSQL, Redis and HAProxy`},
		{"in boxes", fixtures.Spec{}, `"in boxes" says no parts of a cluster`},
	} {
		t.Run(row.words, func(t *testing.T) {
			var got fixtures.Spec
			err := readParts(row.words, &got)
			if row.fault != "" {
				require.ErrorContains(t, err, row.fault)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, row.want, got)
			assert.NoError(t, got.Check())
		})
	}
}

func TestLinkNamed(t *testing.T) {
	for _, row := range []struct{ a, b, want, fault string }{
		{"servers", "the database", "database", ""},
		{"the servers", "PostgreSQL", "database", ""},
		{"HAProxy", "the servers", "balancer", ""},
		{"servers", "the CRM", "crm", ""},
		{"servers", "the fraud detection system", "fraud detection", ""},
		{"servers", "the mocks", "back ends", ""},
		{"Redis", "the database", "", "a link is between the servers and something else, not between redis and database"},
	} {
		got, err := linkNamed(row.a, row.b)
		if row.fault != "" {
			require.ErrorContains(t, err, row.fault)
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, row.want, got)
	}
}
