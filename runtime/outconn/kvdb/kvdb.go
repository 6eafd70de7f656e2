// Package kvdb is the key/value database that services use as self.kvdb.conn: Redis, over go-redis.
//
// Any command is called by its name, in any case, as redis-py names its methods: lrange("key", 0, -1),
// delete("a", "b"), config_get("maxmemory"), set("key", "value", ex=10, nx=True). Replies are in the neutral form, in
// redis-py's shapes, and do not depend on the Redis at the other end: the RESP2 protocol is spoken, whose replies keep
// their order. Commands that change a connection rather than the data (SELECT, MULTI, SUBSCRIBE, ...) are
// refused: connections are shared.
//
// It may be one server, a primary behind sentinels or a Redis Cluster; redisurl says how a URL names them. In a cluster a
// command's keys must share a slot, and commands without a key that would see one node of several are refused.
//
// A command is sent once. A Redis that is down is an Upstream error (502), one that is too slow a Timeout (504), one that
// cannot take the command now (it loads its data, it is a replica) Unavailable (503); what Redis says
// of a command itself (a wrong type, an unknown command) is the service's mistake (500).
package kvdb

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/parley-run/parley/redisurl"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/outconn"
	"github.com/parley-run/parley/runtime/service"
)

// Config is what a definition holds.
type Config struct {
	URL string `json:"url" kind:"required" doc:"redis://[user:password@]host:port/database, rediss:// for TLS, redis+sentinel://host,host/master/database or redis+cluster://host,host"`
}

// Check finds everything that is wrong with the values. The address is not repeated: it may hold a password.
func (c Config) Check() kind.Faults {
	var faults kind.Faults
	if _, err := redisurl.Parse(c.URL); err != nil {
		faults.Add("url", "%s", err)
	}
	return faults
}

// Kind is the row for the node's table of kinds.
func Kind() outconn.Kind {
	return outconn.Define("kvdb", "the key/value database that services use: Redis", []string{"kvdb"}, Config{}, build)
}

// Quiet switches off go-redis's own log. It is one for the whole process and writes a line to standard error for each
// failed dial, which callers get as an error anyway: call it once where a process starts.
func Quiet() { logging.Disable() }

// conn implements outconn.Conn.
type conn struct {
	client *redisurl.Client
	target *redisurl.Target
}

func build(cfg Config, _ outconn.Deps) (outconn.Conn, error) {
	target, err := redisurl.Parse(cfg.URL)
	if err != nil {
		return nil, cfg.Check().Err()
	}
	client, err := target.Open()
	if err != nil {
		return nil, fmt.Errorf("KVDB: %w", err)
	}
	return &conn{client: client, target: target}, nil
}

// once is a command that is not sent again where its answer is lost: a second RPUSH may be one too many.
type once struct{ *redis.Cmd }

// NoRetry tells the client of a Redis Cluster, which would; others never do.
func (once) NoRetry() bool { return true }

// Call sends one command: its name is the method, or the first words of args follow it ("config", "get", "x").
func (c *conn) Call(ctx context.Context, method string, args []any, kwargs map[string]any) (any, error) {
	cmd, err := parse(method, args, kwargs)
	if err != nil {
		return nil, err
	}
	if c.target.IsCluster() {
		if why := refusedInCluster(cmd.name); why != "" {
			return nil, misuse(cmd.name, "it is not available in a Redis Cluster: %s", why)
		}
	}
	if blocks(cmd) {
		return c.block(ctx, cmd)
	}
	return c.send(ctx, c.client, cmd)
}

// sender is a client of go-redis.
type sender interface {
	Process(ctx context.Context, cmd redis.Cmder) error
}

func (c *conn) send(ctx context.Context, to sender, cmd command) (any, error) {
	sent := redis.NewCmd(ctx, cmd.words...)
	_ = to.Process(ctx, once{sent}) // it is the result's error, too
	v, err := sent.Result()
	if err != nil {
		return c.failed(ctx, cmd, err)
	}
	return shape(cmd, v), nil
}

// block sends a command that waits, such as BLPOP, on a connection of its own, so that it holds up nobody, and ends
// when ctx does: closing the connection is the one way to make Redis forget it.
func (c *conn) block(ctx context.Context, cmd command) (any, error) {
	client, err := c.client.Apart(ctx, firstKey(cmd))
	if err != nil {
		return c.failed(ctx, cmd, err)
	}
	defer func() { _ = client.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	return c.send(ctx, client, cmd)
}

// Ping says PONG and how long it took.
func (c *conn) Ping(ctx context.Context) (string, error) {
	start := time.Now()
	answer, err := c.client.Ping(ctx).Result()
	if err != nil {
		_, err = c.failed(ctx, command{name: "PING"}, err)
		return "", err
	}
	return fmt.Sprintf("PING %s\nAnswer: %s\nResponse time: %s", c.target.Name(), answer, time.Since(start)), nil
}

// Close lets go of the connections.
func (c *conn) Close(context.Context) error {
	if err := c.client.Close(); err != nil {
		return service.Errorf(service.Internal, "KVDB: %w", err)
	}
	return nil
}
