package sqlconn

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// dialect is a kind of database.
type dialect struct {
	name    string
	connect func(address) (driver.Connector, error)
	names   Names
	types   map[string]string   // how it calls a type that is asked for, where that is another name
	kind    func(string) string // the name of a column's type as far as it says what Python makes of the value
}

func dialects() map[string]*dialect {
	postgres := &dialect{
		name: "postgresql", connect: connectPostgres, names: Names{Quote: `"`, Folds: true, Numbers: true}, types: map[string]string{"datetime": "timestamp"},
		kind: except("BIT"),
	}
	mysql := &dialect{
		name: "mysql", connect: connectMySQL, names: Names{Quote: "`"}, types: map[string]string{"varchar": "varchar(255)"},
		kind: except("JSON"),
	}
	// SQLite takes a name in double quotes that is no column's for a text, and a declared type means little.
	sqlite := &dialect{name: "sqlite", connect: connectSQLite, names: Names{Quote: "`"}, kind: only("DATE", "DATETIME", "TIMESTAMP")}
	return map[string]*dialect{"postgresql": postgres, "postgres": postgres, "mysql": mysql, "mariadb": mysql, "sqlite": sqlite}
}

func except(types ...string) func(string) string {
	return func(name string) string {
		if slices.Contains(types, name) {
			return ""
		}
		return name
	}
}

func only(types ...string) func(string) string {
	return func(name string) string {
		if slices.Contains(types, name) {
			return name
		}
		return ""
	}
}

func known() string {
	return "known are " + strings.Join(slices.Sorted(maps.Keys(dialects())), ", ")
}

// setters take over what the options of a URL say, by the options' names.
type setters[T any] map[string]func(*T, string) error

// apply sets all options. An error names every one that is not understood, and those that are.
func (s setters[T]) apply(target *T, given []option) error {
	var faults []error
	for _, o := range given {
		set, there := s[o.name]
		if !there {
			faults = append(faults, fmt.Errorf("the option %q is not understood; understood are %s", o.name, strings.Join(slices.Sorted(maps.Keys(s)), ", ")))
			continue
		}
		if err := set(target, o.value); err != nil {
			faults = append(faults, fmt.Errorf("the option %s: %w", o.name, err))
		}
	}
	return errors.Join(faults...)
}

// nothing is an option that speaks to a Python driver alone.
func nothing[T any](*T, string) error { return nil }

// truth is a value that is on or off.
func truth(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}
