package admin

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

// Client calls internal services of one process.
type Client struct {
	address string
	token   string
	user    string        // on whose behalf; empty: nobody's
	logIn   *url.Userinfo // who calls, in place of the token; nil: nobody
	scheme  string
	http    *http.Client

	transport *http.Transport
}

// patience is how long a service may take. Stopping a server takes longest: 65 s where requests hang in it.
const patience = 90 * time.Second

// NewClient is a client of the process whose admin API listens on address (host:port).
func NewClient(address, token string) *Client { return NewPatientClient(address, token, patience) }

// NewPatientClient is a client that waits so long for an answer.
func NewPatientClient(address, token string, patience time.Duration) *Client {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	transport := &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute, ResponseHeaderTimeout: patience}
	return &Client{address: address, token: token, scheme: "http://", http: &http.Client{Transport: transport}, transport: transport}
}

// Call invokes a service with in, any JSON-like value, and fills out, which may be nil. What the service
// refuses comes back as the *service.Error it was; a process that does not answer as one of code Unavailable.
func (c *Client) Call(ctx context.Context, name string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.scheme+c.address+Path+name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if c.logIn != nil {
		password, _ := c.logIn.Password()
		req.SetBasicAuth(c.logIn.Username(), password)
	}
	req.Header.Set("Content-Type", "application/json")
	if cid := service.CallFrom(ctx).CID; cid != "" {
		req.Header.Set(service.ParleyNames().CIDHeader, cid)
	}
	if c.user != "" {
		req.Header.Set(onBehalf, c.user)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return &service.Error{Code: service.Unavailable, Message: fmt.Sprintf("the admin API at %s broke off its answer", c.address), Err: err}
	}
	if res.StatusCode == http.StatusBadRequest && c.scheme == "http://" && bytes.Contains(raw, []byte("HTTP request to an HTTPS server")) {
		return &service.Error{Code: service.Unavailable, Message: fmt.Sprintf("the admin API at %s speaks TLS", c.address), Fix: "call https://" + c.address}
	}
	if res.StatusCode != http.StatusOK {
		e := refusal(res.StatusCode, raw)
		if after := res.Header.Values("Retry-After"); len(after) > 0 {
			e.Header = map[string][]string{"Retry-After": after}
		}
		return e
	}
	if out == nil {
		return nil
	}
	reply := struct{ Response any }{out}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return fmt.Errorf("the reply of %s cannot be read: %w", name, err)
	}
	return nil
}

// unreachable is why there is no answer.
func (c *Client) unreachable(err error) error {
	e := &service.Error{Code: service.Unavailable, Message: fmt.Sprintf("the admin API at %s does not answer", c.address), Err: err}
	var unverified *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unverified):
		e.Message = fmt.Sprintf("the certificate of the admin API at %s is not trusted: %s", c.address, unverified.Err)
		e.Fix = "is it the right address, and the file of its authority (--ca)?"
	case errors.Is(err, http.ErrSchemeMismatch):
		e.Message, e.Fix = fmt.Sprintf("the admin API at %s speaks no TLS", c.address), "call http://"+c.address
	}
	return e
}

// refusal is the error that an error reply stands for.
func refusal(status int, raw []byte) *service.Error {
	var reply struct {
		Env struct {
			Details string `json:"details"`
			CID     string `json:"cid"`
		} `json:"parley_env"`
	}
	e := &service.Error{Code: service.CodeOfHTTPStatus(status), Status: status}
	if err := json.Unmarshal(raw, &reply); err != nil || reply.Env.Details == "" {
		e.Message = fmt.Sprintf("the admin API answered %d", status)
		return e
	}
	e.Message = reply.Env.Details
	if e.Code == service.Internal {
		e.Message += " (CID " + reply.Env.CID + "; parley logs " + reply.Env.CID + " tells more)"
	}
	return e
}

// As is a client that calls on behalf of that user, whose role its caller has checked: the audit log names the user.
func (c *Client) As(user string) *Client {
	out := *c
	out.user = user
	return &out
}

// LoggedIn is c calling as that user, by name and password, in place of whoever has the token.
func (c *Client) LoggedIn(name, password string) *Client {
	c.logIn = url.UserPassword(name, password)
	return c
}

// Secured is c calling by https as config says; nil changes nothing. It comes before the first call.
func (c *Client) Secured(config *tls.Config) *Client {
	if config != nil {
		c.transport.TLSClientConfig, c.scheme = config, "https://"
	}
	return c
}

// CloseIdle lets go of kept connections.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }
