package steps_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/parley-run/parley/steps"
)

// upload is what a Zato server got.
type upload struct {
	method, user, password string
	body                   map[string]string
}

// uploadServer takes services as Zato does, where the password is right.
func uploadServer(t *testing.T) (address string, got *upload) {
	t.Helper()
	got = &upload{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.method = r.Method
		got.user, got.password, _ = r.BasicAuth()
		_ = json.NewDecoder(r.Body).Decode(&got.body)
		if got.password != "s3cr3t" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"zato_env": {"result": "ZATO_ERROR"}}`))
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func TestUploadingAZatoService(t *testing.T) {
	address, got := uploadServer(t)
	t.Setenv("SERVER", address)
	t.Setenv("MODULE", "json/response/details.json")
	conn := "Given I store \"1\" \"${SERVER}/zato/json/zato.service.upload-package\" \"pubapi\" \"s3cr3t\" under Zato \"conn\"\n"
	for _, row := range []struct{ name, before string }{
		{"by its value", conn + "When I upload a Zato service from \"$MODULE\" to \"#conn\"\n"},
		{"by its name", conn + "When I upload a Zato service from \"$MODULE\" to \"conn\"\n"},
		{"a path behind the address", "Given I store \"1\" \"/upload\" \"pubapi\" \"s3cr3t\" under Zato \"conn\"\nWhen I upload a Zato service from \"$MODULE\" to \"#conn\"\n"},
	} {
		*got = upload{}
		checkRows(t, []thenRow{{row.before, `I sleep for "0"`, ""}}, `Given address "$SERVER"`, steps.Options{})
		assert.Equal(t, upload{method: "GET", user: "pubapi", password: "s3cr3t", body: map[string]string{
			"cluster_id": "1", "payload": base64.StdEncoding.EncodeToString([]byte(details)), "payload_name": "details.json",
		}}, *got, row.name)
	}
}

func TestAZatoServiceThatIsNotTakenSaysWhy(t *testing.T) {
	address, _ := uploadServer(t)
	t.Setenv("SERVER", address)
	for _, row := range []struct{ name, before, want string }{
		{
			"refused", "Given I store \"1\" \"/upload\" \"pubapi\" \"wr0ng-one\" under Zato \"conn\"\nWhen I upload a Zato service from \"json/response/details.json\" to \"#conn\"\n",
			"expected: 200 OK\n  got:      403 Forbidden",
		},
		{
			"the reply", "Given I store \"1\" \"/upload\" \"pubapi\" \"wr0ng-one\" under Zato \"conn\"\nWhen I upload a Zato service from \"json/response/details.json\" to \"#conn\"\n",
			"ZATO_ERROR",
		},
		{
			"no such file", "Given I store \"1\" \"/upload\" \"pubapi\" \"wr0ng-one\" under Zato \"conn\"\nWhen I upload a Zato service from \"nobody.py\" to \"#conn\"\n",
			`no file "nobody.py"`,
		},
		{"no connection", "When I upload a Zato service from \"json/response/details.json\" to \"conn\"\n", "this is no connection to Zato"},
	} {
		t.Run(row.name, func(t *testing.T) {
			text := socketSays(t, row.before, steps.Options{})
			assert.Contains(t, text, row.want)
			assert.NotContains(t, text, "wr0ng-one")
		})
	}
}
