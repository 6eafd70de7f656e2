package dashboard

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// figures are the answer of a service as a file: as JSON whole, as CSV the list that is in it.
func figures(v *visit, name, called string, in any, list string) (download, error) {
	out, err := ask[any](v, called, in)
	if err != nil {
		return download{}, err
	}
	switch v.query("format") {
	case "json":
		body, err := service.AppendJSON(nil, out)
		return download{name + ".json", "application/json", append(body, '\n')}, err
	case "csv":
		rows, _ := out.([]any)
		if o, ok := out.(*service.Object); ok {
			value, _ := o.Get(list)
			rows, _ = value.([]any)
		}
		body, err := asCSV(rows)
		return download{name + ".csv", "text/csv; charset=utf-8", body}, err
	}
	return download{}, service.Errorf(service.Invalid, "format: expected csv or json, not %q", v.query("format"))
}

// asCSV is a list of objects as a table of the members that the first one has. Texts that a spreadsheet would run as formulas
// get a ' before them.
func asCSV(rows []any) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	var names []string
	for i, row := range rows {
		o, ok := row.(*service.Object)
		if !ok {
			return nil, fmt.Errorf("row %d is no object", i)
		}
		if i == 0 {
			for name := range o.All() {
				names = append(names, name)
			}
			if err := w.Write(names); err != nil {
				return nil, err
			}
		}
		record := make([]string, len(names))
		for j, name := range names {
			value, _ := o.Get(name)
			record[j] = cell(value)
		}
		if err := w.Write(record); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func cell(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		if value != "" && strings.ContainsRune("=+-@\t\r", rune(value[0])) {
			return "'" + value
		}
		return value
	case []any:
		parts := make([]string, len(value))
		for i, one := range value {
			parts[i] = cell(one)
		}
		return strings.Join(parts, " ")
	case float64:
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Sprint(value)
		}
		return string(text)
	}
	return fmt.Sprint(value)
}

func downloadStatistics(v *visit) (download, error) {
	p := periodOf(v)
	return figures(v, "statistics-"+p.Kind, "parley.stats.summary", p.in(nil), "items")
}

func downloadSeries(v *visit) (download, error) {
	p := periodOf(v)
	return figures(v, "statistics-of-one", "parley.stats.series", p.in(map[string]any{"name": p.Name, "points": 2000}), "points")
}

func downloadCompared(v *visit) (download, error) {
	p := periodOf(v)
	in := p.in(nil)
	others(v, in)
	return figures(v, "statistics-compared", "parley.stats.compare", in, "items")
}

func downloadRequests(v *visit) (download, error) {
	name, in := keptIn(v, periodOf(v))
	in["n"] = 1000
	return figures(v, "requests", name, in, "")
}
