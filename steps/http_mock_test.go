package steps_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

const customerStubs = `stubs:
  - method: GET
    path: /customers/123
    json: {"name": "Sean"}
  - method: POST
    path: /customers
    status: 201
`

// runFeature runs one feature file beside the stubs of two mocks, and gives what became of it.
func runFeature(t *testing.T, state steps.State, text string) *report.Run {
	t.Helper()
	done, err := run.Features(t.Context(), run.Options{
		Paths: []string{"a.feature"}, Steps: steps.Options{State: state},
		FS: fstest.MapFS{
			"a.feature":            {Data: []byte(text)},
			"mocks/customers.yaml": {Data: []byte(customerStubs)},
			"mocks/orders.yaml":    {Data: []byte("stubs: [{path: /orders, body: none}]")},
			"mocks/wrong.yaml":     {Data: []byte("stubs:\n  - path: x\n")},
		},
	})
	require.NoError(t, err)
	return done
}

// failures are what the steps that failed say, in order.
func failures(done *report.Run) []string {
	var out []string
	for _, f := range done.Features {
		for _, s := range f.Scenarios {
			if step := s.Failing(); step != nil {
				out = append(out, step.Failure.Text())
			}
		}
	}
	return out
}

const mockedFeature = `Feature: An HTTP mock
  Background:
    Given an HTTP mock from "mocks/customers.yaml"
    And address "#MOCK_ADDRESS"
    And format "JSON"

  Scenario: It answers from its stubs
    Given URL path "/customers/123"
    When the URL is invoked
    Then JSON Pointer "/name" is "Sean"
    And the HTTP mock received 1 request
    And no unexpected call was received

  Scenario: It begins anew in each scenario
    Then the HTTP mock received 0 requests
    And the HTTP received 0 requests

  Scenario: What it received can be looked at
    Given URL path "/customers"
    And HTTP method "POST"
    And request is "{"name": "Ann"}"
    When the URL is invoked
    Then status is "201"
    And the HTTP mock received 1 request
    And its request has JSON Pointer "/name" "Ann"

  Scenario: It behaves as one says
    Given URL path "/customers/123"
    And HTTP method "GET"
    And the HTTP mock answers with status "503"
    When the URL is invoked
    Then status is "503"
    Given the HTTP mock answers as usual
    When the URL is invoked
    Then status is "200"

  Scenario: Two at once
    Given an HTTP mock from "mocks/orders.yaml" called "Order desk"
    And address "#ORDER_DESK_ADDRESS"
    And format "RAW"
    And URL path "/orders"
    And HTTP method "GET"
    When the URL is invoked
    Then response is equal to "none"
    And the order desk received 1 request
    And the HTTP mock received 0 requests
`

func TestHTTPMock(t *testing.T) {
	for name, state := range map[string]steps.State{"state per scenario": steps.PerScenario, "state per feature": steps.PerFeature} {
		t.Run(name, func(t *testing.T) {
			done := runFeature(t, state, mockedFeature)
			assert.Empty(t, failures(done))
			assert.Equal(t, 5, done.Scenarios().Passed)
		})
	}
}

func TestHTTPMockOutlivesACleanUp(t *testing.T) {
	done := runFeature(t, steps.PerScenario, `Feature: a
  Scenario: b
    Given an HTTP mock from "mocks/customers.yaml"
    Then context is cleaned up
    And the HTTP mock received 0 requests
`)
	assert.Empty(t, failures(done))
}

func TestHTTPMockFaults(t *testing.T) {
	rows := []struct{ name, lines, want string }{
		{"no such file", `Given an HTTP mock from "mocks/none.yaml"`, `no file "mocks/none.yaml": looked for mocks/none.yaml`},
		{"a fault in the file", `Given an HTTP mock from "mocks/wrong.yaml"`, `mocks/wrong.yaml:2:11: path "x" must begin with /`},
		{"a blank name", `Given an HTTP mock from "mocks/orders.yaml" called " "`, "the name of a mock must have a letter"},
		{"no mock", `Then the CRM received 1 request`, `there are no mocks; start one with: Given an HTTP mock from "mocks/customers.yaml"`},
		{"another mock", "Given an HTTP mock from \"mocks/orders.yaml\"\nThen the CRM received 1 request", `no mock is called "CRM"; there are HTTP`},
		{
			"an unexpected call", "Given an HTTP mock from \"mocks/orders.yaml\"\nAnd address \"#MOCK_ADDRESS\"\nWhen the URL is invoked\nThen no unexpected call was received",
			`HTTP received GET /; nearest stub: "/orders"`,
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			done := runFeature(t, steps.PerScenario, "Feature: a\n  Scenario: b\n    "+strings.ReplaceAll(row.lines, "\n", "\n    ")+"\n")
			said := failures(done)
			require.Len(t, said, 1)
			assert.Contains(t, said[0], row.want)
		})
	}
}
