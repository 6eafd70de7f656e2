package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/channel/rest"
	"github.com/parley-run/parley/runtime/service"
	"github.com/parley-run/parley/runtime/sio"
)

func ExampleKind() {
	greet := service.HandlerFunc(func(_ context.Context, req *service.Request) (*service.Response, error) {
		name := req.Input.(*service.Object).Text("name")
		return &service.Response{Payload: service.ObjectOf("greeting", "Hello, "+name)}, nil
	})
	shape := &service.Shape{Input: []service.Field{{Name: "name", Required: true}}, Output: []service.Field{{Name: "greeting"}}}

	config, err := rest.Kind().Parse([]byte(`{"service": "greet", "url_path": "/greet/{name}", "method": "GET", "timeout": "2s"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	built, err := rest.Kind().New(config, channel.Deps{
		Name: "Greetings", Names: service.ParleyNames(),
		Handle: sio.Wrap(greet, shape, sio.Options{Format: sio.JSON, Names: service.ParleyNames(), Service: "greet"}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	mounted := built.(channel.HTTP)
	mux := http.NewServeMux()
	mux.Handle("GET "+mounted.Route().Path, mounted)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/greet/Sean", http.NoBody))
	fmt.Println(w.Code, w.Body)
	// Output: 200 {"response":{"greeting":"Hello, Sean"}}
}

func ExampleWriteError() {
	w := httptest.NewRecorder()
	rest.WriteError(w, service.ParleyNames(), sio.JSON, "0a1b", service.Errorf(service.NotFound, "no channel at /nowhere"))
	fmt.Println(w.Code, w.Body)
	// Output: 404 {"parley_env":{"cid":"0a1b","result":"PARLEY_ERROR","details":"no channel at /nowhere"}}
}
