package service

import "strings"

// Names are the words that clients see on the wire. They stand here, once, so that one option can answer
// clients written for another system.
type Names struct {
	CIDHeader string // reply header, and header of outgoing REST calls
	Env       string // envelope of errors and of XML replies
	OK, Error string // results in the envelope
	Prefix    string // path prefix of what the runtime itself serves: Prefix + "/ping"
	Namespace string // of SOAP messages, where a channel has none of its own
	LBAlive   string // path at which the load-balancer answers for itself
	Server    string // reply header Server; "": none

	// What error replies say. Text in braces is filled in: see Fill.
	Internal   string // of an error whose text is for the log alone
	NotFound   string // {path}, {cid}: no channel is there
	NotAllowed string // {method}, {path}, {allowed}: the channels there take other methods

	BasicParams string // what stands behind the realm in the challenge of Basic Auth

	// AlwaysGzip: replies of channels with content_encoding gzip are compressed whatever the caller accepts.
	AlwaysGzip bool
	// BareNotAllowed: where a service has functions for some methods alone, the reply to others has no body.
	BareNotAllowed bool
}

// ParleyNames are the names of this system.
func ParleyNames() Names {
	return Names{
		CIDHeader: "X-Parley-CID", Env: "parley_env", OK: "PARLEY_OK", Error: "PARLEY_ERROR", Prefix: "/parley",
		Namespace: "urn:parley:services", LBAlive: "/parley-lb-alive",
		Internal: InternalMessage, NotFound: "nothing is served at {path}",
		NotAllowed: "the method {method} is not allowed at {path}; allowed: {allowed}", BasicParams: `, charset="UTF-8"`,
	}
}

// ZatoNames answer clients written for Zato (boot option compat: zato). CIDs are those of Zato 3, 24 hexadecimal digits,
// under all names; so are the texts, but that of an unknown URL, which is 3.2's: it has no path, so that none is reflected.
func ZatoNames() Names {
	return Names{
		CIDHeader: "X-Zato-CID", Env: "zato_env", OK: "ZATO_OK", Error: "ZATO_ERROR", Prefix: "/zato",
		Namespace: "https://zato.io/ns/20130518", LBAlive: "/zato-lb-alive", Server: "Zato",
		Internal: "An error has occurred", NotFound: "URL not found (CID:{cid})",
		NotAllowed: "Method `{method}` is not allowed here",
		AlwaysGzip: true, BareNotAllowed: true,
	}
}

// System is the name of whose names these are, in lower case: parley or zato.
func (n Names) System() string { return strings.TrimPrefix(n.Prefix, "/") }

// Reserved is the path of the system, such as /parley/, that path is or is under; "": it is free for channels. Those of
// pings that ask who calls, such as /zato/ping.plain_http.basic_auth, are free.
func Reserved(path string) string {
	for _, names := range [...]Names{ParleyNames(), ZatoNames()} {
		under, ok := strings.CutPrefix(path, names.Prefix+"/")
		switch {
		case path == names.Prefix, ok && (!strings.HasPrefix(under, "ping.") || strings.Contains(under, "/")):
			return names.Prefix + "/"
		case path == names.LBAlive:
			return names.LBAlive
		}
	}
	return ""
}

// Fill is text with what stands in braces replaced: pairs are names and values, such as "cid", "0a1b".
func Fill(text string, pairs ...string) string {
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
