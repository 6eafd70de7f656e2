package kvdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/parley-run/parley/redisurl"
	"github.com/parley-run/parley/runtime/service"
)

// failed turns go-redis's error into one for the caller; no value is no error.
func (c *conn) failed(ctx context.Context, cmd command, err error) (any, error) {
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	e := &service.Error{Err: err}
	at := "KVDB at " + c.target.Name()
	var said redis.Error
	var away *redisurl.Unreachable
	var slow net.Error
	switch {
	case over(ctx):
		e.Code, e.Message = service.Timeout, fmt.Sprintf("%s: the caller's deadline passed while %s was not answered", at, cmd.name)
		if errors.Is(ctx.Err(), context.Canceled) {
			e.Message = fmt.Sprintf("%s: the caller went away while %s was not answered", at, cmd.name)
		}
	case errors.Is(err, redis.ErrPoolTimeout):
		e.Code = service.Timeout
		e.Message = fmt.Sprintf("%s: all %d connections were in use for %s", at, c.target.PoolSize(), c.target.PoolTimeout())
	case errors.As(err, &away):
		e.Code, e.Message = service.Upstream, fmt.Sprintf("%s cannot be reached: %s", at, away.Why)
		c.client.Refresh(context.WithoutCancel(ctx))
	case errors.As(err, &said):
		text := c.target.Hide(said.Error())
		e.Code, e.Message, e.Fix = codeOf(text), fmt.Sprintf("KVDB: %s: %s", strings.ToLower(cmd.name), text), fixOf(text)
	case errors.As(err, &slow) && slow.Timeout():
		e.Code, e.Message = service.Timeout, fmt.Sprintf("%s: %s was not answered within %s", at, cmd.name, c.target.ReadTimeout())
	default:
		e.Code, e.Message = service.Upstream, fmt.Sprintf("%s: %s was not answered: %s", at, cmd.name, c.target.Hide(redisurl.Reason(err)))
		c.client.Refresh(context.WithoutCancel(ctx))
	}
	return nil, e
}

// codeOf is the code for an error that Redis itself answered with.
func codeOf(text string) service.Code {
	word, _, _ := strings.Cut(text, " ")
	switch word {
	case "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "OOM", "MISCONF", "NOREPLICAS", "UNBLOCKED", "MOVED", "ASK":
		return service.Unavailable
	case "NOAUTH", "WRONGPASS":
		return service.Upstream
	}
	if strings.Contains(text, "max number of clients") {
		return service.Unavailable
	}
	return service.Internal
}

// fixOf is what a service can do about an error that Redis itself answered with, or "".
func fixOf(text string) string {
	if strings.HasPrefix(text, "CROSSSLOT") {
		return "in a Redis Cluster all keys of a command share one slot: give them the same tag in braces, such as {customer:1}:name and {customer:1}:type"
	}
	return ""
}

// over says whether the caller has gone. A connection's deadline, which is ctx's, passes a moment before ctx says so.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}
