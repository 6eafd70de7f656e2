package admin

import (
	"net/http"
	"strconv"

	"github.com/parley-run/parley/runtime/openapi"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

// openAPIPath is where the description of this process's own services is.
const openAPIPath = Path + "openapi.json"

// describe is the OpenAPI document of the services of this process; a peer has one of its own.
func (a *API) describe() ([]byte, error) {
	a.once.Do(func() {
		security := []openapi.Security{
			{Name: "token", Scheme: service.ObjectOf("type", "http", "scheme", "bearer", "description", "the cluster's token")},
			{Name: "password", Scheme: service.ObjectOf("type", "http", "scheme", "basic", "description", "a user's name and password")},
		}
		operations := make([]openapi.Operation, len(a.Services))
		for i, s := range a.Services {
			operations[i] = openapi.Operation{
				Channel: s.Name, Service: s.Name, Doc: s.Doc + ".\n\nPermission: " + string(s.Needed()), Path: Path + s.Name, Methods: []string{http.MethodPost},
				Format: sio.JSON, Shape: s.Shape, Security: security,
			}
		}
		a.document, a.undescribed = openapi.Document(openapi.Info{Title: "Parley admin API", Version: "1", Names: service.ParleyNames()}, operations)
	})
	return a.document, a.undescribed
}

func (a *API) serveOpenAPI(w http.ResponseWriter, r *http.Request, cid string) {
	raw, err := a.describe()
	if err != nil {
		a.fail(w, r, cid, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = w.Write(raw) // the client may have gone
}
