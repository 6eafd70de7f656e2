package sio_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

func TestDecodeJSON(t *testing.T) {
	for _, row := range []struct {
		name, raw string
		want      any
	}{
		{"object in order", `{"z":1,"a":"x","m":null}`, service.ObjectOf("z", int64(1), "a", "x", "m", nil)},
		{"list", ` [1, true, false, "a", [], {}] `, []any{int64(1), true, false, "a", []any{}, service.NewObject(0)}},
		{"empty body", "", nil},
		{"blank body", " \r\n\t", nil},
		{"null", "null", nil},
		{"byte order mark", "\ufeff{\"a\":1}", service.ObjectOf("a", int64(1))},
		{"escapes", `"O\u0027Brien \"\\\/\n\ud83d\ude00"`, "O'Brien \"\\/\n😀"},
		{"escaped key", `{"\u0061b":1}`, service.ObjectOf("ab", int64(1))},
		{"integer", "-9223372036854775808", int64(-9223372036854775808)},
		{"integer beyond int64", "123456789012345678901", service.Number("123456789012345678901")},
		{"integer that a float would hold", "100000000000000000000", service.Number("100000000000000000000")},
		{"float", "12.5", 12.5},
		{"float whose shortest form is as written", "0.1", 0.1},
		{"float with zeros at its end", "357.10", 357.1},
		{"float zero", "0.000", 0.0},
		{"float by exponent", "1E2", 100.0},
		{"float with leading zeros and exponent", "0.00120e-3", 0.0000012},
		{"largest float", "1.7976931348623157e308", 1.7976931348623157e308},
		{"smallest float", "5e-324", 5e-324},
		{"more digits than a float holds", "0.1000000000000000055", service.Number("0.1000000000000000055")},
		{"17 digits that no float says", "0.12345678901234567", service.Number("0.12345678901234567")},
		{"beyond every float", "1e400", service.Number("1e400")},
		{"nearer to zero than every float", "1e-400", service.Number("1e-400")},
		{"exponent beyond every float", "1.5e9999", service.Number("1.5e9999")},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := sio.DecodeJSON([]byte(row.raw))
			require.NoError(t, err)
			if want, ok := row.want.(*service.Object); ok {
				assertObject(t, want, got)
				return
			}
			if list, ok := row.want.([]any); ok {
				assert.Len(t, got, len(list))
				assert.Equal(t, text(t, row.want), text(t, got))
				return
			}
			assert.Equal(t, row.want, got)
		})
	}
}

