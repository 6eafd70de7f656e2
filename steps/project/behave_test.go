package project_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps/project"
)

func TestBehaveOptions(t *testing.T) {
	pretty := []project.Format{{Name: "pretty"}}
	rows := []struct {
		options string
		want    func(s *project.Settings)
	}{
		{"", func(*project.Settings) {}},
		{"--format pretty --no-source --no-timings", func(s *project.Settings) { s.Formats = pretty }},
		{"-f plain -c", func(s *project.Settings) { s.Formats, s.Color = pretty, project.ColorNever }},
		{"--format=progress3 --color", func(s *project.Settings) {
			s.Formats, s.Color = []project.Format{{Name: "progress"}}, project.ColorAuto
		}},
		{"-f null", func(s *project.Settings) { s.Formats = []project.Format{{Name: "progress"}} }},
		{"-f json -o all.json -f pretty", func(s *project.Settings) {
			s.Formats = []project.Format{{Name: "cucumber", File: "all.json"}, {Name: "pretty"}}
		}},
		{"-f json -o - ", func(s *project.Settings) { s.Formats = []project.Format{{Name: "cucumber"}} }},
		{"-o log.txt", func(s *project.Settings) { s.Formats = []project.Format{{Name: "pretty", File: "log.txt"}} }},
		{"--junit", func(s *project.Settings) { s.Formats, s.Out = append(pretty, project.Format{Name: "junit"}), "reports" }},
		{"--junit --junit-directory=x/y", func(s *project.Settings) { s.Formats, s.Out = append(pretty, project.Format{Name: "junit"}), "x/y" }},
		{"--junit --no-junit", func(*project.Settings) {}},
		{"--tags @a", func(s *project.Settings) { s.Tags = "@a" }},
		{"--tags=a,@b", func(s *project.Settings) { s.Tags = "@a or @b" }},
		{"-t a -t b", func(s *project.Settings) { s.Tags = "@a and @b" }},
		{"-ta,b -t ~@c", func(s *project.Settings) { s.Tags = "(@a or @b) and not @c" }},
		{"--tags -a --tags=~b,-@c", func(s *project.Settings) { s.Tags = "not @a and (not @b or not @c)" }},
		{"--tags @wip:3", func(s *project.Settings) { s.Tags = "@wip" }},
		{`--tags "@a and not @b" -t c`, func(s *project.Settings) { s.Tags = "(@a and not @b) and @c" }},
		{"--stop --dry-run", func(s *project.Settings) { s.FailFast, s.DryRun = true, true }},
		{"-d", func(s *project.Settings) { s.DryRun = true }},
		{"--wip", func(s *project.Settings) { s.Tags, s.FailFast = "@wip", true }},
		{`-n "a customer" --name order`, func(s *project.Settings) { s.Names = []string{"a customer", "order"} }},
		{"-i billing -e drafts", func(s *project.Settings) { s.Include, s.Exclude = "billing", "drafts" }},
		{"-qkmsTvxC --show-skipped --no-capture --no-logcapture --logging-level=INFO --logging-format x -D a=b --stage x --lang en", func(*project.Settings) {}},
		{"-kd", func(s *project.Settings) { s.DryRun = true }},
	}
	for _, row := range rows {
		t.Run(row.options, func(t *testing.T) {
			got, err := project.BehaveOptions(words(row.options))
			require.NoError(t, err)
			var have, want project.Settings
			have.Merge(got)
			row.want(&want)
			assert.Equal(t, plain(want), plain(have))
		})
	}
}

// words splits a line at its blanks, but not in double quotes.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// plain is what of settings can be compared: not which of them are set.
func plain(s project.Settings) []any {
	return []any{s.Tags, append([]string{}, s.Names...), append([]project.Format{}, s.Formats...), s.Out, s.Color, s.FailFast, s.DryRun, s.Include, s.Exclude}
}

func TestBehaveOptionsFaults(t *testing.T) {
	rows := []struct{ options, want string }{
		{"--no-sauce", "there is no option --no-sauce; did you mean --no-source?"},
		{"--zzzzzzzzzzzzzzzzzzzzzz", "there is no option --zzzzzzzzzzzzzzzzzzzzzz"},
		{"-Z", "there is no option -Z"},
		{"-kZ", "there is no option -Z"},
		{"x.feature", `"x.feature" is no option`},
		{"-", `"-" is no option`},
		{"--tags", "--tags needs a value behind it"},
		{"--tags --stop", "--tags needs a value behind it"},
		{"--stop=now", "--stop takes no value, and --stop=now gives it one"},
		{"--tags a,,b", `--tags: "a,,b" has a comma with no tag beside it`},
		{"--tags=", "--tags: there is no tag"},
		{`--tags "@a @b"`, `--tags: "a @b" is no tag; put a comma between tags of which one is enough, and another --tags before one that must hold too`},
		{"-f rerun -o x", "--format: rerun has no counterpart; apitest run --rerun-failed needs no file"},
		{"-f steps.doc", "--format: steps.doc has no counterpart; apitest steps lists the steps"},
		{"-f my:Formatter", `--format: "my:Formatter" has no counterpart here; known are pretty, plain, progress, progress2, progress3, null, json, json.pretty`},
		{"-f json -o a -o b", "--outfile b has no --format of its own"},
		{"-f json -o a,b", "--outfile: the name of a file must have no comma: cucumber:a,b"},
		{"--name (", "--name must be a regular expression, and \"(\" is none: error parsing regexp: missing closing ): `(`"},
		{"-i [", "--include must be a regular expression, and \"[\" is none: error parsing regexp: missing closing ]: `[`"},
		{"--lang pl", "--lang: write the language into the feature files instead, as their first line: # language: pl"},
		{"--version", "--version: it has no counterpart; apitest version tells it"},
	}
	for _, row := range rows {
		t.Run(row.options, func(t *testing.T) {
			_, err := project.BehaveOptions(words(row.options))
			assert.EqualError(t, err, row.want)
		})
	}
}

// As behave does where options come from its configuration and from the command line.
func TestBehaveOptionsAreAdded(t *testing.T) {
	var s project.Settings
	for _, line := range []string{"--tags ~@wip --name a -f pretty", "--tags a,b --name b -f progress"} {
		more, err := project.BehaveOptions(words(line))
		require.NoError(t, err)
		s.Merge(more)
	}
	assert.Equal(t, "not @wip and (@a or @b)", s.Tags)
	assert.Equal(t, []string{"a", "b"}, s.Names)
	assert.Equal(t, []project.Format{{Name: "progress"}}, s.Formats)
}

func TestBehaveOption(t *testing.T) {
	rows := []struct {
		name         string
		takes, known bool
	}{
		{"--stop", false, true}, {"-k", false, true}, {"--tags", true, true}, {"-t", true, true}, {"--parallel", false, false}, {"-Z", false, false},
	}
	for _, row := range rows {
		takes, known := project.BehaveOption(row.name)
		assert.Equal(t, row.known, known, row.name)
		assert.Equal(t, row.takes, takes, row.name)
	}
}
