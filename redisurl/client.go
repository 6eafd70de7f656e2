package redisurl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Commands are what is used of go-redis's clients. It is no redis.UniversalClient: a program that calls methods by name, as
// html/template does, carries each of the several hundred that it knows of.
type Commands interface {
	redis.Scripter
	Process(ctx context.Context, cmd redis.Cmder) error
	Do(ctx context.Context, args ...any) *redis.Cmd
	Ping(ctx context.Context) *redis.StatusCmd
	Get(ctx context.Context, key string) *redis.StringCmd
	Set(ctx context.Context, key string, value any, expiration time.Duration) *redis.StatusCmd
	SetArgs(ctx context.Context, key string, value any, a redis.SetArgs) *redis.StatusCmd
	Del(ctx context.Context, keys ...string) *redis.IntCmd
	Exists(ctx context.Context, keys ...string) *redis.IntCmd
	LLen(ctx context.Context, key string) *redis.IntCmd
	LRange(ctx context.Context, key string, start, stop int64) *redis.StringSliceCmd
	TxPipelined(ctx context.Context, fn func(redis.Pipeliner) error) ([]redis.Cmder, error)
	Publish(ctx context.Context, channel string, message any) *redis.IntCmd
	Subscribe(ctx context.Context, channels ...string) *redis.PubSub
	Close() error
}

// Client is a client of go-redis that sends what it is given once: nothing is sent again by itself on one server or behind
// sentinels. A Redis Cluster's client follows redirections, and sends again what was lost unless the command's NoRetry
// is true.
type Client struct {
	Commands
	target    *Target
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	sentinels *sentinels // nil: none are asked
}

// Open makes a client. It neither dials nor blocks; a file of TLS that cannot be read is an error. The caller closes it.
func (t *Target) Open() (*Client, error) {
	config, err := t.TLS()
	if err != nil {
		return nil, err
	}
	d := dialer{timeout: t.options.dial, tls: config, several: t.form != single}
	c := &Client{target: t, dial: attempt(d.dial)}
	switch t.form {
	case sentinel:
		c.sentinels = newSentinels(t, d)
		c.dial = attempt(c.sentinels.dial)
		c.Commands = redis.NewClient(c.options())
	case cluster:
		c.Commands = redis.NewClusterClient(c.clusterOptions())
	default:
		c.Commands = redis.NewClient(c.options())
	}
	return c, nil
}

// options are those of one server. RESP2 is spoken: its replies do not depend on the server's age.
func (c *Client) options() *redis.Options {
	t := c.target
	o := &redis.Options{
		Network: t.network, Addr: t.addresses[0], Dialer: c.dial,
		Username: t.user, Password: t.password, DB: t.db, ClientName: t.options.clientName,
		MaxRetries:  -1,
		DialTimeout: t.options.dial, DialerRetries: 1, ReadTimeout: t.options.read, WriteTimeout: t.options.write, ContextTimeoutEnabled: true,
		PoolSize: t.options.poolSize, PoolTimeout: t.options.poolWait,
		Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	return o
}

func (c *Client) clusterOptions() *redis.ClusterOptions {
	t := c.target
	return &redis.ClusterOptions{
		Addrs: t.addresses, Dialer: c.dial,
		Username: t.user, Password: t.password, ClientName: t.options.clientName,
		MaxRetries: -1, DisableRoutingPolicies: true, // a command goes to one node, and its answer is that node's
		DialTimeout: t.options.dial, DialerRetries: 1, ReadTimeout: t.options.read, WriteTimeout: t.options.write, ContextTimeoutEnabled: true,
		PoolSize: t.options.poolSize, PoolTimeout: t.options.poolWait,
		Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// Apart makes a client with one connection of its own and no bound to the wait for an answer, for a command that waits for
// data. In a Redis Cluster it is of the node that holds key. Closing it is what ends the wait.
func (c *Client) Apart(ctx context.Context, key string) (*redis.Client, error) {
	o := c.options()
	if nodes, ok := c.Commands.(*redis.ClusterClient); ok {
		node, err := nodes.MasterForKey(ctx, key)
		if err != nil {
			return nil, err
		}
		o.Addr = node.Options().Addr
	}
	o.PoolSize, o.ReadTimeout = 1, -1
	return redis.NewClient(o), nil
}

// Refresh makes the client of a Redis Cluster ask again which node holds what, in the background; others need not.
func (c *Client) Refresh(ctx context.Context) {
	if nodes, ok := c.Commands.(*redis.ClusterClient); ok {
		nodes.ReloadState(ctx)
	}
}

// Check says whether it answers: each master of a Redis Cluster must.
func (c *Client) Check(ctx context.Context) error {
	if nodes, ok := c.Commands.(*redis.ClusterClient); ok {
		return nodes.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return node.Ping(ctx).Err() })
	}
	return c.Ping(ctx).Err()
}

// Target is what the client is of.
func (c *Client) Target() *Target { return c.target }

// Close closes the connections.
func (c *Client) Close() error {
	err := c.Commands.Close()
	if c.sentinels != nil {
		err = errors.Join(err, c.sentinels.close())
	}
	if err != nil {
		return fmt.Errorf("Redis at %s: %w", c.target.Name(), err) //nolint:staticcheck // a name
	}
	return nil
}

// Hide puts xxxxx for the URL's passwords in text that came from elsewhere: some servers repeat what they do not know.
func (t *Target) Hide(text string) string {
	for _, secret := range t.Passwords() {
		text = hide(text, secret)
	}
	return text
}

// Passwords are those in the URL, for those who mask what they print.
func (t *Target) Passwords() []string {
	var all []string
	for _, secret := range []string{t.password, t.options.sentinelPass} {
		if secret != "" {
			all = append(all, secret)
		}
	}
	return all
}

// hide replaces secret where it stands as a word.
func hide(text, secret string) string {
	var b strings.Builder
	for {
		at := strings.Index(text, secret)
		if at < 0 {
			return b.String() + text
		}
		before, _ := utf8.DecodeLastRuneInString(b.String() + text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(secret):])
		word := func(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
		if word(before) || word(after) {
			b.WriteString(text[:at+len(secret)])
		} else {
			b.WriteString(text[:at] + hidden)
		}
		text = text[at+len(secret):]
	}
}
