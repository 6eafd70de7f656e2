package secret_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/secret"
)

const place = "security_basic_auth/CRM/password"

func TestSealedOpensInItsPlaceAlone(t *testing.T) {
	ring := open(t, filepath.Join(t.TempDir(), "secrets.key"))
	sealed := ring.Seal(place, "s3cret")
	assert.NotContains(t, sealed, "s3cret")
	plain, err := ring.Unseal(place, sealed)
	require.NoError(t, err)
	assert.Equal(t, "s3cret", plain)
	assert.Equal(t, sealed, ring.Seal(place, "s3cret"), "the same gives the same")
	assert.NotEqual(t, sealed, ring.Seal("security_basic_auth/ERP/password", "s3cret"), "and in another place another")
	other := open(t, filepath.Join(t.TempDir(), "secrets.key"))
	for _, row := range []struct{ name, place, sealed, fault string }{
		{"another place", "security_basic_auth/ERP/password", sealed, "sealed for another object"},
		{"changed", place, sealed[:len(sealed)-3] + "AAA", "damaged"},
		{"cut", place, sealed[:20], "damaged"},
		{"not sealed", place, "s3cret", "no sealed secret"},
		{"another cluster's", place, other.Seal(place, "s3cret"), "which this server does not have"},
	} {
		_, err := ring.Unseal(row.place, row.sealed)
		assert.ErrorContains(t, err, row.fault, row.name)
	}
}

func TestANewKeySealsAndTheOldOneStillOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.key")
	before := open(t, path)
	old := before.Seal(place, "s3cret")
	require.NoError(t, os.WriteFile(path, []byte(before.With()), 0o600))
	after := open(t, path)
	plain, err := after.Unseal(place, old)
	require.NoError(t, err)
	assert.Equal(t, "s3cret", plain)
	assert.True(t, after.Current(old), "a new key does not seal by itself")
	assert.Equal(t, old, after.Seal(place, "s3cret"))
	assert.Equal(t, before.IDs()[0], after.Sealing())
	require.Len(t, after.IDs(), 2)
	after, err = after.SealingBy(after.IDs()[0])
	require.NoError(t, err)
	assert.False(t, after.Current(old))
	_, err = before.Unseal(place, after.Seal(place, "s3cret"))
	var unknown *secret.UnknownKeyError
	require.ErrorAs(t, err, &unknown)
	assert.Equal(t, after.IDs()[0], unknown.ID)
	assert.True(t, after.Current(after.Seal(place, "s3cret")))
	assert.Equal(t, before.Salt(place), after.Salt(place), "hashes stay as they are")
	assert.NotEqual(t, before.Salt(place), before.Salt("elsewhere"))
}

func TestAKeyIsAddedToTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.key")
	before := open(t, path)
	after, err := secret.AddKey(path)
	require.NoError(t, err)
	assert.Equal(t, before.IDs(), after.IDs()[1:])
	assert.Equal(t, after.IDs(), open(t, path).IDs())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left beside it")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := secret.AddKey(path)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, open(t, path).IDs(), 22, "none is lost")
	_, err = after.SealingBy("0000")
	assert.ErrorContains(t, err, "the key 0000, which this server does not have")
}

func TestOneOfManyMakesTheKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.key")
	var wg sync.WaitGroup
	sealed := make([]string, 20)
	for i := range sealed {
		wg.Go(func() {
			ring, err := secret.Open(path)
			if assert.NoError(t, err) {
				sealed[i] = ring.Seal(place, "s3cret")
			}
		})
	}
	wg.Wait()
	for _, s := range sealed {
		assert.Equal(t, sealed[0], s)
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing is left beside it")
}

func TestAFileThatHoldsNoKeyIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.key")
	require.NoError(t, os.WriteFile(path, []byte("hello\n"), 0o600))
	_, err := secret.Open(path)
	assert.ErrorContains(t, err, path+": line 1 is no key: expected 32 bytes in Base64")
}

func open(t *testing.T, path string) *secret.Keyring {
	t.Helper()
	ring, err := secret.Open(path)
	require.NoError(t, err)
	return ring
}
