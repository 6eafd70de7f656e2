package ongodog_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/cucumber/godog"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/ongodog"
)

func ExampleSteps_Register() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"name": "Sean"}`))
	}))
	defer server.Close()
	_ = os.Setenv("EXAMPLE_ADDRESS", server.URL)

	suite := steps.New(steps.Options{})
	defer func() { _ = suite.Close() }()
	all := ongodog.New(suite)
	defer func() { _ = all.Close() }()
	code := godog.TestSuite{
		ScenarioInitializer: func(sc *godog.ScenarioContext) {
			all.Register(sc)
			sc.Step(`^a step of your own$`, func() error { return nil })
		},
		Options: &godog.Options{
			Strict: true, Format: "progress", Output: io.Discard,
			FeatureContents: []godog.Feature{{Name: "names.feature", Contents: []byte(`
Feature: Names
  Scenario: Sean is there
    Given address "$EXAMPLE_ADDRESS"
    And format "JSON"
    And a step of your own
    When the URL is invoked
    Then JSON Pointer "/name" is "Sean"
`)}},
		},
	}.Run()
	fmt.Println("exit code", code)
	// Output: exit code 0
}
