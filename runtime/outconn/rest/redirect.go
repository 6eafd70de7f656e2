package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/service"
)

// What follow_redirects may be.
const (
	redirectNone = "none"
	redirectSame = "same_host"
	redirectAny  = "any"
)

// maxRedirects is how many redirects of one call are followed, as browsers about have it.
const maxRedirects = 10

func (c Config) checkRedirects(faults *kind.Faults) {
	if !slices.Contains([]string{redirectNone, redirectSame, redirectAny}, c.FollowRedirects) {
		faults.Add("follow_redirects", "expected none, same_host or any, not %q", c.FollowRedirects)
	}
	if _, err := outconn.ParseAddresses(c.AllowAddresses); err != nil {
		faults.Add("allow_addresses", "%s", err)
	}
	if len(c.AllowAddresses) > 0 && c.FollowRedirects == redirectNone {
		faults.Add("allow_addresses", "they are for redirects that are followed; set follow_redirects too")
	}
}

// newElsewhere is what redirects to other addresses than the connection's own go through. None that is inside may be
// reached, and the connection's certificates are not shown.
func newElsewhere(cfg Config) (*http.Transport, error) {
	if cfg.FollowRedirects == redirectNone {
		return nil, nil //nolint:nilnil // none is needed
	}
	allow, err := outconn.ParseAddresses(cfg.AllowAddresses)
	if err != nil {
		return nil, kind.Faults{{Path: "allow_addresses", Message: err.Error()}}
	}
	t := newTransport(cfg, &tls.Config{MinVersion: tls.VersionTLS12})
	t.DialContext = (&net.Dialer{Timeout: cfg.Timeout.Std(), ControlContext: outconn.Guard(allow)}).DialContext
	return t, nil
}

// exchange sends r, signed, and follows redirects as far as the configuration says. last is the request that was sent last.
// An error that names the connection is a *service.Error.
func (c *conn) exchange(ctx context.Context, r *http.Request) (res *http.Response, last *http.Request, err error) {
	if c.signer != nil {
		if err := c.sign(ctx, r); err != nil {
			return nil, r, err
		}
	}
	res, err = c.line().RoundTrip(r)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		res, err = c.again(ctx, r, res)
	}
	left := false // to another address: who sent us back from there shall have nothing signed
	for hops := 1; err == nil; hops++ {
		next := c.redirected(r, res)
		if next == nil {
			return res, r, nil
		}
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that its connection can be used again
		_ = res.Body.Close()
		if hops > maxRedirects {
			return nil, r, &service.Error{
				Code: service.Upstream, Message: fmt.Sprintf("outconn %q: %d redirects came one after the other, the last to %s", c.name, hops, address(next)),
			}
		}
		left = left || !sameOrigin(next, c.base)
		if r, err = c.follow(ctx, r, res.StatusCode, next, left); err != nil {
			return nil, r, err
		}
		if left {
			res, err = c.elsewhere.RoundTrip(r)
		} else {
			res, err = c.line().RoundTrip(r)
		}
	}
	var guarded *outconn.GuardError
	if errors.As(err, &guarded) {
		return nil, r, &service.Error{
			Code: service.Upstream, Err: err, Message: fmt.Sprintf("outconn %q: it was redirected to %s: %s", c.name, address(r.URL), guarded),
			Fix: "if it is right, add the address to its allow_addresses",
		}
	}
	return nil, r, err
}

// redirected is where a reply sends the request, nil where it does not or that is not followed.
func (c *conn) redirected(r *http.Request, res *http.Response) *url.URL {
	if c.cfg.FollowRedirects == redirectNone || !slices.Contains([]int{301, 302, 303, 307, 308}, res.StatusCode) {
		return nil
	}
	to, err := r.URL.Parse(res.Header.Get("Location"))
	if err != nil || res.Header.Get("Location") == "" || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		return nil
	}
	if c.cfg.FollowRedirects == redirectSame && !strings.EqualFold(to.Hostname(), c.base.Hostname()) {
		return nil
	}
	if r.URL.Scheme == "https" && to.Scheme == "http" {
		return nil // what was sent in secret is not sent in plain
	}
	to.Fragment, to.RawFragment, to.User = "", "", nil
	return to
}

// follow is the request to make after a redirect. As everywhere, a 303 asks for a GET, and a POST becomes one after a 301 or
// 302. Where it left the connection's own address, only what describes the body is sent.
func (c *conn) follow(ctx context.Context, before *http.Request, status int, to *url.URL, left bool) (*http.Request, error) {
	r := before.Clone(ctx)
	r.URL = to
	for _, name := range []string{"Authorization", "X-Amz-Date"} { // of the request before; who signs this one signs anew
		if c.signer != nil {
			r.Header.Del(name)
		}
	}
	if status == http.StatusSeeOther && r.Method != http.MethodHead || status < http.StatusSeeOther && r.Method == http.MethodPost {
		r.Method = http.MethodGet
		r.Body, r.GetBody, r.ContentLength = nil, nil, 0
		r.Header.Del(contentType)
	}
	if r.GetBody != nil {
		var err error
		if r.Body, err = r.GetBody(); err != nil {
			return r, err
		}
	}
	if !left {
		if c.signer != nil {
			return r, c.sign(ctx, r)
		}
		return r, nil
	}
	r.Host = ""
	kept := http.Header{"User-Agent": {userAgent}}
	for _, name := range []string{contentType, "Accept", "Accept-Language"} {
		if v := r.Header[name]; v != nil {
			kept[name] = v
		}
	}
	r.Header = kept
	return r, nil
}

// sameOrigin says whether both are of one scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		switch {
		case u.Port() != "":
			return u.Port()
		case u.Scheme == "https":
			return "443"
		}
		return "80"
	}
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}