// assertObject compares types, values and order.
func assertObject(t *testing.T, want *service.Object, got any) {
	t.Helper()
	o, ok := got.(*service.Object)
	require.True(t, ok, "not an object: %#v", got)
	require.Equal(t, text(t, want), text(t, o))
	for k, v := range want.All() {
		if _, nested := v.(*service.Object); !nested {
			assert.Equal(t, v, o.Value(k), k)
		}
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := service.AppendJSON(nil, v)
	require.NoError(t, err)
	return string(raw)
}

func TestDecodeJSONFaults(t *testing.T) {
	for _, row := range []struct{ name, raw, want string }{
		{"no value", "{\n  \"a\": }", "line 2, column 8: '}' where a value should be"},
		{"ends early", `{"a": 1`, "line 1, column 8: the text ends too early"},
		{"ends in a text", `{"a": "b`, "line 1, column 9: the text ends too early"},
		{"comma too many", `{"a":1,}`, "line 1, column 7: ',' with nothing after it"},
		{"comma too many in a list", `[1,]`, "line 1, column 3: ',' with nothing after it"},
		{"comma without a value", `[,1]`, "line 1, column 2: ',' where a value should be"},
		{"comma missing", `{"a":1 "b":2}`, "line 1, column 8: '\"' after a value, where ',' or '}' should be"},
		{"comma missing in a list", `[1 2]`, "line 1, column 4: '2' in a list, where ',' or ']' should be"},
		{"colon missing", `{"a" 1}`, "line 1, column 6: '1' after a key, where ':' should be"},
		{"key without quotes", `{a: 1}`, "line 1, column 2: 'a' where a key in quotes should be"},
		{"key that is a number", `{1: 1}`, "line 1, column 2: '1' where a key in quotes should be"},
		{"single quotes", `{'a': 1}`, `line 1, column 2: '\'' where a key in quotes should be`},
		{"wrong word", `[nil]`, "line 1, column 3: 'i' in a word that should be true, false or null"},
		{"leading zero", `[01]`, "line 1, column 3: '1' in a list, where ',' or ']' should be"},
		{"number without digits", `[-]`, "line 1, column 3: ']' in a number, where a digit should be"},
		{"trailing data", "{} x", "line 1, column 4: 'x' after the end of the document"},
		{"second document", "{}\n{}", "line 2, column 1: '{' after the end of the document"},
		{"wrong bracket", `{"a":[1}`, "line 1, column 8: '}' in a list, where ',' or ']' should be"},
		{"duplicate key", `{"a":1,"b":2, "a":3}`, `line 1, column 15: the key "a" stands twice in one object`},
		{"duplicate key by escape", `{"a":1,"\u0061":3}`, `line 1, column 8: the key "a" stands twice`},
		{"column in characters", `{"ж": x}`, "line 1, column 7: 'x' where a value should be"},
		{"control character", "\"a\nb\"", `'\n' in a text, where it must be written as an escape`},
		{"not UTF-8", "\"a\xff\"", "line 1, column 3: bytes that are not UTF-8"},
		{"half a surrogate pair", `"\ud800"`, "half of a surrogate pair"},
		{"unknown escape", `"\x"`, "an escape that JSON does not have"},
		{"exponent that nobody computes with", `[1, 1e10000]`, "line 1, column 5: a number with an exponent beyond 9999"},
		{"number of many digits", "[" + strings.Repeat("9", 1001) + "]", "line 1, column 2: a number of 1001 characters; it may have 1000"},
		{"too deep", strings.Repeat("[", 201), "line 1, column 201: lists and objects stand more than 200 levels deep"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := sio.DecodeJSON([]byte(row.raw))
			var e *service.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, service.Invalid, e.Code)
			assert.Contains(t, e.Message, "malformed JSON at line ")
			assert.Contains(t, e.Message, row.want)
		})
	}
}

func TestDecodeJSONAtTheDepthLimit(t *testing.T) {
	_, err := sio.DecodeJSON([]byte(strings.Repeat("[", sio.MaxDepth) + strings.Repeat("]", sio.MaxDepth)))
	assert.NoError(t, err)
}

func TestDecodeJSONKeepsNothingOfItsInput(t *testing.T) {
	raw := []byte(`{"key":"value"}`)
	got, err := sio.DecodeJSON(raw)
	require.NoError(t, err)
	for i := range raw {
		raw[i] = 'x'
	}
	assert.Equal(t, `{"key":"value"}`, text(t, got))
}

const tutorialRequest = `{"cust_id":123,"cust_type":"A"}`

func mixedDocument() []byte {
	row := `{"id":1234567,"name":"Sean O'Brien","email":"sean@example.com","is_active":true,"balance":1234.56,"tags":["a","b","c"],"address":{"street":"1 High Street","city":"Dublin","zip":null}}`
	return []byte("[" + strings.Repeat(row+",", 19) + row + "]")
}

func BenchmarkDecodeJSON(b *testing.B) {
	for _, doc := range []struct {
		name string
		raw  []byte
	}{{"tutorial", []byte(tutorialRequest)}, {"mixed", mixedDocument()}} {
		b.Run(doc.name+"/sio", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc.raw)))
			for b.Loop() {
				if _, err := sio.DecodeJSON(doc.raw); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(doc.name+"/encoding-json", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc.raw)))
			for b.Loop() {
				var v any
				if err := json.Unmarshal(doc.raw, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
