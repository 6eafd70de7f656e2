package steps_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// cassandraTable is a table whose first column is its key. Values are as the protocol has them.
type cassandraTable struct {
	name    string
	columns []cassandraColumn
	rows    []map[string][]byte
}

type cassandraColumn struct{ name, kind string }

func cassandraTables() map[string]*cassandraTable {
	id := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	local := &cassandraTable{name: "local", columns: []cassandraColumn{
		{"key", "text"},
		{"cluster_name", "text"},
		{"data_center", "text"},
		{"rack", "text"},
		{"host_id", "uuid"},
		{"schema_version", "uuid"},
		{"release_version", "text"},
		{"partitioner", "text"},
		{"rpc_address", "inet"},
		{"broadcast_address", "inet"},
		{"tokens", "set<text>"},
	}, rows: []map[string][]byte{{
		"key": []byte("local"), "cluster_name": []byte("sample"), "data_center": []byte("dc1"), "rack": []byte("r1"), "host_id": id, "schema_version": id,
		"release_version": []byte("3.11.0"), "partitioner": []byte("org.apache.cassandra.dht.Murmur3Partitioner"),
		"rpc_address": {10, 0, 0, 1}, "broadcast_address": {10, 0, 0, 1}, // not where it is reached, as behind a mapped port
	}}}
	peers := &cassandraTable{name: "peers", columns: []cassandraColumn{{"peer", "inet"}, {"host_id", "uuid"}}}
	customers := &cassandraTable{name: "customers", columns: []cassandraColumn{
		{"id", "int"}, {"name", "text"}, {"city", "text"}, {"age", "int"}, {"tags", "list<text>"}, {"Two Words", "text"},
	}}
	kinds := &cassandraTable{name: "kinds", columns: []cassandraColumn{{"id", "int"}}}
	for _, row := range cassandraKinds() {
		kinds.columns = append(kinds.columns, cassandraColumn{row.column, row.kind})
	}
	pairs := &cassandraTable{name: "pairs", columns: []cassandraColumn{{"id", "int"}, {"pair", "tuple<int, text>"}, {"no_pair", "tuple<int, text>"}}, rows: []map[string][]byte{
		{"id": {0, 0, 0, 1}, "pair": {0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 1, 'x'}},
	}}
	return map[string]*cassandraTable{"system.local": local, "system.peers": peers, "customers": customers, "kinds": kinds, "pairs": pairs}
}

// cassandraStatement is one that was understood.
type cassandraStatement struct {
	verb    string
	table   *cassandraTable
	columns []cassandraColumn // chosen, filled or changed
	values  []string          // of the columns: ? or a literal
	where   []cassandraCondition
}

type cassandraCondition struct {
	column cassandraColumn
	value  string
}

var (
	cqlStatement = regexp.MustCompile(`(?is)^\s*(?:(INSERT) INTO (\S+) \((.+?)\) VALUES \((.+)\)|(SELECT) (.+?) FROM (\S+?)|(UPDATE) (\S+) SET (.+?)|(DELETE) FROM (\S+?))(?: WHERE (.+?))?;?\s*$`)
	cqlAnd       = regexp.MustCompile(`(?i) AND `)
	cqlEqual     = regexp.MustCompile(`^(.+?)\s*=\s*(\?|'.*'|-?\d+)$`)
)

