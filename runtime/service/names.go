package service

// Names are the words that clients see on the wire. They stand here, once, so that one option can answer
// clients written for another system.
type Names struct {
	CIDHeader string // reply header, and header of outgoing REST calls
	Env       string // envelope of errors and of XML replies
	OK, Error string // results in the envelope
	Prefix    string // path prefix of what the runtime itself serves: Prefix + "/ping"
	Namespace string // of SOAP messages, where a channel has none of its own
	LBAlive   string // path at which the load-balancer answers for itself
}

// ParleyNames are the names of this system.
func ParleyNames() Names {
	return Names{CIDHeader: "X-Parley-CID", Env: "parley_env", OK: "PARLEY_OK", Error: "PARLEY_ERROR", Prefix: "/parley", Namespace: "urn:parley:services", LBAlive: "/parley-lb-alive"}
}

// ZatoNames answer clients written for Zato (boot option compat: zato).
func ZatoNames() Names {
	return Names{CIDHeader: "X-Zato-CID", Env: "zato_env", OK: "ZATO_OK", Error: "ZATO_ERROR", Prefix: "/zato", Namespace: "https://zato.io/ns/20130518", LBAlive: "/zato-lb-alive"}
}
