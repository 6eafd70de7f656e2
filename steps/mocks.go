package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-run/parley/fixtures"
)

func mockSteps() []Step {
	return []Step{
		given(`the tutorial's mocks`, "Starts the CRM, the payments system and fraud detection. Definitions name their addresses as ${CRM_ADDRESS}, ${PAYMENTS_ADDRESS} and ${FRAUD_DETECTION_ADDRESS}, steps as #CRM_ADDRESS, ...",
			`the tutorial's mocks`, startMocks),
		either(`the {mock} mock answers with status "{status}"`, "Every call gets that status, from now to the end of the scenario.",
			`the CRM mock answers with status "503"`, mockStatus),
		either(`the {mock} mock answers with body "{body}"`, "Every call gets that body, from now to the end of the scenario.", `the payments mock answers with body "{"DATE": "today"}"`, mockBody),
		either(`the {mock} mock answers after "{duration}"`, "Every call is answered that much later, from now to the end of the scenario.", `the CRM mock answers after "2 seconds"`, mockDelay),
		either(`the {mock} mock answers as usual`, "Ends what steps have changed in how the mock answers.", `the CRM mock answers as usual`, mockAsUsual),
		either(`the {mock} mock is down`, "Connections are refused, as if its process had died.", `the fraud detection mock is down`, mockDown),
		either(`the {mock} mock is up`, "The mock is there again, on the same port.", `the fraud detection mock is up`, mockAsUsual),
		then(`the {mock} received {count} request(s)`, "So many requests have come in this scenario. Steps that say: its request, look at the last one.",
			`the CRM received 1 request`, assertReceived),
		then(`the {mock} received {count} message(s)`, "So many messages have come in this scenario. Steps that say: its message, look at the last one.", `the fraud detection system received 1 message within 2 seconds`, assertReceived),
		then(`the {mock} receives nothing for {seconds} second(s)`, "Waits that long, and nothing comes; nothing came before.",
			`the fraud detection system receives nothing for 0.2 seconds`, assertSilence),
		then(`its message has JSON Pointer "{path}" "{value}"`, "In the message that a step before counted, the JSON Pointer leads to that text.",
			`its message has JSON Pointer "/response/first_name" "Sean"`, assertMessage),
		then(`its request has JSON Pointer "{path}" "{value}"`, "In the request that a step before counted, the JSON Pointer leads to that text.",
			`its request has JSON Pointer "/cust_type" "A"`, assertMessage),
		then(`its message has JSON Pointer "{path}" that is JSON "{value}"`, "In the message that a step before counted, the JSON Pointer leads to that JSON.",
			`its message has JSON Pointer "/response" that is JSON "{"ok": true}"`, assertMessageJSON),
		then(`its request has JSON Pointer "{path}" that is JSON "{value}"`, "In the request that a step before counted, the JSON Pointer leads to that JSON.",
			`its request has JSON Pointer "/cust_id" that is JSON "123"`, assertMessageJSON),
		then(`its message has JSON Pointer "{path}" that is a text of JSON "{value}"`, "In the message that a step before counted, the JSON Pointer leads to a text, and that text is JSON of that value.",
			`its message has JSON Pointer "/request" that is a text of JSON "{"cust_id": 123}"`, assertMessageText),
		then(`its message has JSON Pointer "{path}" that is a time of the last {seconds} seconds`, "In the message that a step before counted, the JSON Pointer leads to a time of ISO 8601, in UTC where it names no zone.",
			`its message has JSON Pointer "/timestamp" that is a time of the last 10 seconds`, assertMessageTime),
		then(`its request has header "{header}" "{value}"`, "The request that a step before counted has that header.", `its request has header "X-Parley-CID" "#cid"`, assertRequestHeader),
		then(`no unexpected call was received`, "Every call that came to a mock had an answer in its file.", `no unexpected call was received`, assertNoUnexpected),
	}
}

func startMocks(ctx context.Context, w *World, _ Args) error {
	b, err := w.file.ensureBackEnds(ctx)
	if err != nil {
		return err
	}
	for name, address := range b.Env() {
		w.Store(name, address)
	}
	return nil
}

func (w *World) mock(name string) (fixtures.Mock, error) {
	if m := w.httpMock(name); m != nil {
		return m, nil
	}
	if w.file.backEnds != nil {
		return w.file.backEnds.Find(name)
	}
	var names []string
	for _, m := range w.mocks {
		names = append(names, m.Name())
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("no mock is called %q; there are %s", name, strings.Join(names, ", "))
	}
	return nil, errors.New(`there are no mocks; start one with: Given an HTTP mock from "mocks/customers.yaml"`)
}

func (w *World) behave(ctx context.Context, name string, change func(*fixtures.Behaviour)) error {
	m, err := w.mock(name)
	if err != nil {
		return err
	}
	b := m.Behaviour()
	change(&b)
	return m.SetBehaviour(ctx, b)
}

func mockStatus(ctx context.Context, w *World, a Args) error {
	status, err := a.Int(1)
	if err != nil {
		return err
	}
	return w.behave(ctx, a.Text(0), func(b *fixtures.Behaviour) { b.Status = status })
}

func mockBody(ctx context.Context, w *World, a Args) error {
	text := a.Text(1)
	return w.behave(ctx, a.Text(0), func(b *fixtures.Behaviour) { b.Body = &text })
}

func mockDelay(ctx context.Context, w *World, a Args) error {
	d, err := parseDuration(a.Text(1))
	if err != nil {
		return err
	}
	return w.behave(ctx, a.Text(0), func(b *fixtures.Behaviour) { b.Delay = fixtures.Duration(d) })
}

