package certificate

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
)

// The headers in which a load-balancer that ends TLS tells the servers which certificate its client has shown: those of
// RFC 9440. In the last it shows that it is the cluster's own load-balancer. Nobody else may set them: load-balancers
// take them out of what clients send, and servers believe them only with the right proof.
const (
	ClientHeader = "Client-Cert"
	ChainHeader  = "Client-Cert-Chain"
	ProofHeader  = "X-Parley-Balancer"
)

// Proof is what the load-balancer of a cluster with that token shows to its servers. The token cannot be had from it.
func Proof(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("parley load-balancer"))
	return hex.EncodeToString(mac.Sum(nil))
}

// Forward writes the headers for a request that came by state, nil where it came in plain. An empty proof only takes out
// what the client has sent.
func Forward(h http.Header, state *tls.ConnectionState, proof string) {
	delete(h, ClientHeader)
	delete(h, ChainHeader)
	delete(h, ProofHeader)
	if state == nil || proof == "" {
		return
	}
	h[ProofHeader] = []string{proof}
	if len(state.VerifiedChains) == 0 {
		return
	}
	h[ClientHeader] = []string{byteSequence(state.PeerCertificates[0].Raw)}
	var chain []string
	for _, c := range state.PeerCertificates[1:] {
		chain = append(chain, byteSequence(c.Raw))
	}
	if chain != nil {
		h[ChainHeader] = []string{strings.Join(chain, ", ")}
	}
}

func byteSequence(raw []byte) string {
	return ":" + base64.StdEncoding.EncodeToString(raw) + ":"
}

// Forwarded takes the headers out of r. With the right proof r.TLS becomes the client's as the load-balancer saw it; it
// verified what it passes on. Without, r.TLS stays that of the connection.
func Forwarded(r *http.Request, proof string) {
	given, client, chain := r.Header[ProofHeader], r.Header[ClientHeader], r.Header[ChainHeader]
	if given == nil && client == nil && chain == nil {
		return
	}
	delete(r.Header, ProofHeader)
	delete(r.Header, ClientHeader)
	delete(r.Header, ChainHeader)
	if len(given) != 1 || proof == "" || !hmac.Equal([]byte(given[0]), []byte(proof)) {
		return
	}
	// Whose certificate the load-balancer itself shows to the server says nothing of the client.
	r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	leaf := parse(client)
	if len(leaf) != 1 {
		return
	}
	r.TLS.PeerCertificates = append(leaf, parse(chain)...)
	r.TLS.VerifiedChains = [][]*x509.Certificate{r.TLS.PeerCertificates}
}

// parse reads lists of byte sequences, each of one certificate or, as HAProxy writes a chain, several.
func parse(values []string) []*x509.Certificate {
	var out []*x509.Certificate
	for _, value := range values {
		for one := range strings.SplitSeq(value, ",") {
			one = strings.TrimSpace(one)
			if len(one) < 2 || one[0] != ':' || one[len(one)-1] != ':' {
				return nil
			}
			raw, err := base64.StdEncoding.DecodeString(one[1 : len(one)-1])
			if err != nil {
				return nil
			}
			certs, err := x509.ParseCertificates(raw)
			if err != nil {
				return nil
			}
			out = append(out, certs...)
		}
	}
	return out
}
