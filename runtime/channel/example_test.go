package channel_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

// greeting is the config of a kind of channel that answers with a word before the service's text.
type greeting struct {
	channel.Base
	Path string `json:"path" doc:"where it lives"`
	Word string `json:"word" doc:"what stands before the answer"`
}

type greeter struct {
	config greeting
	deps   channel.Deps
}

func (g greeter) Route() channel.Route {
	return channel.Route{Methods: []string{"GET"}, Path: g.config.Path}
}

func (g greeter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	res, err := g.deps.Handle.Handle(r.Context(), &service.Request{CID: service.NewCID(), Channel: g.deps.Name, Method: r.Method})
	if err != nil {
		http.Error(w, err.Error(), service.AsError(err).HTTPStatus())
		return
	}
	_, _ = io.WriteString(w, g.config.Word+" "+string(res.Raw))
}

func ExampleDefine() {
	kind := channel.Define("channel_greeting", "answers politely", greeting{Word: "Hello"},
		func(c greeting, d channel.Deps) (channel.Channel, error) { return greeter{c, d}, nil })

	_, err := kind.Parse([]byte(`{"service": "who", "pth": "/who"}`))
	fmt.Println(err)

	config, err := kind.Parse([]byte(`{"service": "who", "path": "/who"}`))
	if err != nil {
		panic(err)
	}
	answer := service.HandlerFunc(func(context.Context, *service.Request) (*service.Response, error) {
		return &service.Response{Raw: []byte("Sean")}, nil
	})
	built, err := kind.New(config, channel.Deps{Name: "Who", Handle: answer})
	if err != nil {
		panic(err)
	}
	mounted := built.(channel.HTTP)
	reply := httptest.NewRecorder()
	mounted.ServeHTTP(reply, httptest.NewRequest(http.MethodGet, mounted.Route().Path, nil))
	fmt.Println(reply.Body)
	// Output:
	// pth: unknown key; did you mean "path"?
	// Hello Sean
}
