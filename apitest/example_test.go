package apitest_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parley-run/parley/apitest"
	"github.com/parley-run/parley/steps"
)

// shop is the API to test: order 7 costs 100 EUR before tax, and so does any other.
func shop() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"net": 100}`))
	}))
}

// costs is a step of one's own. The words in braces are its parameters, and Func takes them as what it asks for.
func costs() steps.Step {
	return steps.Step{
		Kinds:   []steps.Kind{steps.Then},
		Pattern: `the order costs "{amount}" EUR with {percent} percent VAT`,
		Reply:   true, // it looks at the reply
		Func: func(w *steps.World, amount, percent float64) error {
			var order struct{ Net float64 }
			if err := w.Reply().JSON(&order); err != nil {
				return err
			}
			if gross := order.Net * (1 + percent/100); math.Abs(gross-amount) >= 0.005 {
				return &steps.Failure{
					What:     "the order has another price",
					Expected: fmt.Sprintf("%.2f", amount),
					Got:      fmt.Sprintf("%.2f: net %.2f, and %g percent VAT", gross, order.Net, percent),
				}
			}
			return nil
		},
	}
}

// In a file that ends in _test.go, as the body of a test.
func ExampleRun() {
	var t *testing.T // the test's own: func TestShop(t *testing.T)

	server := shop()
	defer server.Close()
	apitest.Run(t, "testdata/shop", apitest.Options{
		Steps: []steps.Step{costs()},
		User:  map[string]any{"shop": server.URL}, // Given address "@shop"
	})
}

func ExampleFeatures() {
	server := shop()
	defer server.Close()
	done, err := apitest.Features(context.Background(), "testdata/shop", apitest.Options{
		Steps:    []steps.Step{costs()},
		User:     map[string]any{"shop": server.URL}, // Given address "@shop"
		Settings: map[string]string{"tags": "@smoke or @dear"},
	})
	if err != nil {
		panic(err)
	}
	for _, feature := range done.Features {
		for _, scenario := range feature.Scenarios {
			fmt.Println(scenario.Name, "-", scenario.Status)
			if step := scenario.Failing(); step != nil {
				fmt.Printf("%s:%d: %s\n", scenario.Path, step.Line, step.Text)
				fmt.Println(step.Failure.Why())
			}
		}
	}
	// Output:
	// An order has a price - passed
	// Order 7 is dear - passed
	// Order 8 is dear - failed
	// testdata/shop/features/orders.feature:18: the order costs "999.00" EUR with 19 percent VAT
	// the order has another price
	//   expected: 999.00
	//   got:      119.00: net 100.00, and 19 percent VAT
}
