package node

import (
	"context"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/parley-run/parley/runtime/service"
)

// ping answers GET /parley/ping, and /parley/ping2: the process serves.
func (n *Node) ping(w http.ResponseWriter, which string) {
	cid := service.NewCID()
	n.write(w, http.StatusOK, cid, n.pong(which, cid))
}

// pong is what a ping is answered.
func (n *Node) pong(which, cid string) *service.Object {
	env := service.ObjectOf("details", "", "result", n.names.OK, "cid", cid)
	return service.ObjectOf(n.names.Env, env, n.names.System()+"_"+which+"_response", service.ObjectOf("pong", n.names.System()))
}

// pinged is the service parley.ping: the same through a channel, such as one that asks who calls. SOAP has it in the form
// that Zato gives its own services' output.
func (n *Node) pinged(_ context.Context, req *service.Request) (*service.Response, error) {
	if req.Via == nil || req.Via.Kind != "channel_soap" {
		return &service.Response{Payload: n.pong("ping", req.CID)}, nil
	}
	element, env := n.names.System()+"_ping_response", n.names.Env
	var namespace strings.Builder
	if err := xml.EscapeText(&namespace, []byte(n.names.Namespace)); err != nil {
		return nil, err
	}
	return &service.Response{Payload: "<" + element + ` xmlns="` + namespace.String() + `"><` + env + "><cid>" + req.CID + "</cid><result>" + n.names.OK + "</result></" + env +
		"><item><pong>" + n.names.System() + "</pong></item></" + element + ">"}, nil
}
