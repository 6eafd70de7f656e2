package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// Messenger is what RedisHints need of a client of Redis.
type Messenger interface {
	Publish(ctx context.Context, channel string, message any) *redis.IntCmd
	Subscribe(ctx context.Context, channels ...string) *redis.PubSub
}

// RedisHints carry hints by Redis's publish and subscribe.
type RedisHints struct {
	client  Messenger
	channel string
	log     *slog.Logger
}

// NewRedisHints carries the hints of the cluster of that name over client, which stays its owner's to close.
// Clusters of different names may share a Redis.
func NewRedisHints(client Messenger, cluster string, log *slog.Logger) *RedisHints {
	return &RedisHints{client: client, channel: "parley:" + cluster + ":revision", log: log}
}

// Publish implements Hints.
func (h *RedisHints) Publish(ctx context.Context, revision int64) error {
	if err := h.client.Publish(ctx, h.channel, revision).Err(); err != nil {
		return fmt.Errorf("cluster: publish a hint to Redis: %w", err)
	}
	return nil
}

// Subscribe implements Hints. The client dials again and subscribes again for as long as it takes.
func (h *RedisHints) Subscribe(ctx context.Context) <-chan int64 {
	out := make(chan int64, 1)
	go func() { // ends with ctx
		defer close(out)
		sub := h.client.Subscribe(ctx, h.channel)
		defer func() { _ = sub.Close() }() // nothing more is wanted of it
		messages := sub.Channel()
		for {
			select {
			case <-ctx.Done():
				return
			case m, ok := <-messages:
				if !ok {
					return
				}
				revision, err := strconv.ParseInt(m.Payload, 10, 64)
				if err != nil {
					h.log.Warn("hint ignored: no revision", "channel", m.Channel, "err", err)
					continue
				}
				latest(out, revision)
			}
		}
	}()
	return out
}
