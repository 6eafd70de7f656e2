package kind_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
)

type embedding struct {
	Embedded
	Host    string        `json:"host" kind:"required" doc:"where to"`
	Port    int           `json:"port" doc:"of the host"`
	Timeout kind.Duration `json:"timeout" doc:"how long"`
	Tags    []string      `json:"tags"`
}

// Embedded is what several kinds share.
type Embedded struct {
	IsActive bool `json:"is_active" doc:"switched on"`
}

func (e embedding) Check() kind.Faults {
	var f kind.Faults
	if e.Host == "" {
		f.Add("host", "missing")
	}
	return f
}

func TestDecode(t *testing.T) {
	def := embedding{Embedded: Embedded{IsActive: true}, Port: 80, Timeout: kind.Seconds(10)}
	c, err := kind.Decode([]byte(`{"host":"h","timeout":"500ms","tags":["a"]}`), def)
	require.NoError(t, err)
	assert.Equal(t, embedding{Embedded: Embedded{true}, Host: "h", Port: 80, Timeout: kind.Duration(500 * time.Millisecond), Tags: []string{"a"}}, c)
	canonical, err := json.Marshal(c)
	require.NoError(t, err)
	assert.JSONEq(t, `{"is_active":true,"host":"h","port":80,"timeout":0.5,"tags":["a"]}`, string(canonical))
}

func TestDecodeNamesEveryFault(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{`[]`, `expected an object of keys and values`},
		{`{}`, `host: missing`},
		{
			`{"hots":"h","port":"80","timeout":"soon","is_active":1,"tags":[1]}`,
			`hots: unknown key; did you mean "host"?; is_active: expected true or false, not 1; port: expected an integer, not "80"; ` +
				`tags: expected a list of text, not [1]; timeout: expected seconds or a text such as "500ms", not "soon": time: invalid duration "soon"`,
		},
		{`{"host":"h","timeout":-1}`, `timeout: expected seconds or a text such as "500ms", not -1: it is negative`},
		{`{"host":"h","qwertyuiop":1}`, `qwertyuiop: unknown key; known keys are host, is_active, port, tags, timeout`},
	} {
		_, err := kind.Decode([]byte(tt.raw), embedding{})
		require.Error(t, err)
		assert.IsType(t, kind.Faults{}, err)
		assert.Equal(t, tt.want, err.Error())
	}
}

func TestDescribe(t *testing.T) {
	assert.Equal(t, []kind.Field{
		{Name: "is_active", Type: "true or false", Default: "true", Doc: "switched on"},
		{Name: "host", Type: "text", Doc: "where to"},
		{Name: "port", Type: "an integer", Default: "80", Doc: "of the host"},
		{Name: "timeout", Type: `seconds or a text such as "500ms"`, Default: "10", Doc: "how long"},
		{Name: "tags", Type: "a list of text", Default: "null"},
	}, kind.Describe(embedding{Embedded: Embedded{IsActive: true}, Port: 80, Timeout: kind.Seconds(10)}))
}

// choosing has other choices of what it embeds than that says.
type choosing struct {
	Chosen
	Size int `json:"size" choices:"1,2"`
}

// Chosen is embedded by choosing.
type Chosen struct {
	Format  string   `json:"format" choices:"json,xml,"`
	Partner []string `json:"partners" names:"security"`
}

func (choosing) Choices() map[string][]string { return map[string][]string{"format": {"xml"}} }

func TestDescribeTellsWhatThereIsToChoose(t *testing.T) {
	assert.Equal(t, []kind.Field{
		{Name: "format", Type: "text", Default: `""`, Choices: []string{"json", "xml", ""}},
		{Name: "partners", Type: "a list of text", Default: "null", Names: "security"},
	}, kind.Describe(Chosen{}))
	got := kind.Describe(choosing{})
	assert.Equal(t, []string{"xml"}, got[0].Choices)
	assert.Equal(t, []string{"1", "2"}, got[2].Choices)
}

// One object's lists and maps must not become another's defaults.
func TestDecodeLeavesDefaultsAlone(t *testing.T) {
	type config struct {
		Names []string          `json:"names"`
		Texts map[string]string `json:"texts"`
	}
	def := config{Names: []string{"a", "b"}, Texts: map[string]string{"k": "v"}}
	got, err := kind.Decode([]byte(`{"names": ["x"], "texts": {"y": "z"}}`), def)
	require.NoError(t, err)
	assert.Equal(t, config{Names: []string{"x"}, Texts: map[string]string{"y": "z"}}, got)
	assert.Equal(t, config{Names: []string{"a", "b"}, Texts: map[string]string{"k": "v"}}, def)
}
