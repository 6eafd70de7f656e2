package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-run/parley/bench"
)

// loadShapeSteps declare loads of other shapes than a steady rate.
func loadShapeSteps() []Step {
	shape := func(pattern, doc, example string, make func(numbers []float64) bench.PhaseSpec) Step {
		s := when(pattern, doc+" Otherwise as above.", example, func(ctx context.Context, w *World, a Args) error {
			var numbers []float64
			for i := range len(a.values) {
				n, err := a.Float(i)
				if err != nil {
					return err
				}
				numbers = append(numbers, n)
			}
			return w.declare(ctx, func(p *bench.Profile) error {
				p.Phases = []bench.PhaseSpec{make(numbers)}
				return nil
			})
		})
		s.plans = true
		return s
	}
	span := func(seconds float64) bench.Duration { return bench.Duration(spanOf(seconds)) }
	file := when(`I send the load of "{file}"`,
		"Declares the load of a profile as `apitest bench run` takes it: its shape, its requests and its feeders; the file is found beside the feature. "+
			"It goes to the address that steps name, and what happens meanwhile is said by lines that follow.", `I send the load of "morning.yaml"`, declareFile)
	file.plans = true
	return []Step{
		shape(`I send {rate} to {rate} requests per second over {seconds} second(s)`, "Declares a load whose rate goes evenly from one to the other.",
			`I send 10 to 200 requests per second over 20 seconds`, func(n []float64) bench.PhaseSpec {
				return bench.PhaseSpec{From: &n[0], To: &n[1], Duration: span(n[2])}
			}),
		shape(`I send {rate} to {rate} requests per second in {count} steps over {seconds} second(s)`, "Declares a load whose rate goes from one to the other in steps of one length.",
			`I send 50 to 200 requests per second in 4 steps over 20 seconds`, func(n []float64) bench.PhaseSpec {
				return bench.PhaseSpec{From: &n[0], To: &n[1], Steps: int(n[2]), Duration: span(n[3])}
			}),
		shape(`I send {rate} requests per second for {seconds} second(s), with a peak of {rate} for {seconds} second(s)`,
			"Declares a load with a peak in its middle.", `I send 100 requests per second for 20 seconds, with a peak of 1000 for 2 seconds`, func(n []float64) bench.PhaseSpec {
				return bench.PhaseSpec{Rate: n[0], Duration: span(n[1]), Peak: n[2], PeakFor: span(n[3])}
			}),
		shape(`I send {rate} requests per second for {seconds} second(s), {rate} more and less each {seconds} second(s)`,
			"Declares a load whose rate swings around its mean, as a sine.", `I send 100 requests per second for 60 seconds, 50 more and less each 20 seconds`, func(n []float64) bench.PhaseSpec {
				return bench.PhaseSpec{Rate: n[0], Duration: span(n[1]), Swing: n[2], Period: span(n[3])}
			}),
		shape(`{count} user(s) send requests for {seconds} second(s)`,
			"Declares a load of users each of whom waits for the answer before the next request: the slower the answers, the fewer requests.",
			`20 users send requests for 10 seconds`, func(n []float64) bench.PhaseSpec {
				return bench.PhaseSpec{Users: int(n[0]), Duration: span(n[1])}
			}),
		file,
	}
}

func declareFile(ctx context.Context, w *World, a Args) error {
	text, found, err := w.read(a.Text(0))
	if err != nil {
		return err
	}
	read := bench.ReadProfile
	if w.suite.options.FS != nil { // then what it names is not there either
		read = func(name string) (bench.Profile, error) { return bench.ParseProfile(name, text) }
	}
	p, err := read(found)
	if err != nil {
		return err
	}
	if len(p.Events) > 0 {
		return fmt.Errorf("%s has events; in a feature, lines after this one say what happens: And 5 seconds in, server 1 is killed", a.Text(0))
	}
	if p.Log != nil {
		return fmt.Errorf(`%s says where the service records numbers; in a feature, a line before this one does: Given request numbers are recorded in the Redis list "%s"`,
			a.Text(0), p.Log.KVDBList)
	}
	return w.declare(ctx, func(to *bench.Profile) error {
		*to = p
		return nil
	})
}

// assertKeepsTo holds an expectation of profiles against the load.
func assertKeepsTo(_ context.Context, w *World, a Args) error {
	l, err := w.ranLoad()
	if err != nil {
		return err
	}
	v, err := l.result.Holds(a.Text(0))
	switch {
	case err != nil:
		return errors.New(err.Error()) // what is wrong is with the step
	case !v.OK:
		return l.failure(&Failure{What: "the load", Expected: v.Text, Got: v.Got})
	}
	return nil
}
