package security

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	askedIdle   = 30 * time.Second
	askedHeader = 64 << 10
	// MaxAnswer is how many bytes an answer of another system may have.
	MaxAnswer = 1 << 20
)

// NewClient calls other systems on behalf of a definition: for their keys, or what they know of a token. It follows no
// redirect: credentials go nowhere that the definition does not name. What it holds open it lets go of by itself.
func NewClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: timeout}).DialContext, TLSHandshakeTimeout: timeout, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: 8, IdleConnTimeout: askedIdle, MaxResponseHeaderBytes: askedHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Ask sends req and reads the JSON of an answer that says yes into out. Its errors name the host and the path, and
// nothing that was sent or came back.
func Ask(ctx context.Context, client *http.Client, req *http.Request, out any) error {
	where := req.URL.Scheme + "://" + req.URL.Host + req.URL.Path
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("%s: %w", where, bare(err))
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", where, bare(err))
	case len(raw) > MaxAnswer:
		return fmt.Errorf("%s answered with more than %d bytes", where, MaxAnswer)
	case res.StatusCode != http.StatusOK:
		return &AskedError{Where: where, Status: res.StatusCode, Code: codeOf(raw)}
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s answered with something else than the JSON that was asked for", where)
	}
	return nil
}

// AskedError is an answer that says no.
type AskedError struct {
	Where  string
	Status int
	Code   string // the error code of RFC 6749, section 5.2, where there is one, such as invalid_client
}

func (e *AskedError) Error() string {
	if e.Code != "" {
		return fmt.Sprintf("%s answered %d, %s", e.Where, e.Status, e.Code)
	}
	return fmt.Sprintf("%s answered %d", e.Where, e.Status)
}

// codeOf is the error code in an answer. Anything longer than such codes are may hold what was sent.
func codeOf(raw []byte) string {
	var body struct{ Error string }
	if json.Unmarshal(raw, &body) != nil || len(body.Error) > 40 || strings.Trim(body.Error, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return body.Error
}

// bare is err without the URL around it, whose query may be secret.
func bare(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		if outer.Timeout() {
			return errors.New("no answer in time")
		}
		err = outer.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		return sys.Err
	}
	return err
}

// CheckURL says what is wrong with the URL of another system, or nothing.
func CheckURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return "expected http://host:port/path or https://host:port/path" // it may hold a password: it is not repeated
	case u.User != nil:
		return "it may hold no user name or password"
	case u.Fragment != "":
		return "it may hold no fragment"
	}
	return ""
}
