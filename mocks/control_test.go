package mocks_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/mocks"
)

func startTutorial(t *testing.T) (*mocks.Tutorial, *mocks.Control) {
	t.Helper()
	tutorial, err := mocks.StartTutorial(t.Context(), mocks.TutorialOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, tutorial.Close()) })
	control, err := mocks.StartControl(t.Context(), "", tutorial.Mocks()...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, control.Close()) })
	return tutorial, control
}

func TestTutorialAnswers(t *testing.T) {
	tutorial, _ := startTutorial(t)
	for _, method := range []string{"GET", "POST"} {
		got := mustCall(t, method, tutorial.CRM.URL()+"/get-customer", `{"cust_id":123}`)
		assert.Equal(t, 200, got.status)
		assert.Equal(t, `{"firstName":"Sean","lastName":"O'Brien"}`, got.body)
		assert.Equal(t, "application/json", got.header.Get("Content-Type"))
		got = mustCall(t, method, tutorial.Payments.URL()+"/get-last-payment", "")
		assert.Equal(t, `{"DATE":"2013-05-14T10:42:14.401555","AMOUNT":"357"}`, got.body)
	}
	assert.Equal(t, 200, mustCall(t, "HEAD", tutorial.CRM.URL()+"/get-customer", "").status)
	assert.Equal(t, 501, mustCall(t, "PUT", tutorial.Payments.URL()+"/get-last-payment", "").status)
}

func TestTutorialStartsAllOrNone(t *testing.T) {
	first, _ := startTutorial(t)
	_, err := mocks.StartTutorial(t.Context(), mocks.TutorialOptions{FraudDetection: first.FraudDetection.Address()})
	var inUse *mocks.InUseError
	require.ErrorAs(t, err, &inUse)
	assert.Equal(t, "Fraud detection", inUse.Mock)
}

func TestControl(t *testing.T) {
	tutorial, control := startTutorial(t)
	mustCall(t, "POST", tutorial.CRM.URL()+"/get-customer?a=b", `{"cust_id":1}`)
	mustCall(t, "POST", tutorial.Payments.URL()+"/nowhere", "\xff")
	push(t, tutorial.FraudDetection.Address(), zmq4.NewMsgString("fraud"))
	_, err := tutorial.FraudDetection.WaitFor(within(t, time.Minute), 1)
	require.NoError(t, err)

	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(mustCall(t, "GET", control.URL()+"/mock/received", "").body), &all))
	require.Len(t, all, 3)
	assert.Equal(t, "CRM", all[0]["mock"])
	assert.Equal(t, "/get-customer", all[0]["path"])
	assert.Equal(t, map[string]any{"a": []any{"b"}}, all[0]["query"])
	assert.Equal(t, `{"cust_id":1}`, all[0]["body"])
	assert.Equal(t, "get-customer", all[0]["stub"])
	assert.Equal(t, "/w==", all[1]["body_base64"])
	assert.Equal(t, "get-last-payment", all[1]["unexpected"].(map[string]any)["nearest"])
	assert.Equal(t, "fraud", all[2]["body"])

	require.NoError(t, json.Unmarshal([]byte(mustCall(t, "GET", control.URL()+"/mock/received?mock=Fraud+detection", "").body), &all))
	require.Len(t, all, 1)
	assert.Equal(t, 204, mustCall(t, "DELETE", control.URL()+"/mock/received?mock=CRM", "").status)
	assert.Equal(t, []int{0, 1, 1}, []int{tutorial.CRM.Count(), tutorial.Payments.Count(), tutorial.FraudDetection.Count()})
	assert.Equal(t, 204, mustCall(t, "DELETE", control.URL()+"/mock/received", "").status)
	assert.Equal(t, []int{0, 0, 0}, []int{tutorial.CRM.Count(), tutorial.Payments.Count(), tutorial.FraudDetection.Count()})

	var rows []struct{ Name, Kind, Address string }
	require.NoError(t, json.Unmarshal([]byte(mustCall(t, "GET", control.URL()+"/mock", "").body), &rows))
	assert.Equal(t, []struct{ Name, Kind, Address string }{
		{"CRM", "http", tutorial.CRM.Address()},
		{"Payments", "http", tutorial.Payments.Address()},
		{"Fraud detection", "zmq", tutorial.FraudDetection.Address()},
	}, rows)
}

func TestControlBehaviour(t *testing.T) {
	tutorial, control := startTutorial(t)
	behaviour := control.URL() + "/mock/behaviour?mock="
	assert.Equal(t, 204, mustCall(t, "PUT", behaviour+"CRM", `{"status":503,"body":"no","delay":"1ms"}`).status)
	got := mustCall(t, "GET", tutorial.CRM.URL()+"/get-customer", "")
	assert.Equal(t, 503, got.status)
	assert.Equal(t, "no", got.body)
	assert.JSONEq(t, `{"status":503,"body":"no","delay":"1ms"}`, mustCall(t, "GET", behaviour+"CRM", "").body)

	for _, name := range []string{"CRM", "Fraud detection"} {
		assert.Equal(t, 204, mustCall(t, "PUT", behaviour+url.QueryEscape(name), `{"down":true}`).status)
	}
	_, err := call(t, "GET", tutorial.CRM.URL()+"/get-customer", "", nil)
	require.ErrorContains(t, err, "refused")
	require.NoError(t, tutorial.Reset(t.Context()))
	assert.Equal(t, 200, mustCall(t, "GET", tutorial.CRM.URL()+"/get-customer", "").status)
	assert.False(t, tutorial.FraudDetection.Behaviour().Down)

	for name, row := range map[string]struct {
		query, body string
		status      int
		want        string
	}{
		"no name":       {"", `{}`, 400, "say which mock with ?mock="},
		"unknown name":  {"mock=crm", `{}`, 404, `no mock is called \"crm\"`},
		"unknown field": {"mock=CRM", `{"statuss":1}`, 400, `unknown field \"statuss\"`},
		"bad status":    {"mock=CRM", `{"status":1}`, 400, "status 1 is not from 200 to 599"},
		"bad delay":     {"mock=CRM", `{"delay":"soon"}`, 400, "is not a time span"},
	} {
		t.Run(name, func(t *testing.T) {
			got := mustCall(t, "PUT", control.URL()+"/mock/behaviour?"+row.query, row.body)
			assert.Equal(t, row.status, got.status)
			assert.Contains(t, got.body, row.want)
		})
	}
}

func TestControlStaysOnTheLoopback(t *testing.T) {
	_, err := mocks.StartControl(t.Context(), "0.0.0.0:0")
	require.ErrorContains(t, err, "is not on the loopback")
}
