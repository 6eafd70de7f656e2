package node

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/parley-run/parley/runtime/security"
	"github.com/parley-run/parley/runtime/security/jwt"
	"github.com/parley-run/parley/runtime/service"
)

// revocations keeps the tokens that were given up in the cluster's Redis, for as long as they would count.
type revocations struct{ node *Node }

// revokedTime bounds how long Redis may take: requests wait for it.
const revokedTime = 2 * time.Second

func (r revocations) key(id string) string {
	return "parley:" + r.node.folder.Cluster.Name + ":revoked:" + id
}

// Revoke is of security.Revocations.
func (r revocations) Revoke(ctx context.Context, id string, until time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, revokedTime)
	defer cancel()
	return r.node.redis.Set(ctx, r.key(id), "1", max(until.Sub(r.node.now()), time.Second)).Err()
}

// IsRevoked is of security.Revocations.
func (r revocations) IsRevoked(ctx context.Context, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, revokedTime)
	defer cancel()
	n, err := r.node.redis.Exists(ctx, r.key(id)).Result()
	return n > 0, err
}

// logInIn is the input of parley.security.jwt.log-in.
type logInIn struct {
	Definition string `sio:",optional" doc:"name of the security definition; empty: the one whose user that is"`
	Username   string
	Password   string `sio:",secret"`
}

// logOutIn is the input of parley.security.jwt.log-out.
type logOutIn struct {
	Token string `sio:",optional,secret" doc:"the token; empty: the one in the header Authorization"`
}

// ownServices are those of every server, which channels may expose.
func (n *Node) ownServices() []service.Service {
	in := service.New("parley.security.jwt.log-in", n.logIn).WithDoc("gives a token to the user of a security definition")
	logIn := in.Handler
	in.Handler = service.HandlerFunc(func(ctx context.Context, req *service.Request) (*service.Response, error) {
		res, err := logIn.Handle(security.From(ctx, req.Remote), req)
		if err == nil {
			res.Header = map[string][]string{"Cache-Control": {"no-store"}}
		}
		return res, err
	})
	out := service.New("parley.security.jwt.log-out", func(context.Context, service.Runtime, logOutIn) (any, error) { return nil, nil }).
		WithDoc("makes a token worthless on all servers")
	out.Handler = service.HandlerFunc(n.logOut)
	ping := service.Service{Name: "parley.ping", Doc: "answers that this server serves", Handler: service.HandlerFunc(n.pinged)}
	return []service.Service{in, out, ping}
}

// isOwn says whether that service is one of ownServices.
func (n *Node) isOwn(name string) bool {
	return slices.ContainsFunc(n.ownServices(), func(s service.Service) bool { return s.Name == name })
}

// issuers are the definitions that give tokens, by name.
func (s *state) issuers() map[string]security.Issuer {
	out := map[string]security.Issuer{}
	for name, bound := range s.security {
		if issuer, ok := bound.definition.(security.Issuer); ok {
			out[name] = issuer
		}
	}
	return out
}

// refusedToken is what all get who do not log in: it says nothing of which definitions or users there are.
func refusedToken(why string) error {
	e := security.Refused("Bearer")
	e.Err = errors.New(why)
	return e
}

func (n *Node) logIn(ctx context.Context, rt service.Runtime, in logInIn) (any, error) {
	s, _ := rt.(*state)
	issuers := s.issuers()
	issuer := issuers[in.Definition]
	if in.Definition == "" {
		var found []string
		for _, name := range slices.Sorted(maps.Keys(issuers)) {
			if issuer == nil { // the same work for a user that nobody knows
				issuer = issuers[name]
			}
			if issuers[name].User() == in.Username {
				issuer, found = issuers[name], append(found, name)
			}
		}
		if len(found) > 1 {
			return nil, refusedToken("several definitions have that user; the caller must name one by definition")
		}
	}
	if issuer == nil {
		return nil, refusedToken("there is no such definition that gives tokens")
	}
	token, err := issuer.LogIn(ctx, in.Username, in.Password)
	if err != nil {
		return nil, err
	}
	return service.ObjectOf("token", token.Text, "token_type", token.Type, "expires_in", int64(token.Expires.Sub(n.now()).Round(time.Second).Seconds())), nil
}

func (n *Node) logOut(ctx context.Context, req *service.Request) (*service.Response, error) {
	s := stateFrom(ctx)
	input, _ := req.Input.(*service.Object)
	given, _ := input.Get("token")
	text, _ := given.(string)
	if text == "" {
		text, _ = jwt.Bearer(req.Header)
	}
	if text == "" {
		return nil, refusedToken("no token was shown")
	}
	// Whose token it is only its key tells.
	issuers := s.issuers()
	err := refusedToken("there is no definition that gives tokens")
	for _, name := range slices.Sorted(maps.Keys(issuers)) {
		if err = issuers[name].LogOut(ctx, text); err == nil || service.AsError(err).Code != service.Unauthenticated {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return &service.Response{}, nil
}
