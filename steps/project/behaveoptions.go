package project

import (
	"errors"
	"fmt"
)

// behaveOptions are those of behave 1.2.6, with -C and -r, which later ones know.
func behaveOptions() []behaveOption {
	return []behaveOption{
		{names: []string{"-t", "--tags"}, value: true, do: func(p *behaveParser, v string) error {
			p.tags = append(p.tags, v)
			return nil
		}},
		{names: []string{"-n", "--name"}, value: true, do: func(p *behaveParser, v string) error {
			p.names = append(p.names, v)
			return nil
		}},
		{names: []string{"-i", "--include"}, value: true, do: setting1("include")},
		{names: []string{"-e", "--exclude"}, value: true, do: setting1("exclude")},
		{names: []string{"--stop"}, do: setting1("fail_fast", "true")},
		{names: []string{"-d", "--dry-run"}, do: setting1("dry_run", "true")},
		{names: []string{"-w", "--wip"}, do: func(p *behaveParser, _ string) error {
			p.tags = append(p.tags, "@wip")
			return setting1("fail_fast", "true")(p, "")
		}},
		{names: []string{"-c", "--no-color"}, do: setting1("color", ColorNever)},
		{names: []string{"--color"}, do: setting1("color", ColorAuto)},
		{names: []string{"-f", "--format"}, value: true, do: func(p *behaveParser, v string) error {
			p.formats = append(p.formats, v)
			return nil
		}},
		{names: []string{"-o", "--outfile"}, value: true, do: func(p *behaveParser, v string) error {
			p.outputs = append(p.outputs, v)
			return nil
		}},
		{names: []string{"--junit"}, do: func(p *behaveParser, _ string) error {
			p.junit = true
			return nil
		}},
		{names: []string{"--no-junit"}, do: func(p *behaveParser, _ string) error {
			p.junit = false
			return nil
		}},
		{names: []string{"--junit-directory"}, value: true, do: func(p *behaveParser, v string) error {
			p.directory = v
			return nil
		}},
		{names: []string{"--lang"}, value: true, do: func(_ *behaveParser, v string) error {
			if v != "en" {
				return fmt.Errorf("write the language into the feature files instead, as their first line: # language: %s", v)
			}
			return nil
		}},

		// How behave prints.
		{names: []string{"-k", "--no-skipped"}},
		{names: []string{"--show-skipped"}},
		{names: []string{"--no-snippets"}},
		{names: []string{"--snippets"}},
		{names: []string{"-m", "--no-multiline"}},
		{names: []string{"--multiline"}},
		{names: []string{"--no-summary"}},
		{names: []string{"--summary"}},
		{names: []string{"-q", "--quiet"}},
		{names: []string{"-s", "--no-source"}},
		{names: []string{"--show-source"}},
		{names: []string{"-T", "--no-timings"}},
		{names: []string{"--show-timings"}},
		{names: []string{"-v", "--verbose"}},
		{names: []string{"-x", "--expand"}},

		// What is for steps in Python.
		{names: []string{"-D", "--define"}, value: true},
		{names: []string{"-C", "--no-capture"}},
		{names: []string{"--capture"}},
		{names: []string{"--no-capture-stderr"}},
		{names: []string{"--capture-stderr"}},
		{names: []string{"--no-logcapture"}},
		{names: []string{"--logcapture"}},
		{names: []string{"--logging-level"}, value: true},
		{names: []string{"--logging-format"}, value: true},
		{names: []string{"--logging-datefmt"}, value: true},
		{names: []string{"--logging-filter"}, value: true},
		{names: []string{"--logging-clear-handlers"}},
		{names: []string{"-r", "--runner"}, value: true},
		{names: []string{"--stage"}, value: true},

		// What runs nothing.
		{names: []string{"--steps-catalog"}, do: elsewhere("apitest steps lists the steps")},
		{names: []string{"--version"}, do: elsewhere("apitest version tells it")},
		{names: []string{"--tags-help"}, do: elsewhere("tags are such as: @smoke and not @slow")},
		{names: []string{"--lang-list"}, do: elsewhere("feature files may begin with a line such as: # language: pl")},
		{names: []string{"--lang-help"}, value: true, do: elsewhere("feature files may begin with a line such as: # language: pl")},
	}
}

// setting1 sets one setting, to the option's value or to the one given here.
func setting1(name string, value ...string) func(*behaveParser, string) error {
	return func(p *behaveParser, given string) error {
		v := given
		if len(value) > 0 {
			v = value[0]
		}
		p.set = append(p.set, func(s *Settings) error { return s.Set(name, v) })
		return nil
	}
}

// elsewhere refuses an option for which there is another way.
func elsewhere(instead string) func(*behaveParser, string) error {
	return func(*behaveParser, string) error { return errors.New("it has no counterpart; " + instead) }
}
