package figures

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVerdicts(t *testing.T) {
	for _, row := range []struct {
		name   string
		figure Figure
		met    bool
		says   string
	}{
		{"at least, above", Of("a", "ratio", 0.91, "").AtLeast(0.85), true, "target >= 0.85  met"},
		{"at least, on it", Of("a", "ratio", 0.85, "").AtLeast(0.85), true, "target >= 0.85  met"},
		{"at least, below", Of("a", "ratio", 0.849, "").AtLeast(0.85), false, "target >= 0.85  NOT MET"},
		{"at most, below", Of("a", "time", 4.9, "ms").AtMost(5), true, "target <= 5 ms  met"},
		{"at most, above", Of("a", "time", 5.1, "ms").AtMost(5), false, "target <= 5 ms  NOT MET"},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.NotNil(t, row.figure.Met)
			assert.Equal(t, row.met, *row.figure.Met)
			assert.Contains(t, row.figure.line(), row.says)
		})
	}
	assert.NotContains(t, Of("a", "for information", 1, "").line(), "target")
}

func TestMedianOfHasQuartiles(t *testing.T) {
	f := Median("a", "time", []float64{4, 1, 3, 2, 5, 6, 7, 8}, "ms")
	assert.InDelta(t, 4.5, f.Value, 0)
	assert.InDelta(t, 2, *f.Low, 0)
	assert.InDelta(t, 6, *f.High, 0)
	assert.Contains(t, f.line(), "4.50 ms  [2.00 to 6.00]")
}

func TestReport(t *testing.T) {
	s := Section{
		Name: "deploy", Title: "a file",
		Figures: []Figure{Of("deploy.a", "fast", 1, "ms").AtMost(5), Of("deploy.b", "slow", 31, "ms").AtMost(30), Of("deploy.c", "other", 3, "ms")},
		Notes:   []string{"by the way"},
	}
	r := &Report{Go: "go1.26", System: "linux/amd64", CPUs: 2, Sections: []Section{s}}
	var text bytes.Buffer
	r.WriteHead(&text)
	s.Write(&text)
	r.WriteFoot(&text)
	assert.Contains(t, text.String(), "go1.26, linux/amd64, 2 CPUs")
	assert.Contains(t, text.String(), "\ndeploy: a file\n  fast ")
	assert.Contains(t, text.String(), "\n  * by the way\n")
	assert.Contains(t, text.String(), "\n1 of 2 targets met.\n")

	var raw bytes.Buffer
	require.NoError(t, r.WriteJSON(&raw))
	var back Report
	require.NoError(t, json.Unmarshal(raw.Bytes(), &back))
	assert.Equal(t, *r, back)
}

func TestNumber(t *testing.T) {
	for value, want := range map[float64]string{0.042: "0.042", 0.9: "0.900", 1.5: "1.50", 12.34: "12.3", 137: "137", 10436: "10436", 0: "0.000"} {
		assert.Equal(t, want, number(value))
	}
}
