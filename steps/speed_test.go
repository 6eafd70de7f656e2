package steps

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkNewVocabulary(b *testing.B) {
	table := Table()
	for b.Loop() {
		if _, err := NewVocabulary(table); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBind binds the lines of a usual scenario.
func BenchmarkBind(b *testing.B) {
	v, err := NewVocabulary(Table())
	require.NoError(b, err)
	lines := []struct {
		kind Kind
		text string
	}{
		{Given, `address "http://127.0.0.1:11223"`},
		{Given, `format "JSON"`},
		{Given, `request is "{"a": "b"}"`},
		{Given, `JSON Pointer "/a" in request is a list "1,2,3"`},
		{When, `the URL is invoked`},
		{Then, `status is "200"`},
		{Then, `JSON Pointer "/action/msg" is "How do you do?"`},
		{Then, `within 5 seconds, header "Server" isn't empty`},
	}
	for b.Loop() {
		for _, line := range lines {
			if _, err := v.Bind(line.kind, line.text); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReadJSON(b *testing.B) {
	raw := []byte(`{"response": {"first_name": "Sean", "last_name": "O'Brien", "last_payment_date": "2013-05-14T10:42:14.401555", "last_payment_amount": "357",
		"flow": ["Ack", "Done", null, true], "amounts": [1, 2.5, -3e7]}, "parley_env": {"cid": "a1b2c3", "result": "OK", "details": ""}}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := decodeJSON(raw); err != nil {
			b.Fatal(err)
		}
	}
}
