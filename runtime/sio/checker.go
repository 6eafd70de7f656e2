package sio

import (
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// Checker holds values against a shape, without any format: what Wrap does between decoding and encoding, and
// all that a call from one service to another needs. Safe for concurrent use.
type Checker struct {
	service       string
	input, output *structure // nil: none declared
	inputRepeated bool
	repeated      bool
	requestElem   string
	paramsOnly    bool
	secrets       []string
}

// NewChecker is a checker for the shape of that service, under the usual conventions.
func NewChecker(serviceName string, shape *service.Shape) *Checker {
	c := DefaultConventions()
	return c.NewChecker(serviceName, shape)
}

// NewChecker is a checker for the shape of that service; a nil shape has no fields. What Validate finds wrong
// with the shape becomes an error of every call.
func (c *Conventions) NewChecker(serviceName string, shape *service.Shape) *Checker {
	checker := &Checker{service: serviceName}
	if shape == nil {
		return checker
	}
	checker.inputRepeated, checker.repeated = shape.InputRepeated, shape.Repeated
	checker.requestElem, checker.paramsOnly = shape.RequestElem, shape.ParamsOnly
	if len(shape.Input) > 0 {
		checker.input = c.input(shape)
		checker.secrets = checker.input.secrets("")
	}
	if len(shape.Output) > 0 {
		checker.output = c.output(shape)
	}
	return checker
}

func (c *Conventions) input(shape *service.Shape) *structure {
	return (&compiler{conventions: c, asGiven: shape.AsGiven}).structure(shape.Input)
}

func (c *Conventions) output(shape *service.Shape) *structure {
	compile := compiler{conventions: c, asGiven: shape.AsGiven, skip: shape.SkipEmpty, force: shape.ForceEmpty}
	s := compile.structure(shape.Output)
	if shape.AllowEmptyRequired {
		for i := range s.fields {
			s.fields[i].required = false
		}
	}
	return s
}

// Secrets are the input fields that no log may show, as service.Request has them.
func (c *Checker) Secrets() []string { return c.secrets }

// Validate says what is wrong with a shape: fields without a name, or twice, types that do not exist, and defaults that
// are none of their type. nil shapes are fine.
func Validate(shape *service.Shape) error {
	if shape == nil {
		return nil
	}
	c := DefaultConventions()
	faults := append(c.input(shape).problems("input"), c.output(shape).problems("output")...)
	if len(faults) == 0 {
		return nil
	}
	return service.Errorf(service.Invalid, "the declared input and output are not valid: %s", strings.Join(faults, "; "))
}
