package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/parley-run/parley/bench/figures"
)

// The echo's path, body and credentials.
const (
	echoPath     = "/echo"
	echoStarPath = "/echo/star"
	echoXMLPath  = "/echo/xml"
	echoBody     = `{"cust_id":123,"name":"Sean O'Brien","is_vip":true,"amount":"12.50","tags":["a","b"]}`
	echoXMLBody  = "<request><cust_id>123</cust_id><name>Sean O'Brien</name><is_vip>true</is_vip><amount>12.50</amount>" +
		"<tags><item>a</item><item>b</item></tags></request>"
	echoUser, echoPassword = "bench", "kept-for-the-bench"

	goEchoTarget   = 0.60
	starEchoTarget = 0.45
	xmlEchoTarget  = 0.50
)

// echoLogin is the header of who may call the echo.
func echoLogin() string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(echoUser+":"+echoPassword))
}

// scratch is a new folder whose name begins with prefix; whoever asks removes it.
func (o options) scratch(prefix string) (string, error) {
	parent, err := filepath.Abs(o.dir)
	if err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, prefix)
}

// echo compares services that answer what they were asked with a bare net/http handler that does, under the same load. The
// services check five declared fields and their callers' password, and are counted and logged.
func echo(ctx context.Context, o options) (s figures.Section, err error) {
	dir, err := o.scratch("echo-")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var bareAt, serverAt address
	bare, err := startChild(ctx, &bareAt, "serve-bare")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	server, err := startChild(ctx, &serverAt, "serve-echo", "--dir", filepath.Join(dir, "cluster"))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, server.close()) }()

	login := echoLogin()
	of := func(name string, c *child, at address, path, body string, headers ...string) *arm {
		return &arm{name: name, address: at.Address, pid: c.pid(), request: requestOf(http.MethodPost, at.Address, path, body, headers...)}
	}
	net := of("bare net/http", bare, bareAt, echoPath, echoBody)
	compiled := of("parley, a service in Go", server, serverAt, echoPath, echoBody, login)
	star := of("parley, a service in Starlark", server, serverAt, echoStarPath, echoBody, login)
	asXML := of("parley, a service in Go, XML", server, serverAt, echoXMLPath, echoXMLBody, login)
	if err := sameReplies(ctx, net, compiled, star); err != nil {
		return s, err
	}
	if err := needsLogin(ctx, serverAt.Address); err != nil {
		return s, err
	}
	others := newForeign(os.Getpid(), bare.pid(), server.pid())
	p := paceOf(o)
	if err := compare(ctx, []*arm{net, compiled, star, asXML}, p, others); err != nil {
		return s, err
	}
	return echoSection(net, compiled, star, asXML, p, others), nil
}

// needsLogin makes sure that the services are guarded.
func needsLogin(ctx context.Context, at string) error {
	w, err := dial(ctx, at, requestOf(http.MethodPost, at, echoPath, echoBody))
	if err != nil {
		return err
	}
	defer w.close()
	status, body, err := w.roundTrip()
	if err == nil && status != http.StatusUnauthorized {
		err = fmt.Errorf("without a password the echo answered %d: %.200s", status, body)
	}
	return err
}

func echoSection(net, compiled, star, asXML *arm, p pace, others *foreign) figures.Section {
	s := figures.Section{Title: fmt.Sprintf("services that echo five declared fields, asked with Basic Auth by %d connections in turns of %s", connections, p.turn)}
	for _, one := range []struct {
		name string
		arm  *arm
	}{{"echo.bare", net}, {"echo.go", compiled}, {"echo.starlark", star}, {"echo.xml", asXML}} {
		s.Figures = append(s.Figures, figures.Median(one.name, one.arm.name, one.arm.rates, "requests/s"))
	}
	s.Figures = append(
		s.Figures,
		figures.Median("echo.go_ratio", "ratio, Go service to bare net/http", figures.Ratios(compiled.rates, net.rates), "").AtLeast(goEchoTarget),
		figures.Median("echo.starlark_ratio", "ratio, Starlark service to bare net/http", figures.Ratios(star.rates, net.rates), "").AtLeast(starEchoTarget),
		figures.Median("echo.xml_ratio", "ratio, XML to JSON", figures.Ratios(asXML.rates, compiled.rates), "").AtLeast(xmlEchoTarget),
	)
	if len(net.costs) > 0 {
		s.Figures = append(
			s.Figures,
			figures.Median("echo.bare_cpu", "CPU of a request, bare net/http", net.costs, "us"),
			figures.Median("echo.parley_cpu", "CPU of a request, parley, over its three services", together(compiled.costs, star.costs, asXML.costs), "us"),
		)
	}
	s.Notes = []string{
		"bare net/http: encoding/json into a struct and back; it checks nothing, counts nothing, writes no log line and knows no password",
		"each has its own garbage collector settings: Go's defaults, and what parley sets",
	}
	own, foreign, known := others.shares()
	if known {
		s.Notes = append(s.Notes, fmt.Sprintf("of the CPUs all that is measured here took %.0f %%, other processes %.0f %%", own*100, foreign*100))
	}
	if foreign > noisy {
		s.Notes = append(s.Notes, "other processes took so much that the ratio of requests/s says little; measure again when they have ended")
	}
	return s
}

// together is the CPU of a request over arms of one process, each of which counted what the process took for all.
func together(costs ...[]float64) []float64 {
	var out []float64
	for i := range costs[0] {
		requests := 0.0 // for a microsecond
		for _, each := range costs {
			requests += 1 / each[i]
		}
		out = append(out, 1/requests)
	}
	return out
}
