package run_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing/fstest"

	"github.com/parley-run/parley/steps"
	"github.com/parley-run/parley/steps/report"
	"github.com/parley-run/parley/steps/run"
)

const customer = `Feature: Customers
  Scenario: Sean is there
    Given address "$CUSTOMERS"
    And format "JSON"
    When the URL is invoked
    Then JSON Pointer "/name" is "Sean"
`

func customers() *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"name": "Sean"}`)) }))
	_ = os.Setenv("CUSTOMERS", s.URL)
	return s
}

func ExampleFeatures() {
	server := customers()
	defer server.Close()
	done, err := run.Features(context.Background(), run.Options{
		Paths: []string{"."}, FS: fstest.MapFS{"customers.feature": {Data: []byte(customer)}},
	})
	fmt.Println(done.Passed(), done.Scenarios().Passed, err)
	// Output: true 1 <nil>
}

func ExampleCompile() {
	server := customers()
	defer server.Close()
	files := fstest.MapFS{"customers.feature": {Data: []byte(customer)}}
	suite := steps.New(steps.Options{FS: files})
	defer func() { _ = suite.Close() }()
	scenarios, err := run.Compile(suite, run.Options{Paths: []string{"."}, FS: files})
	if err != nil {
		panic(err)
	}
	file := suite.File("customers.feature")
	defer func() { _ = file.Close() }()
	var users sync.WaitGroup
	var passed atomic.Int32
	for range 8 {
		users.Go(func() {
			for range 10 {
				w, err := file.Begin(context.Background(), scenarios[0].Name())
				if err != nil {
					panic(err)
				}
				if scenarios[0].Run(context.Background(), w).Status == report.Passed {
					passed.Add(1)
				}
				_ = w.End()
			}
		})
	}
	users.Wait()
	fmt.Println(passed.Load(), "passed")
	// Output: 80 passed
}
