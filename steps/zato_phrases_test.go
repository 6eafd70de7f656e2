package steps_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/project"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

// zatoPhrase is a phrase of zato-apitest, as its 1.13 has it. The letter is its topic: common, JSON, XML, Zato, SQL,
// Cassandra (K), and what Zato's own suite adds (E).
type zatoPhrase struct {
	number string
	kind   steps.Kind
	text   string
}

// zatoPhrases are all of them, each once.
func zatoPhrases() []zatoPhrase {
	return []zatoPhrase{
		{"C1", steps.When, `the URL is invoked`},
		{"C2", steps.Given, `address "{address}"`},
		{"C3", steps.Given, `URL path "{url_path}"`},
		{"C4", steps.Given, `HTTP method "{method}"`},
		{"C5", steps.Given, `format "{format}"`},
		{"C6", steps.Given, `request format "{format}"`},
		{"C7", steps.Given, `response format "{format}"`},
		{"C8", steps.Given, `user agent is "{value}"`},
		{"C9", steps.Given, `header "{header}" "{value}"`},
		{"C10", steps.Given, `request "{request_path}"`},
		{"C11", steps.Given, `request is "{data}"`},
		{"C12", steps.Given, `request file "{name}" is "{value}"`},
		{"C13", steps.Given, `request param "{name}" is "{value}"`},
		{"C14", steps.Given, `query string "{query_string}"`},
		{"C15", steps.Given, `date format "{name}" "{format}"`},
		{"C16", steps.Given, `Basic Auth "{username}" "{password}"`},
		{"C17", steps.Given, `I store "{value}" under "{name}"`},
		{"C18", steps.Given, `I store a random string under "{name}"`},
		{"C19", steps.Given, `I store a random integer under "{name}"`},
		{"C20", steps.Given, `I store a random float under "{name}"`},
		{"C21", steps.Given, `I store a random date under "{name}", format "{format}"`},
		{"C22", steps.Then, `context is cleaned up`},
		{"C23", steps.Then, `form is cleaned up`},
		{"C24", steps.Then, `status is "{expected_status}"`},
		{"C25", steps.Then, `header "{h}" is "{v}"`},
		{"C26", steps.Then, `header "{h}" is not "{v}"`},
		{"C27", steps.Then, `header "{h}" contains "{v}"`},
		{"C28", steps.Then, `header "{h}" does not contain "{v}"`},
		{"C29", steps.Then, `header "{h}" exists`},
		{"C30", steps.Then, `header "{h}" does not exist`},
		{"C31", steps.Then, `header "{h}" is empty`},
		{"C32", steps.Then, `header "{h}" is not empty`},
		{"C33", steps.Then, `header "{h}" starts with "{v}"`},
		{"C34", steps.Then, `header "{h}" does not start with "{v}"`},
		{"C35", steps.Then, `header "{h}" ends with "{v}"`},
		{"C36", steps.Then, `header "{h}" does not end with "{v}"`},
		{"C37", steps.Then, `I store "{path}" from response under "{name}", default "{default}"`},
		{"C38", steps.Then, `I store "{path}" from response under "{name}"`},
		{"C39", steps.Then, `response is equal to that from "{path}"`},
		{"C40", steps.Then, `JSON response is equal to "{expected}"`},
		{"C41", steps.Then, `response is equal to "{expected}"`},
		{"C42", steps.Then, `I sleep for "{sleep_time}"`},
		{"C43", steps.Given, `I encode "{value}" using Base64 under "{name}"`},
		{"C44", steps.Then, `variable "{variable}" is a list "{value}"`},
		{"C45", steps.Then, `variable "{variable}" is an empty list`},
		{"C46", steps.Then, `variable "{variable}" is an integer "{value}"`},
		{"C47", steps.Then, `variable "{variable}" is a float "{value}"`},
		{"C48", steps.Then, `variable "{variable}" is a string "{value}"`},
		{"C49", steps.Then, `variable "{variable}" is True`},
		{"C50", steps.Then, `variable "{variable}" is False`},
		{"J1", steps.Given, `path "{path}" in request is "{value}"`},
		{"J2", steps.Given, `path "{path}" in request is "{value}" (with literal_eval)`},
		{"J3", steps.Given, `path "{path}" in request is a UUID`},
		{"J4", steps.Given, `path "{path}" in request is an integer "{value}"`},
		{"J5", steps.Given, `path "{path}" in request is a float "{value}"`},
		{"J6", steps.Given, `path "{path}" in request is a list "{value}"`},
		{"J7", steps.Given, `path "{path}" in request is a random string`},
		{"J8", steps.Given, `path "{path}" in request is a random integer`},
		{"J9", steps.Given, `path "{path}" in request is a random float`},
		{"J10", steps.Given, `path "{path}" in request is one of "{value}"`},
		{"J11", steps.Given, `path "{path}" in request is True`},
		{"J12", steps.Given, `path "{path}" in request is False`},
		{"J13", steps.Given, `path "{path}" in request is a random date "{format}"`},
		{"J14", steps.Given, `path "{path}" in request is now "{format}"`},
		{"J15", steps.Given, `path "{path}" in request is UTC now "{format}"`},
		{"J16", steps.Given, `path "{path}" in request is UTC now "{format}" minus one hour`},
		{"J17", steps.Given, `path "{path}" in request is a random date after "{date_start}" "{format}"`},
		{"J18", steps.Given, `path "{path}" in request is a random date before "{date_end}" "{format}"`},
		{"J19", steps.Given, `path "{path}" in request is a random date between "{date_start}" and "{date_end}" "{format}"`},
		{"J20", steps.Then, `path "{path}" is "{value}"`},
		{"J21", steps.Then, `path "{path}" is "{value}" (with literal_eval)`},
		{"J22", steps.Then, `path "{path}" is JSON "{value}"`},
		{"J23", steps.Then, `path "{path}" is JSON equal to that from "{value}"`},
		{"J24", steps.Then, `path "{path}" is an integer "{value}"`},
		{"J25", steps.Then, `path "{path}" is any integer`},
		{"J26", steps.Then, `path "{path}" is a float "{value}"`},
		{"J27", steps.Then, `path "{path}" is any float`},
		{"J28", steps.Then, `path "{path}" is any bool`},
		{"J29", steps.Then, `path "{path}" is a list "{value}"`},
		{"J30", steps.Then, `path "{path}" is empty`},
		{"J31", steps.Then, `path "{path}" is not empty`},
		{"J32", steps.Then, `path "{path}" is not an empty list`},
		{"J33", steps.Then, `path "{path}" is one of "{value}"`},
		{"J34", steps.Then, `path "{path}" is not one of "{value}"`},
		{"J35", steps.Then, `path "{path}" is a BASE32 Crockford, checksum "{checksum}"`},
		{"J36", steps.Then, `path "{path}" is True`},
		{"J37", steps.Then, `path "{path}" is False`},
		{"J38", steps.Then, `path "{path}" is null`},
		{"J39", steps.Then, `path "{path}" is an empty list`},
		{"J40", steps.Then, `path "{path}" is an empty dict`},
		{"J41", steps.Then, `path "{path}" is not a string "{value}"`},
		{"J42", steps.Then, `JSON response exists`},
		{"J43", steps.Then, `JSON response does not exist`},
		{"J44", steps.Then, `path "{path}" starts with "{value}"`},
		{"J45", steps.Then, `path "{path}" starts with any of "{value}"`},
		{"J46", steps.Then, `path "{path}" ends with "{value}"`},
		{"J47", steps.Then, `path "{path}" contains "{value}"`},
		{"J48", steps.Then, `path "{path}" contains data from "{value}"`},
		{"X1", steps.Given, `namespace prefix "{prefix}" of "{namespace}"`},
		{"X2", steps.Given, `SOAP action "{value}"`},
		{"X3", steps.Given, `XPath "{xpath}" in request is "{value}"`},
		{"X4", steps.Given, `XPath "{xpath}" in request is a random string`},
		{"X5", steps.Given, `XPath "{xpath}" in request is a random integer`},
		{"X6", steps.Given, `XPath "{xpath}" in request is a random float`},
		{"X7", steps.Given, `XPath "{xpath}" in request is a random date "{format}"`},
		{"X8", steps.Given, `XPath "{xpath}" in request is now "{format}"`},
		{"X9", steps.Given, `XPath "{xpath}" in request is UTC now "{format}"`},
		{"X10", steps.Given, `XPath "{xpath}" in request is a random date after "{date_start}" "{format}"`},
		{"X11", steps.Given, `XPath "{xpath}" in request is a random date before "{date_end}" "{format}"`},
		{"X12", steps.Given, `XPath "{xpath}" in request is a random date between "{date_start}" and "{date_end}" "{format}"`},
		{"X13", steps.Given, `XPath "{xpath}" in request is one of "{value}"`},
		{"X14", steps.Then, `XPath "{elem}" is "{value}"`},
		{"X15", steps.Then, `XPath "{elem}" is an integer "{value}"`},
		{"X16", steps.Then, `XPath "{elem}" is a float "{value}"`},
		{"X17", steps.Then, `XPath "{elem}" is empty`},
		{"X18", steps.Then, `XPath "{elem}" is not empty`},
		{"X19", steps.Then, `XPath "{elem}" is one of "{value}"`},
		{"X20", steps.Then, `XPath "{elem}" is not one of "{value}"`},
		{"Z1", steps.Given, `I store "{cluster_id}" "{url_path}" "{username}" "{password}" under Zato "{conn_name}"`},
		{"Z2", steps.When, `I upload a Zato service from "{module_path}" to "{conn_name}"`},
		{"Z3", steps.Given, `I use Zato WSX`},
		{"Z4", steps.Given, `I connect to a Zato WSX channel without credentials`},
		{"Z5", steps.Given, `I close WSX connection`},
		{"Z6", steps.Then, `WSX client is authenticated`},
		{"Z7", steps.Then, `WSX client is disconnected`},
		{"Z8", steps.Given, `Zato WebSockets service "{service}"`},
		{"S1", steps.Given, `I connect to "{sqlalchemy_url}" as "{conn_name}"`},
		{"S2", steps.Given, `I store "{sql}" query result under "{name}", using "{conn_name}"`},
		{"S3", steps.Then, `SQL "{sql}" is equal to "{value}", using "{conn_name}"`},
		{"S4", steps.Then, `I disconnect from SQL "{conn_name}"`},
		{"S5", steps.Given, `I store filter "{colname}" is "{sign}" "{colvalue}" "{operator}" under "{name}"`},
		{"S6", steps.Then, `I insert "{values}" into "{columns}" of SQL table "{tablename}", using "{conn_name}"`},
		{"S7", steps.Then, `I update "{columns}" of SQL table "{tablename}" set "{values}" filter by "{criterion}", using "{conn_name}"`},
		{"S8", steps.Then, `I delete from SQL table "{tablename}" where "{criterion}", using "{conn_name}"`},
		{"S9", steps.Then, `I insert data from csv "{filename}" to SQL table "{tablename}", using "{conn_name}"`},
		{"S10", steps.Then, `I create SQL table "{tablename}" and insert data from csv "{filename}", using "{conn_name}"`},
		{"S11", steps.Then, `I create SQL table "{tablename}" and insert data from csv "{filename}", using "{conn_name}" and names, data types from the header`},
		{"S12", steps.Then, `I create SQL table "{tablename}" and insert data from csv "{filename}", using "{conn_name}",     names from the header and data types from the line below`},
		{"K1", steps.Given, `Cassandra contact points "{contact_points}"`},
		{"K2", steps.Given, `Cassandra protocol version "{protocol_version}"`},
		{"K3", steps.Given, `Cassandra port "{port}"`},
		{"K4", steps.Given, `I connect to keyspace "{keyspace}" as "{conn_name}"`},
		{"K5", steps.Given, `I store CQL query result "{cql}" under "{name}", using "{conn_name}", idx "{idx}"`},
		{"K6", steps.Given, `I insert data from CSV "{filename}" to Cassandra table "{tablename}", using "{conn_name}"`},
		{"K7", steps.Then, `I disconnect from Cassandra "{conn_name}"`},
		{"K8", steps.Then, `I insert "{values}" into "{columns}" of Cassandra table "{tablename}", using "{conn_name}"`},
		{"K9", steps.Then, `I update "{columns}" of Cassandra table "{tablename}" set "{values}" filter by "{criterion}", using "{conn_name}"`},
		{"K10", steps.Then, `I delete from Cassandra table "{tablename}" where "{criterion}", using "{conn_name}"`},
		{"E1", steps.Given, `I store a format string "{value}" under "{name}"`},
		{"E2", steps.Given, `I store UTC now under "{name}" "{format}"`},
		{"E3", steps.Then, `path "{path}" is base64 JSON which pointer "{path2}" has "{value}"`},
		{"E4", steps.Then, `path "{path}" is not an empty list`},
	}
}

