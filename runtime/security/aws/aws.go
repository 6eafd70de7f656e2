// Package aws is the security_aws kind: requests to AWS and to what speaks like it are signed by Signature Version 4. Callers
// of channels cannot log in by it.
package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/service"
)

// Config is what a definition holds.
type Config struct {
	security.Base
	AccessKey    string      `json:"access_key" kind:"required" doc:"ID of the access key, such as AKIAIOSFODNN7EXAMPLE"`
	SecretKey    kind.Secret `json:"secret_key" doc:"the secret access key; the catalog keeps it encrypted"`
	SessionToken kind.Secret `json:"session_token" doc:"of temporary credentials; empty: they are lasting"`
	Region       string      `json:"region" kind:"required" doc:"such as eu-central-1"`
	Service      string      `json:"service" kind:"required" doc:"name of the service in signatures, such as s3 or execute-api"`
}

const name = "security_aws"

// Kind is the row for the node's table of kinds.
func Kind() security.Kind {
	return security.Define(name, "an access key of AWS, by Signature Version 4, for outgoing connections", Config{Base: security.Base{IsActive: true}}, build)
}

// Check finds everything that is wrong with the values.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	for _, one := range []struct{ key, value string }{{"access_key", c.AccessKey}, {"region", c.Region}, {"service", c.Service}} {
		switch {
		case one.value == "":
			faults.Add(one.key, "missing")
		case strings.ContainsFunc(one.value, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/,=", r) }):
			faults.Add(one.key, "%q holds a character that no signature can: a space, /, comma or =", one.value)
		}
	}
	if !c.SecretKey.IsSet() && !c.SecretKey.IsKept() {
		faults.Add("secret_key", "missing; give it, or a reference such as env:NAME")
	}
	return faults
}

type definition struct {
	config      Config
	credentials sdk.Credentials
	signer      *v4.Signer
	now         func() time.Time
}

func build(c Config, d security.Deps) (security.Definition, error) {
	def := &definition{config: c, now: time.Now, credentials: sdk.Credentials{AccessKeyID: c.AccessKey}}
	var err error
	if def.credentials.SecretAccessKey, err = d.Reveal("secret_key", c.SecretKey); err != nil {
		return nil, kind.Faults{{Path: "secret_key", Message: err.Error()}}
	}
	if c.SessionToken.IsSet() {
		if def.credentials.SessionToken, err = d.Reveal("session_token", c.SessionToken); err != nil {
			return nil, kind.Faults{{Path: "session_token", Message: err.Error()}}
		}
	}
	// S3 alone takes paths as they are sent; the others have them escaped once more for the signature.
	def.signer = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.Service == "s3" })
	return def, nil
}

// Sign sets the headers Authorization, X-Amz-Date and, for temporary credentials, X-Amz-Security-Token; for S3 also the
// hash of the body.
func (d *definition) Sign(ctx context.Context, req *http.Request, body []byte) error {
	u := *req.URL // the signer changes it, and it may be of many requests
	req.URL = &u
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		req.Header.Del(name) // the signer writes into the values that are there
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if d.config.Service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	defer unsigned(req.Header)()
	if err := d.signer.SignHTTP(ctx, d.credentials, req, hash, d.config.Service, d.config.Region, d.now()); err != nil {
		return service.Errorf(service.Internal, "the request cannot be signed for AWS: %w", err)
	}
	return nil
}

// unsigned takes out the headers that whoever stands between may change, so that no signature is over them; what it gives puts
// them back.
func unsigned(h http.Header) (back func()) {
	names := []string{"Traceparent", "Tracestate"}
	kept := make([][]string, len(names))
	for i, name := range names {
		kept[i] = h[name]
		delete(h, name)
	}
	return func() {
		for i, name := range names {
			if kept[i] != nil {
				h[name] = kept[i]
			}
		}
	}
}
