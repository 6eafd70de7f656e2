package steps

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// words are secrets that stand in other texts by chance: values of three letters or less, and common words such as
// "secret" or "test". Masked everywhere they would make reports unreadable, and be told by that. They are masked where
// they are the whole value of something whose name tells: a header, a field of JSON, XML or a form, a part of a URL, a
// parameter of a step; and where they are the whole text, such as what was expected.
type words struct {
	names map[string]string // word to name
	held  *regexp.Regexp    // what holds one, with extra names; nil: holdsWord
}

func (w *words) add(text, name string) {
	if w.names == nil {
		w.names = map[string]string{}
	}
	w.names[text] = name
}

// The parts of what holds a word. Each group is a value.
const (
	telling  = `[\w.-]*(?:` + plainNames + `)[\w.-]*`
	quotable = `\\?["']?`

	heldByName    = telling + quotable + `\s*[:=]\s*\[?\s*(?:(?:basic|bearer|token|digest|apikey) )?` + quotable + `([^\s"'\\&#;,<>{}()\[\]]+)` // header, JSON, form, query
	heldByElement = `<(?:[\w.-]+:)?` + telling + `(?:\s[^<>]*)?>\s*([^\s<>]+)`
	heldByURL     = `://[^\s/@:"]*:([^\s/@"]+)@`
	heldByStep    = `"[^"\n]*` + telling + `[^"\n]*"(?: in request)?(?: is)? "([^"\n]+)"`
	heldByStore   = `"([^"\n]+)" under "[^"\n]*` + telling
	heldByBasic   = `(?:Basic Auth|OAuth2 credentials) "[^"\n]*" "([^"\n]+)"`
	heldByBearer  = `bearer token "([^"\n]+)"`
	heldByZato    = `" "([^"\n]+)" under Zato`

	plainNames = `passw|passphrase|passwd|pwd|secret|token|api.?key|apikey|credential|private.?key|authori[sz]ation|cookie`
)

var holdsWord = regexp.MustCompile(holding(nil))

// holding is what finds values whose names tell, with extra names beside those that do.
func holding(extra []string) string {
	all := strings.Join([]string{heldByName, heldByElement, heldByURL, heldByStep, heldByStore, heldByBasic, heldByBearer, heldByZato}, "|")
	names := plainNames
	for _, name := range extra {
		names += "|" + regexp.QuoteMeta(name)
	}
	return "(?i)" + strings.ReplaceAll(all, plainNames, names)
}

// find finds the words where they are masked, in the order of the text.
func (w *words) find(s string) []span {
	if len(w.names) == 0 {
		return nil
	}
	var out []span
	note := func(from, to int) {
		if name, there := w.names[s[from:to]]; there {
			out = append(out, span{from, to, name})
		}
	}
	if bare := strings.Trim(s, `"' `); len(bare) >= shortestAlone && s != "" {
		from := strings.Index(s, bare)
		note(from, from+len(bare))
	}
	held := cmp.Or(w.held, holdsWord)
	for at := 0; at < len(s); {
		found := held.FindStringSubmatchIndex(s[at:])
		if found == nil {
			break
		}
		next := found[0] + 1
		for i := 2; i < len(found); i += 2 {
			if found[i] >= 0 {
				note(at+found[i], at+found[i+1])
				next = max(next, found[i]) // a value may be the name of the next one
			}
		}
		at += next
	}
	slices.SortFunc(out, func(a, b span) int { return a.from - b.from })
	return out
}

// shortestAlone is the length from which a word is masked that is the whole text.
const shortestAlone = 3

// isCommon says whether a value is a word that people write in tests and APIs whether it is secret or not.
func isCommon(value string) bool {
	return strings.Contains(commonWords, " "+strings.ToLower(value)+" ")
}

// commonWords are those that are used as passwords, and are in names, messages and documents of APIs as well.
const commonWords = ` access accept account action active address admin administrator agent alice allow answer anonymous anything api
 apikey apitest application auth authentication authorization basic bearer body boolean bob build bundle cache cancel change changed changeme
 channel check client close cluster code command common config connect connection content cookie count create created credential
 credentials customer data database date debug default delete demo denied deny description details development digest disabled document dummy email
 empty enabled engine error example exists expected expires failed failure false feature field file filter first float format found
 friday global group guest guitar header hello hidden host https identity index info input integer internal invalid invoke item jane joe john
 json key keyboard language last level limit line list local localhost login logout manager master message method missing mock model monday name network
 none normal nothing null number object online open operator option order other output owner page parameter parley pass passed
 passphrase passwd password path pattern payment pending people permission phone pincode plain pointer policy port postgres print private
 product production profile protected proxy public query random read reader ready record redis refused remote reply report request required reset response
 result role root sample save scenario scheme schema scope search secret secure security sender server service session setting shared show sign
 simple source start state status step stop storage store string success summer sunday super support switch system table target
 task temp template temporary test tested tester testing tests text time timeout title token trace transfer true type undefined unknown update upload user
 username users valid value variable version video view visible wait warning welcome winter wrong zato `