// zatoNewest are the phrases that zato-apitest 24.10 has beside them (N).
func zatoNewest() []zatoPhrase {
	return []zatoPhrase{
		{"N1", steps.Given, `REST method "{method}"`},
		{"N2", steps.Given, `form field "{name}" is "{value}"`},
		{"N3", steps.Given, `path "{path}" in request is a UUID4`},
		{"N4", steps.Then, `path "{path}" is a uuid`},
		{"N5", steps.Then, `path "{path}" is any string`},
		{"N6", steps.Given, `OAuth2 endpoint "{address}"`},
		{"N7", steps.Given, `OAuth2 credentials "{username}" "{password}"`},
		{"N8", steps.Given, `OAuth2 scopes "{scopes}"`},
		{"N9", steps.Given, `OAuth2 grant type "{grant_type}"`},
		{"N10", steps.Given, `OAuth2 extra fields "{extra_fields}"`},
		{"N11", steps.Given, `OAuth2 client ID field "{client_id_field}"`},
		{"N12", steps.Given, `OAuth2 client secret field "{client_secret_field}"`},
		{"N13", steps.Given, `OAuth2 request format "{request_format}"`},
		{"N14", steps.Given, `I store an OAuth2 bearer token under "{name}"`},
		{"N15", steps.Given, `OAuth2 bearer token "{token}"`},
		{"N16", steps.Then, `OAuth2 context is cleaned up`},
		{"N17", steps.When, `this scenario is invoked`},
		{"N18", steps.When, `this step is invoked`},
		{"N19", steps.Then, `I proceed further`},
		{"N20", steps.Then, `context is logged`},
		{"N21", steps.Then, `variable "{variable}" is any string`},
		{"N22", steps.Then, `variable "{variable}" is any integer`},
		{"N23", steps.Then, `variable "{variable}" is any float`},
		{"N24", steps.Then, `variable "{variable}" is any Boolean`},
		{"N25", steps.Then, `variable "{variable}" is any list`},
		{"N26", steps.Then, `variable "{variable}" is any dict`},
		{"N27", steps.Then, `variable "{variable}" is any UUID4`},
	}
}

