package aws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/aws"
)

func build(t *testing.T, raw string) security.Definition {
	t.Helper()
	c, err := aws.Kind().Parse([]byte(raw))
	require.NoError(t, err)
	d, err := aws.Kind().New(c, security.Deps{Name: "Bucket", Reveal: func(_ string, s kind.Secret) (string, error) { return s.Form(), nil }})
	require.NoError(t, err)
	aws.At(d, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	return d
}

// sign signs a request; headers are names and values in turn.
func sign(t *testing.T, d security.Definition, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	require.NoError(t, d.(security.Signer).Sign(t.Context(), r, []byte(body)))
	return r
}

const definition = `{"access_key":"AKIDEXAMPLE","secret_key":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY","region":"us-east-1","service":"service"%s}`

const unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// TestPublishedVectors has requests and signatures of AWS's own test suite for Signature Version 4 (aws-signing-test-suite/v4
// of github.com/awslabs/aws-c-auth), by the names that they have there.
func TestPublishedVectors(t *testing.T) {
	const token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
	for _, tt := range []struct {
		name, method, target, body string
		headers                    []string
		signed, signature          string
	}{
		{"get-vanilla-empty-query-key", "GET", "/?Param1=value1", "", nil, "host;x-amz-date", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", nil, "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"get-vanilla-utf8-query", "GET", "/?\u1234=bar", "", nil, "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
		{"get-vanilla-query-unreserved", "GET", "/?" + unreserved + "=" + unreserved, "", nil, "host;x-amz-date", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
		{"get-unreserved", "GET", "/" + unreserved, "", nil, "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
		{
			"get-header-value-trim", "GET", "/", "",
			[]string{"My-Header1", " value1", "My-Header2", ` "a   b   c"`},
			"host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
		},
		{"post-vanilla", "POST", "/", "", nil, "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{
			"post-header-key-sort", "POST", "/", "",
			[]string{"My-Header1", "value1"},
			"host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
		},
		{
			"post-x-www-form-urlencoded", "POST", "/", "Param1=value1",
			[]string{"Content-Type", "application/x-www-form-urlencoded", "x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"},
			"content-length;content-type;host;x-amz-content-sha256;x-amz-date", "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
		},
		{
			"get-vanilla-with-session-token", "GET", "/", "", nil,
			"host;x-amz-date;x-amz-security-token", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			more := ""
			if strings.HasSuffix(tt.name, "token") {
				more = `,"session_token":"` + token + `"`
			}
			r := sign(t, build(t, fmt.Sprintf(definition, more)), tt.method, "https://example.amazonaws.com"+tt.target, tt.body, tt.headers...)
			assert.Equal(t, "20150830T123600Z", r.Header.Get("X-Amz-Date"))
			assert.Equal(t, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders="+tt.signed+", Signature="+tt.signature,
				r.Header.Get("Authorization"))
			if more != "" {
				assert.Equal(t, token, r.Header.Get("X-Amz-Security-Token"))
			}
		})
	}
}

// judge signs the requests of its input with botocore, and prints what Authorization would be.
const judge = `
import datetime, json, sys
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

class Frozen(datetime.datetime):
    @classmethod
    def utcnow(cls): return cls(2015, 8, 30, 12, 36, 0)
botocore.auth.datetime.datetime = Frozen
out = []
for one in json.load(sys.stdin):
    signer = botocore.auth.S3SigV4Auth if one["service"] == "s3" else botocore.auth.SigV4Auth
    r = AWSRequest(method=one["method"], url=one["url"], data=one["body"].encode(), headers=one["headers"])
    signer(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), one["service"], "us-east-1").add_auth(r)
    out.append(r.headers["Authorization"])
json.dump(out, sys.stdout)
`

// TestAgainstBotocore: AWS's own Python library signs what goes over the wire alike.
func TestAgainstBotocore(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import botocore").Run(); err != nil {
		if slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "botocore") {
			require.NoError(t, err)
		}
		t.Skip("botocore is not installed (Debian: python3-botocore)")
	}
	type request struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Body    string            `json:"body"`
		Service string            `json:"service"`
		Headers map[string]string `json:"headers"`
	}
	var all []request
	var ours []string
	for _, name := range []string{"service", "s3", "execute-api"} {
		d := build(t, strings.ReplaceAll(fmt.Sprintf(definition, ""), `"service":"service"`, `"service":"`+name+`"`))
		for _, target := range []string{
			"/", "/a/b?x=1", "/a%20b/%C3%BC%2Fz", "/a+b/(c)*'!", "/x?b=2&a=1&a=0&empty=", "/x?q=a%20b%2Bc&%7Euser=%E2%82%AC", "/with:colon,comma;semi@at=eq",
		} {
			for _, body := range []string{"", `{"name":"Zoë"}`} {
				r := sign(t, d, http.MethodPost, "https://bank.example.com"+target, body, "Content-Type", "application/json", "X-Parley-CID", "c1")
				one := request{http.MethodPost, r.URL.String(), body, name, map[string]string{}}
				for key := range r.Header {
					if key != "Authorization" && key != "X-Amz-Date" {
						one.Headers[key] = r.Header.Get(key)
					}
				}
				if body != "" {
					one.Headers["Content-Length"] = fmt.Sprint(len(body)) // botocore signs those of its input alone
				}
				all, ours = append(all, one), append(ours, r.Header.Get("Authorization"))
			}
		}
	}
	in, err := json.Marshal(all)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), python, "-c", judge)
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.Output()
	require.NoError(t, err)
	var theirs []string
	require.NoError(t, json.Unmarshal(out, &theirs))
	require.Len(t, theirs, len(ours))
	for i := range ours {
		assert.Equal(t, theirs[i], ours[i], "%s %s", all[i].Service, all[i].URL)
	}
}

// TestSharedValuesStay: headers and the URL of a connection are those of all its requests.
func TestSharedValuesStay(t *testing.T) {
	d := build(t, fmt.Sprintf(definition, ""))
	shared := http.Header{"Authorization": {"own"}, "X-Amz-Date": {"own"}}
	first, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://example.amazonaws.com/?b=1&a=2", http.NoBody)
	require.NoError(t, err)
	url := first.URL
	for name, values := range shared {
		first.Header[name] = values
	}
	require.NoError(t, d.(security.Signer).Sign(t.Context(), first, nil))
	assert.Equal(t, http.Header{"Authorization": {"own"}, "X-Amz-Date": {"own"}}, shared)
	assert.Equal(t, "b=1&a=2", url.RawQuery)
	assert.Equal(t, "a=2&b=1", first.URL.RawQuery)
	_, err = io.Copy(io.Discard, first.Body)
	require.NoError(t, err)
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct{ raw, want string }{
		{`{}`, "access_key: missing; region: missing; service: missing; secret_key: missing"},
		{`{"access_key":"a/b","secret_key":"x","region":"r","service":"s"}`, `access_key: "a/b" holds a character that no signature can`},
		{`{"access_key":"a","secret_key":"c4nary","region":"eu central","service":"s"}`, `region: "eu central"`},
	} {
		_, err := aws.Kind().Parse([]byte(tt.raw))
		require.ErrorContains(t, err, tt.want)
		assert.NotContains(t, err.Error(), "c4nary")
	}
	d := build(t, fmt.Sprintf(definition, ""))
	_, guards := d.(security.Guard)
	assert.False(t, guards)
}
