package steps_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps"
)

func TestMaskTakesSecretsOutInAllForms(t *testing.T) {
	const secret = `p&ss "w/rd+<ö>`
	m := &steps.Mask{}
	m.Named("db_password", secret)
	m.Named("customer", "Sean")
	m.Named("pin_password", "ab") // too short to be told from other text
	rows := []struct{ name, text, want string }{
		{"as it is", "x " + secret + " y", "x *** y"},
		{"in a query", "?p=" + url.QueryEscape(secret) + "&q=1", "?p=***&q=1"},
		{"in a path", "/a/" + url.PathEscape(secret) + "/b", "/a/***/b"},
		{"in JSON", `{"p": "p&ss \"w/rd+<ö>"}`, `{"p": "***"}`},
		{"in JSON that escapes HTML", `{"p": "p\u0026ss \"w/rd+\u003cö\u003e"}`, `{"p": "***"}`},
		{"in XML", "<p>p&amp;ss &#34;w/rd+&lt;ö&gt;</p>", "<p>***</p>"},
		{"what is no secret", "Sean ab", "Sean ab"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) { assert.Equal(t, row.want, m.Text(row.text)) })
	}
	for _, user := range []string{"", "u", "us", "use", "user"} {
		encoded := base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
		assert.Contains(t, m.Text("Authorization: Basic "+encoded), "***")
		assert.Less(t, len(strings.ReplaceAll(m.Text(encoded), "***", "")), len(user)+8, "what is left tells no more than the user")
	}
}

func TestMaskKnowsNames(t *testing.T) {
	for _, name := range []string{"password", "DB_PASSWD", "api-key", "X-API-Key", "access_token", "client_secret", "Authorization", "credentials", "pwd"} {
		m := &steps.Mask{}
		m.Named(name, "hunter2")
		assert.Equal(t, "***", m.Text("hunter2"), name)
	}
	for _, name := range []string{"customer", "address", "keyboard", "passenger", "backpwdx"} {
		m := &steps.Mask{}
		m.Named(name, "hunter2")
		assert.Equal(t, "hunter2", m.Text("hunter2"), name)
	}
}

func TestMaskOfNothing(t *testing.T) {
	var m *steps.Mask
	assert.Equal(t, "x", m.Text("x"))
	assert.Equal(t, "x", (&steps.Mask{}).Text("x"))
}

func TestForeseenStepsAreInTheTable(t *testing.T) {
	var known []string
	for _, s := range steps.Table() {
		known = append(known, s.Pattern)
	}
	assert.Subset(t, known, steps.ForeseenPatterns(), "a step whose words have changed is looked for in vain")
}