// in112 is the phrase in the words of 1.12.
func (p zatoPhrase) in112() string {
	text := p.text
	if rest, is := strings.CutPrefix(text, "path "); is {
		text = "JSON Pointer " + rest
	}
	return strings.NewReplacer(" is not ", " isn't ", " does not ", " doesn't ").Replace(text)
}

var placeholders = regexp.MustCompile(`\{\w+\}`)

// sameStep is a pattern whose placeholders have no names, in one of the wordings.
func sameStep(pattern string) string {
	pattern = placeholders.ReplaceAllString(strings.Replace(pattern, "JSON Pointer ", "path ", 1), "{}")
	return strings.NewReplacer(" isn't ", " is not ", " doesn't ", " does not ").Replace(pattern)
}

// said is a line that says a phrase; every value in it has signs that mean something elsewhere.
func said(pattern string) string { return placeholders.ReplaceAllString(pattern, `a "b, under c`) }

// TestEveryPhraseOfZato holds that each phrase, in the words of 1.13 and of 1.12, in any case, means the step that has
// just these words, after its own keyword and no other.
func TestEveryPhraseOfZato(t *testing.T) {
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)
	count := map[byte]int{}
	for _, p := range slices.Concat(zatoPhrases(), zatoNewest()) {
		count[p.number[0]]++
		for _, text := range []string{p.text, p.in112()} {
			t.Run(p.number+" "+text, func(t *testing.T) {
				for _, line := range []string{said(text), strings.ToUpper(said(text)), strings.ToLower(said(text))} {
					found, err := v.Lookup(p.kind, line)
					require.NoError(t, err, line)
					assert.True(t, strings.EqualFold(sameStep(p.text), sameStep(found.Pattern)), "%s means %s", line, found.Pattern)
				}
				for _, kind := range []steps.Kind{steps.Given, steps.When, steps.Then} {
					if kind == p.kind {
						continue
					}
					_, err := v.Lookup(kind, said(text))
					assert.Error(t, err, "%s %s", kind, text)
				}
				for _, line := range []string{" " + said(text), said(text) + " ", said(text) + " x", "x " + said(text), strings.Replace(said(text), " ", "  ", 1)} {
					_, err := v.Lookup(p.kind, line)
					assert.Error(t, err, "the whole line must match: %q", line)
				}
				if at := placeholders.FindStringIndex(text); at != nil {
					_, err := v.Lookup(p.kind, said(text[:at[0]]+text[at[1]:]))
					assert.Error(t, err, "an empty value never matches")
				}
			})
		}
	}
	assert.Equal(t, map[byte]int{'C': 50, 'J': 48, 'X': 20, 'Z': 8, 'S': 12, 'K': 10, 'E': 4, 'N': 27}, count, "phrases by topic")
}

