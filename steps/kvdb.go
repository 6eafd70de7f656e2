package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/parley-run/parley/redisurl"
)

func kvdbSteps() []Step {
	return []Step{
		given(`Redis "{address}"`, "Looks at that Redis, where it is not the cluster's. docs/redis.md has the forms of its URL: one server, TLS, sentinels, a Redis Cluster.",
			`Redis "redis://127.0.0.1:6379/0"`, setRedis),
		either(`the Redis list "{key}" holds "{values}"`, "Makes it hold these texts, written with commas, and nothing else.",
			`the Redis list "myapp:fraud-detection:cust-type" holds "A,B"`, setList),
		either(`the Redis list "{key}" is empty`, "Takes everything out of it.", `the Redis list "jobs" is empty`, clearList),
		either(`the Redis key "{key}" is "{value}"`, "Sets it.", `the Redis key "rate" is "7"`, setKey),
		then(`the Redis list "{key}" holds "{values}"`, "It holds these texts in this order, and nothing else.",
			`the Redis list "myapp:fraud-detection:cust-type" holds "A,B"`, assertList),
		then(`the Redis list "{key}" is empty`, "There is nothing in it.", `the Redis list "jobs" is empty`, assertEmptyList),
		then(`the Redis list "{key}" has {count} element(s)`, "So many are in it.", `the Redis list "jobs" has 3 elements`, assertListLength),
		then(`the Redis key "{key}" is "{value}"`, "It is that text.", `the Redis key "rate" is "7"`, assertKey),
		then(`the Redis key "{key}" does not exist`, "There is no such key.", `the Redis key "rate" does not exist`, assertNoKey),
	}
}

func setRedis(_ context.Context, w *World, a Args) error {
	db, err := openRedis(a.Text(0))
	if err != nil {
		return err
	}
	for _, secret := range db.Target().Passwords() {
		w.suite.mask.Add("redis_password", secret)
	}
	w.redis = db
	w.OnClose(db.Close)
	return nil
}

// openRedis shows nothing of text, which may hold a password.
func openRedis(text string) (*redisurl.Client, error) {
	target, err := redisurl.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the address of Redis: %w", err)
	}
	db, err := target.Open()
	if err != nil {
		return nil, fmt.Errorf("the address of Redis: %w", err)
	}
	return db, nil
}

// kvdb is a client of the Redis that the scenario named, else of the cluster's.
func (w *World) kvdb() (*redisurl.Client, error) {
	if w.redis != nil {
		return w.redis, nil
	}
	return w.file.kvdb()
}

func setList(ctx context.Context, w *World, a Args) error {
	db, err := w.kvdb()
	if err != nil {
		return err
	}
	values, err := asList(a.Value(1))
	if err != nil {
		return err
	}
	list, _ := values.([]any)
	_, err = db.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, a.Text(0))
		for _, v := range list {
			p.RPush(ctx, a.Text(0), textOf(v))
		}
		return nil
	})
	return err
}

func clearList(ctx context.Context, w *World, a Args) error {
	db, err := w.kvdb()
	if err != nil {
		return err
	}
	return db.Del(ctx, a.Text(0)).Err()
}

func setKey(ctx context.Context, w *World, a Args) error {
	db, err := w.kvdb()
	if err != nil {
		return err
	}
	return db.Set(ctx, a.Text(0), a.Text(1), 0).Err()
}

func (w *World) list(ctx context.Context, key string) ([]any, error) {
	db, err := w.kvdb()
	if err != nil {
		return nil, err
	}
	values, err := db.LRange(ctx, key, 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("the Redis list %q: %w", key, err)
	}
	return texts(values), nil
}

func assertList(ctx context.Context, w *World, a Args) error {
	want, err := asList(a.Value(1))
	if err != nil {
		return err
	}
	got, err := w.list(ctx, a.Text(0))
	if err == nil && !equal(want, got) {
		return differs(fmt.Sprintf("the Redis list %q is not what was expected", a.Text(0)), want, got)
	}
	return err
}

func assertEmptyList(ctx context.Context, w *World, a Args) error {
	got, err := w.list(ctx, a.Text(0))
	if err == nil && len(got) > 0 {
		return differs(fmt.Sprintf("the Redis list %q is not empty", a.Text(0)), []any{}, got)
	}
	return err
}

func assertListLength(ctx context.Context, w *World, a Args) error {
	want, err := a.Int(1)
	if err != nil {
		return err
	}
	db, err := w.kvdb()
	if err != nil {
		return err
	}
	got, err := db.LLen(ctx, a.Text(0)).Result()
	if err == nil && got != int64(want) {
		return differs(fmt.Sprintf("the Redis list %q has another length", a.Text(0)), want, int(got))
	}
	return err
}

func assertKey(ctx context.Context, w *World, a Args) error {
	db, err := w.kvdb()
	if err != nil {
		return err
	}
	got, err := db.Get(ctx, a.Text(0)).Result()
	if errors.Is(err, redis.Nil) {
		return failf("the Redis key %q does not exist", a.Text(0))
	}
	if err == nil && got != a.Text(1) {
		return differs(fmt.Sprintf("the Redis key %q is not what was expected", a.Text(0)), a.Text(1), got)
	}
	return err
}

func assertNoKey(ctx context.Context, w *World, a Args) error {
	db, err := w.kvdb()
	if err != nil {
		return err
	}
	n, err := db.Exists(ctx, a.Text(0)).Result()
	if err == nil && n > 0 {
		return failf("the Redis key %q exists", a.Text(0))
	}
	return err
}