func mockDown(ctx context.Context, w *World, a Args) error {
	return w.behave(ctx, a.Text(0), func(b *fixtures.Behaviour) { b.Down = true })
}

func mockAsUsual(ctx context.Context, w *World, a Args) error {
	return w.behave(ctx, a.Text(0), func(b *fixtures.Behaviour) { *b = fixtures.Behaviour{} })
}

func assertReceived(_ context.Context, w *World, a Args) error {
	m, err := w.mock(a.Text(0))
	if err != nil {
		return err
	}
	want, err := a.Int(1)
	if err != nil {
		return err
	}
	got := m.Received()
	w.received = nil
	if len(got) > 0 {
		w.received = &got[len(got)-1]
	}
	if len(got) != want {
		return &Failure{What: fmt.Sprintf("the %s mock received another number", m.Name()), Expected: fmt.Sprint(want), Got: listReceived(got)}
	}
	return nil
}

// shownReceived is how many of the calls that a mock received a failure shows.
const shownReceived = 5

func listReceived(list []fixtures.Received) string {
	var b strings.Builder
	fmt.Fprint(&b, len(list))
	for _, r := range list[max(0, len(list)-shownReceived):] {
		fmt.Fprintf(&b, "\n%s %s", r.Time.Format("15:04:05.000"), strings.TrimSpace(r.Method+" "+r.Path+" "+string(r.Body)))
	}
	return b.String()
}

func assertSilence(ctx context.Context, w *World, a Args) error {
	m, err := w.mock(a.Text(0))
	if err != nil {
		return err
	}
	d, err := a.Duration(1)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(d)
	for {
		if got := m.Received(); len(got) > 0 {
			return &Failure{What: fmt.Sprintf("the %s mock received something", m.Name()), Expected: "nothing", Got: listReceived(got)}
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil
		}
		if err := wait(ctx, min(left, retryEvery)); err != nil {
			return err
		}
	}
}

func (w *World) inMessage(pointer string) (any, error) {
	if w.received == nil {
		return nil, errors.New("no message to look at; count them first, with: Then the CRM received 1 request")
	}
	tree, err := decodeJSON(w.received.Body)
	if err != nil {
		return nil, fmt.Errorf("what the %s mock received is %w\n%s", w.received.Mock, err, w.received.Body)
	}
	v, err := lookUp(tree, pointer)
	if err != nil {
		return nil, w.aboutMessage(err)
	}
	return v, nil
}

// aboutMessage puts the message behind an error.
func (w *World) aboutMessage(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n  the %s mock received:%s", err, w.received.Mock, body(w.received.Body))
}

func assertMessage(_ context.Context, w *World, a Args) error {
	got, err := w.inMessage(a.Text(0))
	if err == nil && !equal(a.Value(1), got) {
		return w.aboutMessage(differs(fmt.Sprintf("JSON Pointer %q is not what was expected", a.Text(0)), a.Value(1), got))
	}
	return err
}

func assertMessageJSON(_ context.Context, w *World, a Args) error {
	want, err := asJSON(a.Value(1))
	if err != nil {
		return fmt.Errorf("the expected value is %w", err)
	}
	got, err := w.inMessage(a.Text(0))
	if err != nil {
		return err
	}
	return w.aboutMessage(sameTree(want, got, a.Text(0)))
}

func assertMessageText(_ context.Context, w *World, a Args) error {
	want, err := asJSON(a.Value(1))
	if err != nil {
		return fmt.Errorf("the expected value is %w", err)
	}
	v, err := w.inMessage(a.Text(0))
	if err != nil {
		return err
	}
	text, isText := v.(string)
	if !isText {
		return w.aboutMessage(differs(fmt.Sprintf("JSON Pointer %q is no text", a.Text(0)), plain("a text of JSON"), v))
	}
	got, err := decodeJSON([]byte(text))
	if err != nil {
		return w.aboutMessage(fmt.Errorf("the text at JSON Pointer %q is %w", a.Text(0), err))
	}
	return w.aboutMessage(sameTree(want, got, ""))
}

func assertMessageTime(_ context.Context, w *World, a Args) error {
	v, err := w.inMessage(a.Text(0))
	if err != nil {
		return err
	}
	oldest, err := a.Duration(1)
	if err != nil {
		return err
	}
	text, _ := v.(string)
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		when, err = time.Parse("2006-01-02T15:04:05.999999999", text)
	}
	if err != nil {
		return w.aboutMessage(differs(fmt.Sprintf("JSON Pointer %q is no time", a.Text(0)), plain("a time such as 2026-11-21T10:42:14.401555"), v))
	}
	if age := time.Since(when); age < -time.Second || age > oldest {
		return w.aboutMessage(differs(fmt.Sprintf("JSON Pointer %q is another time", a.Text(0)),
			plain("at most "+a.Text(1)+" seconds ago"), plain(text+", that is "+round(age).String()+" ago")))
	}
	return nil
}

func assertRequestHeader(_ context.Context, w *World, a Args) error {
	if w.received == nil {
		return errors.New("no request to look at; count them first, with: Then the CRM received 1 request")
	}
	for name, values := range w.received.Headers {
		if strings.EqualFold(name, a.Text(0)) {
			if got := strings.Join(values, ", "); got != a.Text(1) {
				return differs(fmt.Sprintf("header %q that the %s mock received is not what was expected", a.Text(0), w.received.Mock), a.Text(1), got)
			}
			return nil
		}
	}
	return failf("the %s mock received no header %q", w.received.Mock, a.Text(0))
}

func assertNoUnexpected(_ context.Context, w *World, _ Args) error {
	if found := w.unexpected(); len(found) > 0 {
		return failf("the mocks received what they had no answer for:\n  %s", strings.Join(found, "\n  "))
	}
	return nil
}