// TestAProjectSaysEveryPhraseOfZato looks up every step of testdata/zato/phrases, a project in zato-apitest's layout, as
// apitest run --dry-run does: none is undefined, and each phrase is said in each of its wordings.
func TestAProjectSaysEveryPhraseOfZato(t *testing.T) {
	found, err := project.Find("testdata/zato/phrases")
	require.NoError(t, err)
	require.True(t, found.Zato)
	done, err := run.Features(t.Context(), run.Options{Paths: found.Features, DryRun: true, Steps: steps.Options{Root: found.Root, State: steps.PerFeature}})
	require.NoError(t, err)
	require.Empty(t, done.Faults)
	v, err := steps.NewVocabulary(steps.Table())
	require.NoError(t, err)

	for file, phrases := range map[string][]zatoPhrase{"every-1.12.feature": zatoPhrases(), "every-1.13.feature": zatoPhrases(), "newest-24.10.feature": zatoNewest()} {
		at := slices.IndexFunc(done.Features, func(f *report.Feature) bool { return filepath.Base(f.Path) == file })
		require.GreaterOrEqual(t, at, 0, file)
		said := map[string]bool{}
		for _, scenario := range done.Features[at].Scenarios {
			assert.Equal(t, report.Skipped, scenario.Status, "%s: %s", file, scenario.Name)
			for _, step := range scenario.Steps {
				require.NotEqual(t, report.Undefined, step.Status, "%s:%d: %s %s", file, step.Line, step.Keyword, step.Text)
				for _, kind := range []steps.Kind{steps.Given, steps.When, steps.Then} {
					if found, err := v.Lookup(kind, step.Text); err == nil && kind.String() == strings.TrimSpace(step.Keyword) {
						said[strings.ToLower(sameStep(found.Pattern))] = true
					}
				}
				old := strings.HasPrefix(step.Text, "JSON Pointer ") || strings.Contains(step.Text, "isn't") || strings.Contains(step.Text, "doesn't")
				young := strings.HasPrefix(step.Text, "path ") || strings.Contains(step.Text, " is not ") || strings.Contains(step.Text, " does not ")
				assert.False(t, old && file != "every-1.12.feature" || young && file == "every-1.12.feature", "%s:%d is in other words: %s", file, step.Line, step.Text)
			}
		}
		for _, p := range phrases {
			assert.True(t, said[strings.ToLower(sameStep(p.text))], "%s does not say %s %s", file, p.number, p.text)
		}
	}
}
