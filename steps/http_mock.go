package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/parley-run/parley/fixtures"
)

func httpMockSteps() []Step {
	return []Step{
		given(`an HTTP mock from "{file}"`, "Starts a server that answers from a file of stubs. Steps name its address as #MOCK_ADDRESS, definitions as ${MOCK_ADDRESS}, and it is called the HTTP mock.",
			`an HTTP mock from "mocks/customers.yaml"`, startHTTPMock),
		given(`an HTTP mock from "{file}" called "{name}"`, "Starts such a server, and calls it by a name. The address of one called Billing is #BILLING_ADDRESS, in definitions ${BILLING_ADDRESS}, and steps say: the Billing mock.",
			`an HTTP mock from "mocks/billing.yaml" called "Billing"`, startNamedHTTPMock),
	}
}

// What a mock that has no name is called.
const (
	httpMockName    = "HTTP"
	httpMockAddress = "MOCK_ADDRESS"
)

func startHTTPMock(ctx context.Context, w *World, a Args) error {
	return w.startHTTPMock(ctx, a.Text(0), httpMockName, httpMockAddress)
}

func startNamedHTTPMock(ctx context.Context, w *World, a Args) error {
	name := strings.TrimSpace(a.Text(1))
	if name == "" {
		return errors.New("the name of a mock must have a letter")
	}
	return w.startHTTPMock(ctx, a.Text(0), name, addressName(name))
}

// addressName is the name under which the address of a mock is stored: ORDER_DESK_ADDRESS for the order desk.
func addressName(mock string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return '_'
	}, mock) + "_ADDRESS"
}

// startHTTPMock starts a mock, in the place of the one that had its name: with state per feature, each scenario says
// anew what its background says.
func (w *World) startHTTPMock(ctx context.Context, file, name, address string) error {
	text, found, err := w.read(file)
	if err != nil {
		return err
	}
	m, err := fixtures.StartHTTPMock(ctx, name, found, text)
	if err != nil {
		return err
	}
	w.OnClose(m.Close)
	if at := slices.IndexFunc(w.mocks, func(old *fixtures.HTTPMock) bool { return strings.EqualFold(old.Name(), name) }); at >= 0 {
		old := w.mocks[at]
		w.mocks[at] = m
		if err := old.Close(); err != nil {
			return fmt.Errorf("ending the %s mock that was there: %w", name, err)
		}
	} else {
		w.mocks = append(w.mocks, m)
	}
	w.Store(address, m.URL())
	return nil
}

// httpMock gives the mock that a step of this scenario started, or nil.
func (w *World) httpMock(name string) fixtures.Mock {
	for _, m := range w.mocks {
		if slices.ContainsFunc([]string{"", " mock", " system"}, func(suffix string) bool { return strings.EqualFold(m.Name()+suffix, name) }) {
			return m
		}
	}
	return nil
}

// unexpected are the calls to mocks that no stub answered.
func (w *World) unexpected() []string {
	var found []string
	for _, m := range w.mocks {
		found = append(found, fixtures.Unexpected(m)...)
	}
	if w.file.backEnds != nil {
		found = append(found, w.file.backEnds.Unexpected()...)
	}
	return found
}
