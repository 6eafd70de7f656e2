package project

import (
	"errors"
	"fmt"
	"strings"
)

// BehaveOptions gives the settings that command-line options of behave 1.2.6 mean, such as
//
//	--tags @smoke,@fast --tags ~@slow --stop --format progress
//
// What changes only how behave prints, or what it does for steps in Python, is accepted and means nothing here. The error
// names an option that is unknown, or one that has no counterpart. Tags and names of the result are further conditions
// where it is merged into other Settings.
func BehaveOptions(words []string) (Settings, error) {
	p := &behaveParser{words: words, options: map[string]behaveOption{}}
	for _, o := range behaveOptions() {
		for _, name := range o.names {
			p.options[name] = o
		}
	}
	for len(p.words) > 0 {
		if err := p.word(); err != nil {
			return Settings{}, err
		}
	}
	return p.settings()
}

// behaveOption is one option of behave.
type behaveOption struct {
	names []string
	value bool // it takes one
	do    func(p *behaveParser, value string) error
}

type behaveParser struct {
	words   []string // that are left
	options map[string]behaveOption

	tags, names      []string
	formats, outputs []string
	junit            bool
	directory        string
	set              []func(*Settings) error // of what is a setting as it is
}

// word reads an option, with its value.
func (p *behaveParser) word() error {
	word := p.words[0]
	p.words = p.words[1:]
	var name, value string
	var hasValue bool
	short := len(word) > 1 && word[0] == '-' && word[1] != '-'
	switch {
	case short:
		// -tsmoke has its value behind it, -kT is two options.
		name, value, hasValue = word[:2], word[2:], len(word) > 2
	case strings.HasPrefix(word, "--"):
		name, value, hasValue = strings.Cut(word, "=")
	default:
		return fmt.Errorf("%q is no option", word)
	}
	o, known := p.options[name]
	if !known {
		return p.unknown(name)
	}
	if !o.value {
		if hasValue && !short {
			return fmt.Errorf("%s takes no value, and %s gives it one", name, word)
		}
		if hasValue {
			p.words = append([]string{"-" + value}, p.words...)
		}
		return o.run(p, "")
	}
	if short {
		value = strings.TrimPrefix(value, "=")
	}
	if !hasValue {
		if len(p.words) == 0 || p.isOption(p.words[0]) {
			return fmt.Errorf("%s needs a value behind it", name)
		}
		value, p.words = p.words[0], p.words[1:]
	}
	return o.run(p, value)
}

// isOption says whether a word is one rather than a value. -a may be a value: a tag that must not be there.
func (p *behaveParser) isOption(word string) bool {
	name, _, _ := strings.Cut(word, "=")
	_, known := p.options[name]
	return known || strings.HasPrefix(word, "--")
}

func (p *behaveParser) unknown(name string) error {
	var names []string
	for _, o := range behaveOptions() {
		names = append(names, o.names...)
	}
	if len(name) == 2 { // any letter is near to any other
		return fmt.Errorf("there is no option %s", name)
	}
	return fmt.Errorf("there is no option %s%s", name, DidYouMean(name, names))
}

func (o behaveOption) run(p *behaveParser, value string) error {
	if o.do == nil {
		return nil
	}
	if err := o.do(p, value); err != nil {
		return fmt.Errorf("%s: %w", o.names[len(o.names)-1], err)
	}
	return nil
}

// settings is what all the options together mean.
func (p *behaveParser) settings() (Settings, error) {
	s := Settings{adds: true}
	if len(p.tags) > 0 {
		expression, err := tagExpression(p.tags)
		if err != nil {
			return s, fmt.Errorf("--tags: %w", err)
		}
		if err := s.Set("tags", expression); err != nil {
			return s, err
		}
	}
	if len(p.names) > 0 {
		if err := s.Set("name", p.names...); err != nil {
			return s, fmt.Errorf("--%w", err)
		}
	}
	for _, set := range p.set {
		if err := set(&s); err != nil {
			return s, fmt.Errorf("--%w", err)
		}
	}
	return s, p.report(&s)
}

// report sets how the outcome is told. Each -o belongs to the -f of the same number; with none it is that of pretty.
func (p *behaveParser) report(s *Settings) error {
	if len(p.outputs) > max(1, len(p.formats)) {
		return fmt.Errorf("--outfile %s has no --format of its own", p.outputs[len(p.outputs)-1])
	}
	if len(p.formats) == 0 && len(p.outputs) > 0 {
		p.formats = []string{"pretty"}
	}
	var list []string
	for i, name := range p.formats {
		ours, err := behaveFormat(name)
		if err != nil {
			return fmt.Errorf("--format: %w", err)
		}
		if i < len(p.outputs) && p.outputs[i] != "-" {
			ours += ":" + p.outputs[i]
		}
		list = append(list, ours)
	}
	if p.junit {
		if len(list) == 0 {
			list = []string{"pretty"}
		}
		list = append(list, "junit")
		if p.directory == "" {
			p.directory = "reports"
		}
		if err := s.Set("out", p.directory); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		return nil
	}
	for _, one := range list {
		if strings.Contains(one, ",") {
			return fmt.Errorf("--outfile: the name of a file must have no comma: %s", one)
		}
	}
	return s.Set("format", list...)
}

// behaveFormat is the format that comes nearest to one of behave.
func behaveFormat(name string) (string, error) {
	switch name {
	case "pretty", "plain":
		return "pretty", nil
	case "progress", "progress2", "progress3", "null":
		return "progress", nil
	case "json", "json.pretty":
		return "cucumber", nil
	case "rerun":
		return "", errors.New("rerun has no counterpart; apitest run --rerun-failed needs no file")
	case "steps", "steps.doc", "steps.catalog", "steps.usage", "sphinx.steps":
		return "", fmt.Errorf("%s has no counterpart; apitest steps lists the steps", name)
	}
	known := []string{"pretty", "plain", "progress", "progress2", "progress3", "null", "json", "json.pretty"}
	return "", fmt.Errorf("%q has no counterpart here; known are %s", name, strings.Join(known, ", "))
}
