package ongodog_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/cucumber/godog"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/ongodog"
)

// A suite of godog with steps of its own gets all steps of apitest beside them, and typed ones of one's own.
func ExampleSteps_Register() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"name": "Sean", "points": 700}`))
	}))
	defer server.Close()

	suite := steps.New(steps.Options{
		User: map[string]any{"crm": server.URL}, // Given address "@crm"
		Extra: []steps.Step{{
			Kinds: []steps.Kind{steps.Then}, Pattern: `the customer has {count} points`, Reply: true,
			Func: func(w *steps.World, count int) error {
				var customer struct{ Points int }
				if err := w.Reply().JSON(&customer); err != nil {
					return err
				}
				if customer.Points != count {
					return &steps.Failure{What: "the points differ", Expected: fmt.Sprint(count), Got: fmt.Sprint(customer.Points)}
				}
				return nil
			},
		}},
	})
	defer func() { _ = suite.Close() }()
	all := ongodog.New(suite)
	defer func() { _ = all.Close() }()

	code := godog.TestSuite{
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			all.Register(sc)
			sc.Given(`^the shop is open$`, func() error { return nil }) // as in any suite of godog
		},
		Options: &godog.Options{
			Strict: true, Format: "progress", Output: io.Discard,
			FeatureContents: []godog.Feature{{Name: "customers.feature", Contents: []byte(`
Feature: Customers
  Scenario: Sean is there
    Given the shop is open
    And address "@crm"
    And format "JSON"
    When the URL is invoked
    Then JSON Pointer "/name" is "Sean"
    And the customer has 700 points
`)}},
		},
	}.Run()
	fmt.Println("exit code", code)
	// Output: exit code 0
}
