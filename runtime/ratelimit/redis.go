package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis counts for all servers of a cluster. Safe for concurrent use.
type Redis struct {
	client  redis.Scripter
	prefix  string
	log     *slog.Logger
	now     func() time.Time
	away    atomic.Int64 // when it last failed, in Unix nanoseconds; 0: it did not
	command *redis.Script
}

// What a request waits for Redis at most, and how long it is then left alone.
const (
	patience = 250 * time.Millisecond
	pause    = time.Second
)

// ErrAway is of a Redis that failed a moment ago.
var ErrAway = errors.New("redis is away")

// NewRedis counts with client, which stays its owner's to close, for the cluster of that name.
func NewRedis(client redis.Scripter, cluster string, log *slog.Logger, now func() time.Time) *Redis {
	return &Redis{client: client, prefix: "parley:" + cluster + ":limit:", log: log, now: now, command: redis.NewScript(countScript)}
}

// countScript counts, and gives a key that has no end one: Redis runs it as one step.
const countScript = `
local n = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {n, left}`

// Count implements Counter.
func (r *Redis) Count(ctx context.Context, key string, window time.Duration) (int, time.Duration, error) {
	if since := r.away.Load(); since != 0 {
		if past := r.now().Sub(time.Unix(0, since)); past >= 0 && past < pause {
			return 0, 0, ErrAway
		}
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	got, err := r.command.Run(limited, r.client, []string{r.prefix + key}, window.Milliseconds()).Int64Slice()
	if err == nil && len(got) != 2 {
		err = fmt.Errorf("expected two numbers, not %v", got)
	}
	if err != nil {
		if ctx.Err() == nil && r.away.Swap(r.now().UnixNano()) == 0 {
			r.log.Warn("rate limits are counted by each server alone: Redis does not count", "err", err)
		}
		return 0, 0, err
	}
	if r.away.Load() != 0 && r.away.Swap(0) != 0 {
		r.log.Info("rate limits are counted for all servers again")
	}
	return int(got[0]), time.Duration(got[1]) * time.Millisecond, nil
}
