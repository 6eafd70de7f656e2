package mocks

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AWSAuth is an access key of AWS, which signs requests by Signature Version 4.
type AWSAuth struct {
	AccessKey    string `yaml:"access_key"`
	SecretKey    string `yaml:"secret_key"`
	SessionToken string `yaml:"session_token"` // of temporary credentials; empty: none may be there
	Region       string `yaml:"region"`
	Service      string `yaml:"service"`
}

const (
	awsAlgorithm = "AWS4-HMAC-SHA256"
	awsTime      = "20060102T150405Z"
	awsSkew      = 5 * time.Minute // that a signature's time may be off, as at AWS
)

// signature is the header Authorization, taken apart.
type signature struct {
	scope   string // all of Credential behind the key
	headers []string
	value   string
}

func (a *AWSAuth) verify(r *http.Request, body []byte) *refusal {
	if err := a.signed(r, body); err != nil {
		return &refusal{awsAlgorithm, err.Error()}
	}
	return nil
}

func (a *AWSAuth) signed(r *http.Request, body []byte) error {
	sig, err := a.parse(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(awsTime, stamp)
	if err != nil {
		return fmt.Errorf("header X-Amz-Date is %q; expected a time such as %s", stamp, awsTime)
	}
	if off := time.Since(at); off.Abs() > awsSkew {
		return fmt.Errorf("the request was signed at %s, which is %s off", stamp, off.Round(time.Second))
	}
	scope := strings.Join([]string{stamp[:8], a.Region, a.Service, "aws4_request"}, "/")
	if sig.scope != scope {
		return fmt.Errorf("the signature is for %s, the stub is %s", sig.scope, scope)
	}
	if token := r.Header.Get("X-Amz-Security-Token"); token != a.SessionToken {
		return fmt.Errorf("header X-Amz-Security-Token is not the session token (there is one: %v)", token != "")
	}
	for _, name := range a.mustSign(r) {
		if !slices.Contains(sig.headers, name) {
			return fmt.Errorf("header %s is not signed", name)
		}
	}
	hash := sha256.Sum256(body)
	sent := hex.EncodeToString(hash[:])
	if told := r.Header.Get("X-Amz-Content-Sha256"); told != "" && told != sent {
		return fmt.Errorf("header X-Amz-Content-Sha256 is %s, the body's hash is %s", told, sent)
	}
	canonical := strings.Join([]string{r.Method, a.path(r.URL), query(r.URL.Query()), headers(r, sig.headers), strings.Join(sig.headers, ";"), sent}, "\n")
	of := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + a.SecretKey)
	for _, part := range append(strings.Split(scope, "/"), strings.Join([]string{awsAlgorithm, stamp, scope, hex.EncodeToString(of[:])}, "\n")) {
		h := hmac.New(sha256.New, key)
		_, _ = h.Write([]byte(part)) // which never fails
		key = h.Sum(nil)
	}
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(key)), []byte(sig.value)) != 1 {
		return fmt.Errorf("the signature does not fit; signed should be:\n%s", canonical)
	}
	return nil
}

// mustSign are the headers that a signature without is none, in lower case.
func (a *AWSAuth) mustSign(r *http.Request) []string {
	must := []string{"host"}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
			must = append(must, lower)
		}
	}
	return must
}

func (a *AWSAuth) parse(header string) (sig signature, err error) {
	text, ok := strings.CutPrefix(header, awsAlgorithm+" ")
	if !ok {
		return sig, fmt.Errorf("header Authorization has no %s", awsAlgorithm)
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			key, scope, _ := strings.Cut(value, "/")
			if key != a.AccessKey {
				return sig, fmt.Errorf("the access key is %q, the stub has %q", key, a.AccessKey)
			}
			sig.scope = scope
		case "SignedHeaders":
			sig.headers = strings.Split(value, ";")
		case "Signature":
			sig.value = value
		}
	}
	return sig, nil
}

// path is as it was sent for S3; for all others it is escaped once more.
func (a *AWSAuth) path(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if a.Service == "s3" {
		return path
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = awsEscape(s)
	}
	return strings.Join(segments, "/")
}

func query(values url.Values) string {
	var all []string
	for name, list := range values {
		for _, v := range list {
			all = append(all, awsEscape(name)+"="+awsEscape(v))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "&")
}

// awsEscape is RFC 3986's: a space is %20, and - . _ ~ stay.
func awsEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// headers are the signed ones, each on its line, and an empty line.
func headers(r *http.Request, names []string) string {
	var b strings.Builder
	for _, name := range names {
		var values []string
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		default:
			for _, v := range r.Header.Values(name) {
				values = append(values, strings.Join(strings.Fields(v), " "))
			}
		}
		b.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	return b.String()
}
