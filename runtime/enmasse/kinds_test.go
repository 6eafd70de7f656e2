package enmasse_test

import (
	"encoding/json"
	"fmt"

	"github.com/parley-run/parley/runtime/catalog"
	"github.com/parley-run/parley/runtime/kind"
)

// testKinds are two kinds as node's table makes them.
type testKinds struct{}

type restConfig struct {
	IsActive bool              `json:"is_active"`
	Service  string            `json:"service" kind:"required"`
	Method   []string          `json:"method"`
	Timeout  kind.Duration     `json:"timeout"`
	MaxBody  int64             `json:"max_body"`
	Ratio    float64           `json:"ratio"`
	Note     string            `json:"note"`
	Header   map[string]string `json:"header"`
	Retry    retry             `json:"retry"`
}

type retry struct {
	Count int    `json:"count"`
	On    string `json:"on"`
}

func (c restConfig) Check() kind.Faults {
	var faults kind.Faults
	if c.Service == "" {
		faults.Add("service", "missing; name the service")
	}
	for i, m := range c.Method {
		if m != "GET" && m != "POST" {
			faults.Add(fmt.Sprintf("method[%d]", i), "unknown method %q", m)
		}
	}
	if c.Retry.Count < 0 {
		faults.Add("retry.count", "expected 0 or more, not %d", c.Retry.Count)
	}
	return faults
}

type zmqConfig struct {
	Address string `json:"address" kind:"required"`
	Queue   int64  `json:"queue_size"`
}

func (testKinds) Names() []string { return []string{"channel_rest", "outgoing_zmq"} }

func (testKinds) Parse(kindName string, raw []byte) ([]byte, error) {
	switch kindName {
	case "channel_rest":
		return canonical(kind.Decode(raw, restConfig{IsActive: true, Timeout: kind.Seconds(30), MaxBody: 1 << 20}))
	case "outgoing_zmq":
		return canonical(kind.Decode(raw, zmqConfig{Queue: 10000}))
	default:
		return nil, fmt.Errorf("no kind %q", kindName)
	}
}

// Settle seals nothing: these kinds hold no secrets.
func (testKinds) Settle(_ catalog.Key, spec []byte, _ *catalog.Object) ([]byte, error) {
	return spec, nil
}

func (testKinds) Secrets(string) []string { return nil }

func canonical[C any](c C, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(c)
}
