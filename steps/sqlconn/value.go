package sqlconn

import (
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
)

// Result is what a query gave. A value is nil, a bool, a text (also of what is binary, as \x and hexadecimal digits where
// it is no text), a json.Number, a Time, JSON of a column of such a type as json.RawMessage, or a list of these as []any.
type Result struct {
	Columns []string
	Rows    [][]any
}

// Time is a date, or a date and a time, in ISO 8601's form: 2026-01-31, 2026-01-31T10:42:14.25, and where the database
// knows a time zone in UTC: 2026-01-31T10:42:14+00:00.
type Time string

// layouts are the forms in which databases write times; 9 stands for as many digits as there are.
func layouts() []string {
	return []string{
		"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z07", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02",
	}
}

// Is says whether a text means that time; it may have a blank in the place of T.
func (t Time) Is(text string) bool {
	if string(t) == text {
		return true
	}
	a, zoneA, okA := parseTime(string(t))
	b, zoneB, okB := parseTime(text)
	return okA && okB && zoneA == zoneB && a.Equal(b)
}

// ParseTime reads a time as Time has it, or with a blank in the place of T; one without a zone is in UTC.
func ParseTime(text string) (moment time.Time, ok bool) {
	moment, _, ok = parseTime(text)
	return moment, ok
}

func parseTime(text string) (moment time.Time, zone, ok bool) {
	text = strings.Replace(text, " ", "T", 1)
	for i, layout := range layouts() {
		if moment, err := time.Parse(layout, text); err == nil {
			return moment, i < 2, true
		}
	}
	return time.Time{}, false, false
}

// mostRows bounds what a query keeps in memory.
const mostRows = 100_000

func (c *Conn) read(rows *sql.Rows) (*Result, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	r := &Result{Rows: [][]any{}}
	for _, t := range types {
		r.Columns = append(r.Columns, t.Name())
	}
	for rows.Next() {
		row := make([]any, len(types))
		into := make([]any, len(types))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, t := range types {
			row[i] = value(row[i], c.dialect.kind(strings.ToUpper(t.DatabaseTypeName())))
		}
		if len(r.Rows) == mostRows {
			return nil, fmt.Errorf("the query gives more than %d rows, which is the limit; ask for fewer, with LIMIT or WHERE", mostRows)
		}
		r.Rows = append(r.Rows, row)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(types) == 0 {
		return nil, errNoRows
	}
	return r, nil
}

// value is what a driver gave for a column of a type, as Result has it.
func value(v any, of string) any {
	switch v := v.(type) {
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case uint64:
		return json.Number(strconv.FormatUint(v, 10))
	case float32:
		return float(float64(v), 32)
	case float64:
		if of == "FLOAT4" {
			return float(v, 32)
		}
		return float(v, 64)
	case time.Time:
		return written(v, of)
	case []byte:
		return text(v, of)
	case string:
		return text([]byte(v), of)
	}
	return v // nil, bool
}

// text is a value that came as text, or as bytes.
func text(raw []byte, of string) any {
	switch {
	case of == "NUMERIC", of == "DECIMAL":
		if _, ok := new(big.Rat).SetString(string(raw)); ok && json.Valid(raw) {
			return json.Number(raw)
		}
	case of == "JSON" && json.Valid(raw), of == "JSONB" && json.Valid(raw):
		return json.RawMessage(raw)
	case of == "DATE", of == "DATETIME", of == "TIMESTAMP":
		if moment, zone, ok := parseTime(string(raw)); ok && !zone {
			return written(moment, of)
		}
	case of == "BIT" && len(raw) <= 8:
		var n uint64
		for _, b := range raw {
			n = n<<8 | uint64(b)
		}
		return json.Number(strconv.FormatUint(n, 10))
	case strings.HasPrefix(of, "_"):
		if list, ok := array(raw, of); ok {
			return list
		}
	}
	if !utf8.Valid(raw) {
		return `\x` + hex.EncodeToString(raw)
	}
	return string(raw)
}

// float is a number as Python writes it: with a point or an exponent, and no more digits than needed.
func float(f float64, bits int) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, bits), "+"))
	}
	format := byte('f')
	if size := math.Abs(f); size >= 1e16 || size != 0 && size < 1e-4 {
		format = 'e'
	}
	text := strconv.FormatFloat(f, format, -1, bits)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return json.Number(text)
}

// written is a time as Time has it.
func written(t time.Time, of string) Time {
	switch {
	case of == "DATE" && t.Equal(t.Truncate(24*time.Hour)):
		return Time(t.Format("2006-01-02"))
	case of == "TIMESTAMPTZ", t.Location() != time.UTC:
		return Time(t.UTC().Format("2006-01-02T15:04:05.999999999") + "+00:00")
	}
	return Time(t.Format("2006-01-02T15:04:05.999999999"))
}

// array reads one of PostgreSQL's arrays from its text.
func array(raw []byte, of string) ([]any, bool) {
	m := pgtype.NewMap()
	list, ok := m.TypeForName(strings.ToLower(of))
	element, known := m.TypeForName(strings.ToLower(of[1:]))
	if !ok || !known {
		return nil, false
	}
	var texts pgtype.Array[*string]
	if err := m.Scan(list.OID, pgtype.TextFormatCode, raw, &texts); err != nil {
		return nil, false
	}
	out := []any{}
	for _, t := range texts.Elements {
		if t == nil {
			out = append(out, nil)
			continue
		}
		v, err := element.Codec.DecodeDatabaseSQLValue(m, element.OID, pgtype.TextFormatCode, []byte(*t))
		if err != nil {
			return nil, false
		}
		out = append(out, value(v, strings.ToUpper(element.Name)))
	}
	for i := len(texts.Dims) - 1; i > 0; i-- { // from the innermost lists outwards
		nested := []any{}
		for part := range slices.Chunk(out, int(texts.Dims[i].Length)) {
			nested = append(nested, part)
		}
		out = nested
	}
	return out, true
}
