package project_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/project"
)

// TestINIValues: what Python's ConfigObj 5 gives for the same lines.
func TestINIValues(t *testing.T) {
	list := func(texts ...any) []any { return append([]any{}, texts...) }
	rows := []struct {
		line string
		want any
	}{
		{`k=Hello`, "Hello"},
		{`  k  =  Hello there  `, "Hello there"},
		{`k=7`, "7"},
		{`k=`, ""},
		{`k=   # a comment`, ""},
		{`k=$HOME/${HOME}`, "$HOME/${HOME}"},
		{`k=a # a comment`, "a"},
		{`k=http://host/#fragment`, "http://host/"},
		{`k="http://host/#fragment"`, "http://host/#fragment"},
		{`k = ' a '`, " a "},
		{`k = "it's"`, "it's"},
		{`k = it's`, "it's"},
		{`k = say "hi"`, `say "hi"`},
		{`k = "a" b"`, `a" b`},
		{`k = "a" # "b"`, "a"},
		{`"k" = 1`, "1"},
		{`k = a=b`, "a=b"},
		{`k = a,b`, list("a", "b")},
		{`k = a , "b, c" ,'d' # e, f`, list("a", "b, c", "d")},
		{`k = a,`, list("a")},
		{`k = a, # b`, list("a")},
		{`k = ,`, list()},
		{`k = "a,b"`, "a,b"},
		{`k = a, "b" c, d`, list("a", `"b" c`, "d")},
		{`k = a, b # c, d`, list("a", "b")},
		{`k = 100%`, "100%"},
		{`k = """a, "b" # c"""`, `a, "b" # c`},
		{"k = '''one \n two\n''' # and a comment", "one \n two\n"},
		{`k = """"a""""`, `"a"`},
		{"b = B\nk = <%(b)s%(b)s>", "<BB>"},
		{"b = %(c)s\nc = C\nk = %(b)s, %(c)s", list("C", "C")},
		{"k = %(d)s\n[DEFAULT]\nd = D", "D"},
	}
	for _, row := range rows {
		t.Run(row.line, func(t *testing.T) {
			var s project.Settings
			require.NoError(t, project.DecodeINI("config.ini", "\ufeff# the first line\r\n[ user ] # values\r\n"+row.line+"\r\n", &s))
			assert.Equal(t, row.want, normal(s.User["k"]))
		})
	}
}

// normal is a value with the line ends of this test's file taken out.
func normal(v any) any {
	if text, isText := v.(string); isText {
		return strings.ReplaceAll(text, "\r", "")
	}
	return v
}

func TestINISettings(t *testing.T) {
	rows := []struct {
		name, text string
		want       project.Settings
	}{
		{"no sections", "", project.Settings{}},
		{"as zato-apitest makes it", "\n" + plainINI, project.Settings{
			Formats: []project.Format{{Name: "pretty"}}, User: map[string]any{"sample": "Hello"},
			Vault: project.Vault{Address: "http://localhost:8200", Token: "invalid"},
		}},
		{"options with a comma", "[behave]\noptions = --tags @a,@b -f plain\n", project.Settings{Tags: "@a or @b", Formats: []project.Format{{Name: "pretty"}}}},
		{"options in quotes", "[behave]\noptions = '--name \"a b\" --stop'\n", project.Settings{Names: []string{"a b"}, FailFast: true}},
		{"a real Vault", "[vault]\n[[default]]\naddress=http://v\ntoken='s,t'\n", project.Settings{Vault: project.Vault{Address: "http://v", Token: "s,t"}}},
		{"no connection to Vault", "[vault]\n", project.Settings{}},
		{"any key of user", "[user]\noptions = a\nstate = b\n$x = c\n", project.Settings{User: map[string]any{"options": "a", "state": "b", "$x": "c"}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var s project.Settings
			require.NoError(t, project.DecodeINI("config.ini", row.text, &s))
			assert.Equal(t, append(plain(row.want), row.want.User, row.want.Vault), append(plain(s), s.User, s.Vault))
		})
	}
}