func (s *cassandraServer) parse(cql string) (*cassandraStatement, error) {
	m := cqlStatement.FindStringSubmatch(cql)
	if m == nil {
		return nil, &cassandraFault{faultSyntax, "line 1:0 no viable alternative at input '" + firstOf(cql) + "'"}
	}
	verb := strings.ToUpper(m[1] + m[5] + m[8] + m[11])
	named := m[2] + m[7] + m[9] + m[12]
	table := s.tables[cqlName(named)]
	if table == nil {
		return nil, invalid("unconfigured table %s", cqlName(named))
	}
	p := &cassandraStatement{verb: verb, table: table}
	columns, values := m[3]+m[6], m[4]
	if verb == "UPDATE" {
		var left, right []string
		for _, part := range strings.Split(m[10], ", ") {
			pair := cqlEqual.FindStringSubmatch(part)
			if pair == nil {
				return nil, &cassandraFault{faultSyntax, "line 1:0 mismatched input '" + part + "'"}
			}
			left, right = append(left, pair[1]), append(right, pair[2])
		}
		columns, values = strings.Join(left, ", "), strings.Join(right, ", ")
	}
	if columns == "*" {
		p.columns = table.columns
	} else if columns != "" {
		for _, name := range strings.Split(columns, ",") {
			c, err := table.column(name)
			if err != nil {
				return nil, err
			}
			p.columns = append(p.columns, c)
		}
	}
	if values != "" {
		p.values = strings.Split(values, ", ")
	}
	if m[13] != "" {
		for _, part := range cqlAnd.Split(m[13], -1) {
			pair := cqlEqual.FindStringSubmatch(part)
			if pair == nil {
				return nil, &cassandraFault{faultSyntax, "line 1:0 mismatched input '" + part + "'"}
			}
			c, err := table.column(pair[1])
			if err != nil {
				return nil, err
			}
			p.where = append(p.where, cassandraCondition{c, pair[2]})
		}
	}
	key := table.columns[0].name
	if verb == "INSERT" && !slices.ContainsFunc(p.columns, func(c cassandraColumn) bool { return c.name == key }) ||
		(verb == "UPDATE" || verb == "DELETE") && !slices.ContainsFunc(p.where, func(c cassandraCondition) bool { return c.column.name == key }) {
		return nil, invalid("Some partition key parts are missing: %s", key)
	}
	return p, nil
}

func firstOf(cql string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(cql), " ")
	return first
}

// cqlName is a name without its quotes; without quotes it is in lower case.
func cqlName(text string) string {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, `"`) {
		return strings.Trim(text, `"`)
	}
	return strings.ToLower(text)
}

func (t *cassandraTable) column(text string) (cassandraColumn, error) {
	for _, c := range t.columns {
		if c.name == cqlName(text) {
			return c, nil
		}
	}
	return cassandraColumn{}, invalid("Undefined column name %s", cqlName(text))
}

// parameters are the columns of the question marks.
func (p *cassandraStatement) parameters() []cassandraColumn {
	var all []cassandraColumn
	for i, v := range p.values {
		if v == "?" {
			all = append(all, p.columns[i])
		}
	}
	for _, c := range p.where {
		if c.value == "?" {
			all = append(all, c.column)
		}
	}
	return all
}

func (s *cassandraServer) run(p *cassandraStatement, values [][]byte, w *cassandraWriter) error {
	if n := len(p.parameters()); n != len(values) {
		return invalid("Invalid amount of bind variables: %d for %d", len(values), n)
	}
	next := func(c cassandraColumn, text string) []byte {
		if text == "?" {
			v := values[0]
			values = values[1:]
			return v
		}
		return cqlLiteral(c, text)
	}
	row := map[string][]byte{}
	for i, v := range p.values {
		row[p.columns[i].name] = next(p.columns[i], v)
	}
	conditions := map[string][]byte{}
	for _, c := range p.where {
		conditions[c.column.name] = next(c.column, c.value)
	}
	meets := func(have map[string][]byte) bool {
		for name, v := range conditions {
			if !bytes.Equal(have[name], v) {
				return false
			}
		}
		return true
	}
	key := p.table.columns[0].name
	switch p.verb {
	case "SELECT":
		w.int(resultRows)
		w.metadata(p.table.name, p.columns)
		var found []map[string][]byte
		for _, have := range p.table.rows {
			if meets(have) {
				found = append(found, have)
			}
		}
		w.int(len(found))
		for _, have := range found {
			for _, c := range p.columns {
				w.bytes(have[c.name])
			}
		}
		return nil
	case "DELETE":
		p.table.rows = slices.DeleteFunc(p.table.rows, meets)
	case "INSERT":
		conditions = map[string][]byte{key: row[key]}
		fallthrough
	case "UPDATE": // both make a row where there is none
		at := slices.IndexFunc(p.table.rows, meets)
		if at < 0 {
			at = len(p.table.rows)
			p.table.rows = append(p.table.rows, map[string][]byte{key: conditions[key]})
		}
		for name, v := range row {
			p.table.rows[at][name] = v
		}
		slices.SortFunc(p.table.rows, func(a, b map[string][]byte) int { return cmp.Compare(string(a[key]), string(b[key])) })
	}
	w.int(resultVoid)
	return nil
}

func cqlLiteral(c cassandraColumn, text string) []byte {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && c.kind == "int" {
		return binary.BigEndian.AppendUint32(nil, uint32(n))
	}
	return []byte(strings.Trim(text, "'"))
}
