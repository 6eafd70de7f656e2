package steps_test

import (
	"fmt"

	"github.com/parley-run/parley/steps"
)

func ExampleVocabulary_Bind() {
	v, err := steps.NewVocabulary(steps.Table())
	if err != nil {
		panic(err)
	}
	_, err = v.Bind(steps.When, "the URL is invokd")
	fmt.Println(err)
	// Output:
	// no step reads like "the URL is invokd"
	// did you mean: When the URL is invoked
	//               When this scenario is invoked
	//               When this step is invoked
}