func TestINIFaults(t *testing.T) {
	rows := []struct{ name, text, want string }{
		{"an unknown section", "[user]\n\n[valt]\n", `c.ini:3: there is no section "valt"; did you mean vault?`},
		{"a section that is like none", "[production]\n", `c.ini:1: there is no section "production"; there are behave, user, vault`},
		{"an unknown key", "[behave]\noption = x\n", `c.ini:2: there is no key "option"; did you mean options?`},
		{"a key of another tool", "[behave]\nformat = x\n", `c.ini:2: there is no key "format"; there are options`},
		{"an unknown key of Vault", "[vault]\n[[default]]\naddres = x\n", `c.ini:3: there is no key "addres"; did you mean address?`},
		{"a list for Vault", "[vault]\n[[default]]\ntoken = a,b\n", "c.ini:3: token is a list, since it has a comma; quote it"},
		{"another connection", "[vault]\n[[defualt]]\n", `c.ini:2: there is no section "defualt"; did you mean default?`},
		{"a section in user", "[user]\n[[a]]\n", "c.ini:2: section user has values only, no sections such as a"},
		{"no section", "a = b\n", "c.ini:1: a stands in no section; those are behave, user, vault"},
		{"neither nor", "[user]\nhello\n", "c.ini:2: neither [section] nor key = value: hello"},
		{"no key", "[user]\n = x\n", "c.ini:2: neither [section] nor key = value: = x"},
		{"a quoted key with no =", "[user]\n'a' b\n", "c.ini:2: neither [section] nor key = value: 'a' b"},
		{"a semicolon", "[user]\n; comment\n", "c.ini:2: neither [section] nor key = value: ; comment"},
		{"brackets that do not fit", "[[user]\n", "c.ini:1: 2 brackets open the section and 1 close it"},
		{"too deep", "[user]\n[[[a]]]\n", "c.ini:2: section a has 3 brackets, and stands in one that has 1"},
		{"a key twice", "[user]\na=1\nb=2\na=3\n", "c.ini:4: a is there twice, first on line 2"},
		{"a section twice", "[user]\n[behave]\n[user]\n", "c.ini:3: section user is there twice, first on line 1"},
		{"a key like a section", "[vault]\n[[default]]\n[user]\na=1\n[[a]]\n", "c.ini:5: section a has the name of a value, on line 4"},
		{"text behind a quote", "[user]\na = \"b\" c\n", `c.ini:2: this is no value: "b" c; quote it as a whole, with '`},
		{"an empty element", "[user]\na = b,,c\n", `c.ini:2: this is no value: b,,c; quote it as a whole, with "`},
		{"a text that is not closed", "[user]\na = '''b\nc\n", "c.ini:2: ''' opens a text that nothing closes"},
		{"text behind three quotes", "[user]\na = '''b\nc''' d\n", "c.ini:3: after ''' only a comment may stand, not: d"},
		{"a value that is not there", "[user]\na = %(b)s\n", `c.ini:2: %(b)s stands for the value "b", which is not there`},
		{"a value of itself", "[user]\na = %(b)s\nb = %(a)s\n", "c.ini:2: %(a)s stands for itself in the end\nc.ini:3: %(b)s stands for itself in the end"},
		{"a list in a text", "[user]\na = x%(b)s\nb = 1,2\n", "c.ini:2: %(b)s stands for a list, which is no part of a text"},
		{"an unknown option", "[behave]\noptions = --format pretty --no-sauce\n", "c.ini:2: options: there is no option --no-sauce; did you mean --no-source?"},
		{"a quote in options", "[behave]\noptions = --name it's\n", "c.ini:2: options: a quote is not closed"},
		{"a \\ in options", "[behave]\noptions = --name a\\\n", `c.ini:2: options: a \ is the last character`},
		{"no text", "[user]\na = \xff\n", "c.ini:1: the file is not UTF-8"},
		{"all at once", "[behav]\n[user]\na\nb\n", "c.ini:1: there is no section \"behav\"; did you mean behave?\nc.ini:3: neither [section] nor key = value: a\nc.ini:4: neither [section] nor key = value: b"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var s project.Settings
			assert.EqualError(t, project.DecodeINI("c.ini", row.text, &s), row.want)
		})
	}
}

func TestINIThatGrowsWithoutEnd(t *testing.T) {
	var text strings.Builder
	text.WriteString("[user]\na = \n")
	for i := range 40 {
		text.WriteString(strings.Repeat("a", i+2) + " = " + strings.Repeat("%("+strings.Repeat("a", i+1)+")s", 2) + "\n")
	}
	var s project.Settings
	assert.ErrorContains(t, project.DecodeINI("c.ini", text.String(), &s), "the value refers to others more than 1000 times")
}

// FuzzINI looks for texts that the reader does not survive, or that it takes too long over.
func FuzzINI(f *testing.F) {
	f.Add(plainINI)
	f.Add("[user]\na = \"b\", 'c' , d # e\nf = '''g\nh''' # i\n\"j\" = %(a)s\n[DEFAULT]\nk = %(f)s,\n")
	f.Add("[vault]\n[[default]]\naddress = http://x\n[behave]\noptions = -t a,~@b --name \"a b\" -fjson -o x\n")
	f.Fuzz(func(t *testing.T, text string) {
		var s project.Settings
		if err := project.DecodeINI("config.ini", text, &s); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\nconfig.ini:") {
				if strings.TrimSpace(line) == "" {
					t.Fatalf("a fault that says nothing: %q", err)
				}
			}
			return
		}
		for name, v := range s.User {
			switch v := v.(type) {
			case string:
			case []any:
				for _, element := range v {
					if _, isText := element.(string); !isText {
						t.Fatalf("%s has an element that is no text: %v", name, element)
					}
				}
			default:
				t.Fatalf("%s is neither a text nor a list: %v", name, v)
			}
		}
	})
}
