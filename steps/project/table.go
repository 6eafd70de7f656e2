package project

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-run/parley/steps/tags"
)

// setting is one row of the table of settings: apitest.yaml, the environment and Set are made of it.
type setting struct {
	name    string // the key in apitest.yaml
	doc     string
	example string // as in apitest.yaml
	parse   func(s *Settings, texts []string) error
	copy    func(to *Settings, from Settings)
}

// table is all settings but user, which has names of its own, in the order in which they are explained.
func table() []setting {
	return []setting{
		row("state", "How long holds what a scenario says: scenario (each begins anew) or feature (those of a file share it).", "scenario",
			func(s *Settings) *string { return &s.State }, oneOf(StateScenario, StateFeature)),
		row("parallel", "How many scenarios run at once; 0 is as many as there are CPUs.", "4",
			func(s *Settings) *int { return &s.Parallel }, count),
		row("tags", "Which scenarios run, by their tags.", `"@smoke and not @slow"`,
			func(s *Settings) *string { return &s.Tags }, expression),
		row("name", "Which scenarios run, by a part of their name: a regular expression, or a list of which one must fit.", `["customer", "order"]`,
			func(s *Settings) *[]string { return &s.Names }, patterns),
		row("include", "Which feature files run: a regular expression that is found in their path.", `"billing/"`,
			func(s *Settings) *string { return &s.Include }, pattern),
		row("exclude", "Which feature files do not run.", `"drafts/"`,
			func(s *Settings) *string { return &s.Exclude }, pattern),
		row("fail_fast", "Begin no scenario after one has failed.", "true",
			func(s *Settings) *bool { return &s.FailFast }, flag),
		row("dry_run", "Find every step, do none.", "true",
			func(s *Settings) *bool { return &s.DryRun }, flag),
		row("format", "How the outcome is told: "+strings.Join(Formats(), ", ")+"; name:file writes one into that file.", "[pretty, junit, html]",
			func(s *Settings) *[]Format { return &s.Formats }, formats),
		row("out", "Folder for reports; in this file, beside it.", "reports",
			func(s *Settings) *string { return &s.Out }, text),
		row("color", "Colours on the terminal: auto, always or never.", "never",
			func(s *Settings) *string { return &s.Color }, oneOf(ColorAuto, ColorAlways, ColorNever)),
		row("shuffle", "Run scenarios in a random order, which seed decides.", "true",
			func(s *Settings) *bool { return &s.Shuffle }, flag),
		row("seed", "Makes random values and the order those of an earlier run, which has printed it.", "42",
			func(s *Settings) *uint64 { return &s.Seed }, seed),
		row("retries", "How often a scenario that fails is run again; one that then passes is FLAKY.", "2",
			func(s *Settings) *int { return &s.Retries }, count),
		row("allow_empty", "That no scenario was selected is no failure.", "true",
			func(s *Settings) *bool { return &s.AllowEmpty }, flag),
		row("timeout", "How long a reply may take: seconds, or with a unit.", "30s",
			func(s *Settings) *time.Duration { return &s.Timeout }, duration),
		row("secrets", "Names of values that no output may show, beside those that tell, such as password or api_key.", "[iban]",
			func(s *Settings) *[]string { return &s.Secrets }, list),
		row("user_agent", "The User-Agent of requests.", `"my-tests/1.0"`,
			func(s *Settings) *string { return &s.UserAgent }, text),
		row("vault.address", "Where vault:path is read, of HashiCorp Vault.", "http://localhost:8200",
			func(s *Settings) *string { return &s.Vault.Address }, text),
		row("vault.token", "The token for it.", "${VAULT_TOKEN}",
			func(s *Settings) *string { return &s.Vault.Token }, text),
	}
}

func row[T any](name, doc, example string, field func(*Settings) *T, parse func([]string) (T, error)) setting {
	return setting{
		name: name, doc: doc, example: example,
		parse: func(s *Settings, texts []string) error {
			v, err := parse(texts)
			if err == nil {
				*field(s) = v
			}
			return err
		},
		copy: func(to *Settings, from Settings) { *field(to) = *field(&from) },
	}
}

// variable is the environment variable of a setting.
func (r setting) variable() string {
	return "APITEST_" + strings.ToUpper(strings.ReplaceAll(r.name, ".", "_"))
}

func namesOf(rows []setting) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.name)
	}
	return out
}

func text(texts []string) (string, error) {
	if len(texts) != 1 {
		return "", errors.New("must be one text, not a list")
	}
	return texts[0], nil
}

// expression is a tag expression; an empty one takes back what was set elsewhere.
func expression(texts []string) (string, error) {
	v, err := text(texts)
	if err != nil || v == "" {
		return v, err
	}
	if _, err := tags.Parse(v); err != nil {
		return "", err
	}
	return v, nil
}

func oneOf(words ...string) func([]string) (string, error) {
	return func(texts []string) (string, error) {
		v, err := text(texts)
		if err == nil && !slices.Contains(words, v) {
			err = fmt.Errorf("must be %s, not %q", strings.Join(words, " or "), v)
		}
		return v, err
	}
}

func flag(texts []string) (bool, error) {
	v, err := text(texts)
	if err != nil {
		return false, err
	}
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("must be true or false, not %q", v)
}

func count(texts []string) (int, error) {
	v, err := text(texts)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("must be a whole number from 0 on, not %q", v)
	}
	return n, nil
}

func seed(texts []string) (uint64, error) {
	v, err := text(texts)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("must be a whole number from 0 on, not %q", v)
	}
	return n, nil
}

func duration(texts []string) (time.Duration, error) {
	v, err := text(texts)
	if err != nil {
		return 0, err
	}
	if _, err := strconv.ParseFloat(v, 64); err == nil {
		v += "s"
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("must be a time such as 30s, 500ms or 2m, or a number of seconds, not %q", texts[0])
	}
	return d, nil
}

func pattern(texts []string) (string, error) {
	v, err := text(texts)
	if err != nil {
		return "", err
	}
	if _, err := regexp.Compile(v); err != nil {
		return "", fmt.Errorf("must be a regular expression, and %q is none: %w", v, err)
	}
	return v, nil
}

func patterns(texts []string) ([]string, error) {
	for _, v := range texts {
		if _, err := pattern([]string{v}); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// list takes texts, each of which may hold several with commas between.
func list(texts []string) ([]string, error) {
	var out []string
	for _, t := range texts {
		for part := range strings.SplitSeq(t, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				return nil, fmt.Errorf("must be names with commas between, not %q", t)
			}
			out = append(out, part)
		}
	}
	return out, nil
}

func formats(texts []string) ([]Format, error) {
	all, err := list(texts)
	if err != nil {
		return nil, err
	}
	var out []Format
	for _, one := range all {
		name, file, _ := strings.Cut(one, ":")
		if !slices.Contains(Formats(), name) {
			return nil, fmt.Errorf("must be of %s, not %q%s", strings.Join(Formats(), ", "), name, DidYouMean(name, Formats()))
		}
		if file == "" && strings.HasSuffix(one, ":") {
			return nil, fmt.Errorf("has no file behind %q", one)
		}
		out = append(out, Format{Name: name, File: file})
	}
	return out, nil
}
