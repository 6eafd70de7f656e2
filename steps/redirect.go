package steps

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// mostRedirects is how many are followed, as in python-requests.
const mostRedirects = 30

// session is the client of one request and its redirects: cookies go from one to the next of these, and no further.
func (w *World) session() *http.Client {
	c := *w.client()
	c.Jar, _ = cookiejar.New(nil) // it fails never
	c.CheckRedirect = redirect
	return &c
}

// redirect makes net/http follow as python-requests does, whose rules zato-apitest's users know: 301 changes the method
// of a POST only, no Referer is added, cookies come from the redirects alone, and credentials stay with the host, port
// and scheme that they were given for. See https://requests.readthedocs.io, Session.resolve_redirects.
func redirect(req *http.Request, via []*http.Request) error {
	if len(via) > mostRedirects {
		return errors.New("there were more than 30 redirects")
	}
	last := via[len(via)-1]
	if req.Response.StatusCode == http.StatusMovedPermanently && last.Method != http.MethodPost {
		req.Method = last.Method
	}
	if said := via[0].Header.Values("Referer"); len(said) == 0 {
		req.Header.Del("Referer")
	}
	req.Header.Del("Cookie")
	for i, from := range via {
		to := req
		if i+1 < len(via) {
			to = via[i+1]
		}
		if !sameOrigin(from.URL, to.URL) {
			req.Header.Del("Authorization")
		}
	}
	return nil
}

// sameOrigin says whether credentials for one URL are for another too: the step from http to https on the usual ports
// is allowed.
func sameOrigin(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	if from.Scheme == "http" && port(from) == "80" && to.Scheme == "https" && port(to) == "443" {
		return true
	}
	return from.Scheme == to.Scheme && port(from) == port(to)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
