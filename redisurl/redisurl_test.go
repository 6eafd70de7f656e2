package redisurl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/redisurl"
)

func ExampleParse() {
	t, err := redisurl.Parse("redis+sentinel://:secret@h1,h2:26380/mymaster/2?read_timeout=500ms")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t)
	fmt.Println(t.Name())
	_, err = redisurl.Parse("redis+sentinel://:secret@h1:x/?speed=9")
	fmt.Println(err)
	// Output:
	// redis+sentinel://:xxxxx@h1:26379,h2:26380/mymaster/2?read_timeout=500ms
	// mymaster of the sentinels h1:26379, h2:26380
	// port "x" of host "h1": expected 1 to 65535; an IPv6 address stands in brackets; the name that the sentinels give the primary is missing: expected redis+sentinel://h1:26379,h2:26379,h3:26379/mymaster/0; unknown option "speed"; known are db, dial_timeout, read_timeout, write_timeout, pool_timeout, pool_size, client_name, sentinel_username, sentinel_password
}

func TestParse(t *testing.T) {
	for _, row := range []struct{ url, shown, name string }{
		{"redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0", "127.0.0.1:6379"},
		{"redis://h", "redis://h:6379/0", "h:6379"},
		{"redis://h/", "redis://h:6379/0", "h:6379"},
		{"redis://h/3", "redis://h:6379/3", "h:6379"},
		{"redis://h?db=3", "redis://h:6379/3?db=3", "h:6379"},
		{"redis://[::1]:7000/0", "redis://[::1]:7000/0", "[::1]:7000"},
		{"redis://[::1]", "redis://[::1]:6379/0", "[::1]:6379"},
		{"redis://:s3cret@h:1/0", "redis://:xxxxx@h:1/0", "h:1"},
		{"redis://bob:s3cret@h:1/0", "redis://bob:xxxxx@h:1/0", "h:1"},
		{"redis://b%40b:s3cret%2F%3F%23%40%25@h:1/0", "redis://b@b:xxxxx@h:1/0", "h:1"},
		{"redis://bob:s3:cret@h:1/0", "redis://bob:xxxxx@h:1/0", "h:1"},
		{"rediss://h:1/0?ca=/etc/ca.pem&server_name=redis.example.com", "rediss://h:1/0?ca=%2Fetc%2Fca.pem&server_name=redis.example.com", "h:1"},
		{"unix:///run/redis.sock", "unix:///run/redis.sock", "/run/redis.sock"},
		{"unix://:s3cret@/run/redis.sock?db=2", "unix://:xxxxx@/run/redis.sock?db=2", "/run/redis.sock"},
		{"redis+sentinel://h1,h2:2/main", "redis+sentinel://h1:26379,h2:2/main/0", "main of the sentinels h1:26379, h2:2"},
		{"rediss+sentinel://u:s3cret@h1/main/4?sentinel_username=s&sentinel_password=s3cret", "rediss+sentinel://u:xxxxx@h1:26379/main/4?sentinel_password=xxxxx&sentinel_username=s", "main of the sentinels h1:26379"},
		{"redis+cluster://h1:7000,h2:7001", "redis+cluster://h1:7000,h2:7001", "the cluster of h1:7000, h2:7001"},
		{"rediss+cluster://:s3cret@h1/0", "rediss+cluster://:xxxxx@h1:6379", "the cluster of h1:6379"},
	} {
		t.Run(row.url, func(t *testing.T) {
			target, err := redisurl.Parse(row.url)
			require.NoError(t, err)
			assert.Equal(t, row.shown, target.String())
			assert.Equal(t, row.name, target.Name())
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", target, target, target, target), "s3cret")
		})
	}
}

func TestOptions(t *testing.T) {
	target, err := redisurl.Parse("redis://h")
	require.NoError(t, err)
	assert.Equal(t, []any{time.Second, 3 * time.Second, 3 * time.Second, 20},
		[]any{target.DialTimeout(), target.ReadTimeout(), target.PoolTimeout(), target.PoolSize()})
	target, err = redisurl.Parse("redis://h?dial_timeout=250ms&read_timeout=2&pool_timeout=1m&pool_size=7")
	require.NoError(t, err)
	assert.Equal(t, []any{250 * time.Millisecond, 2 * time.Second, time.Minute, 7},
		[]any{target.DialTimeout(), target.ReadTimeout(), target.PoolTimeout(), target.PoolSize()})
}

func TestFaults(t *testing.T) {
	for _, row := range []struct{ url, says string }{
		{"", "expected redis://host:6379/0, rediss:// for TLS, "},
		{"127.0.0.1:6379", "expected redis://host:6379/0"},
		{"user:s3cret@h:6379", "expected redis://host:6379/0"},
		{"http://h:1", `unknown scheme "http": expected redis://`},
		{"redis-sentinel://h:1", `unknown scheme "redis-sentinel": expected redis://`},
		{"redis://", "the host is missing: expected redis://127.0.0.1:6379/0"},
		{"redis://:s3cret@", "the host is missing"},
		{"redis://h 1", `host "h 1": expected a name or an address`},
		{"redis://h:x", `port "x" of host "h": expected 1 to 65535`},
		{"redis://h:65536", `port "65536"`},
		{"redis://::1", `host "": expected a name`},
		{"redis://[h]:1", `host "[h]:1": expected [address]:port`},
		{"redis://h/x", `database "x": expected a number`},
		{"redis://h/-1", `database "-1"`},
		{"redis://h/0/1", "expected nothing behind the database's number"},
		{"redis://s3cret@h", "the password is missing: write user:password@, or :password@"},
		{"redis://u:@h", "the password is missing"},
		{"redis://u:s3cret%@h", "user or password: write a percent sign as %25"},
		{"redis://u:s3cret/@h:1/0", "in a user or password write / as %2F"},
		{"redis://u:s3cret?@h:1/0", "in a user or password write / as %2F"},
		{"redis://u:s3cret#@h:1/0", "# as %23"},
		{"redis://u:1/s3cret@h:1/0", "in a user or password write / as %2F"},
		{"redis://h1,h2", "2 hosts: redis takes one; write redis+sentinel://h1:26379,h2:26379/master or redis+cluster://"},
		{"redis+cluster://h1,h1:6379", `host "h1:6379" is given twice`},
		{"redis+cluster://h1/2", "database 2: a Redis Cluster has database 0 alone"},
		{"redis+cluster://h1?db=2", "database 2: a Redis Cluster"},
		{"redis+sentinel://h1:1", "the name that the sentinels give the primary is missing"},
		{"redis+sentinel://h1:1/main/x", `database "x"`},
		{"unix://", "expected the path of a socket"},
		{"unix://run/redis.sock", "expected the path of a socket"},
		{"redis://h?speed=9", `unknown option "speed"; known are db, dial_timeout`},
		{"redis://h?max_retries=3", `unknown option "max_retries"`},
		{"redis://h?pool_size=0", `pool_size "0": expected 1 to 10000 connections`},
		{"redis://h?pool_size=", "pool_size: its value is missing"},
		{"redis://h?pool_size=1&pool_size=2", "pool_size: it is given twice"},
		{"redis://h?read_timeout=fast", `read_timeout "fast": expected a time above 0 and up to 1h, such as 500ms or 3s`},
		{"redis://h?read_timeout=-1", `read_timeout "-1": expected a time above 0`},
		{"redis://h?dial_timeout=2h", `dial_timeout "2h": expected a time above 0 and up to 1h`},
		{"redis://h?a=%", "options: expected name=value joined by &"},
		{"redis://h?ca=/x", "ca: it is of TLS; write rediss://"},
		{"redis+cluster://h?insecure=true", "insecure: it is of TLS; write rediss+cluster://"},
		{"unix:///x?ca=/x", "ca: it is of TLS; write rediss://"},
		{"rediss://h?insecure=maybe", `insecure "maybe": expected true or false`},
		{"rediss://h?insecure=true&ca=/x", "insecure and ca: with insecure nothing is verified"},
		{"rediss://h?ca=ca.pem", `ca "ca.pem": expected the whole path of a file, such as /etc/redis/ca.pem`},
		{"rediss://h?cert=/x", "cert and key: the one needs the other"},
		{"redis://h?sentinel_password=s3cret", "sentinel_password: it is of redis+sentinel:// alone"},
		{"redis+sentinel://h/main?sentinel_username=u", "sentinel_password is missing"},
	} {
		t.Run(row.url, func(t *testing.T) {
			_, err := redisurl.Parse(row.url)
			require.ErrorContains(t, err, row.says)
			assert.NotContains(t, err.Error(), "s3cret")
			assert.NotContains(t, err.Error(), "%!")
		})
	}
}

func TestFilesOfTLS(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "empty.pem")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, row := range []struct{ query, says string }{
		{"ca=" + filepath.Join(dir, "none.pem"), "ca: open " + filepath.Join(dir, "none.pem") + ": no such file"},
		{"ca=" + file, "ca: " + file + " holds no certificate in PEM form"},
		{"cert=" + file + "&key=" + file, "cert " + file + " and key " + file + ": tls: failed to find any PEM data"},
	} {
		target, err := redisurl.Parse("rediss://h?" + row.query)
		require.NoError(t, err, "a URL is read where its files are not")
		_, err = target.Open()
		require.ErrorContains(t, err, row.says)
	}
}

func TestHide(t *testing.T) {
	target, err := redisurl.Parse("redis+sentinel://:e@h/main?sentinel_password=se%20cret")
	require.NoError(t, err)
	assert.Equal(t, "unknown command `HELLO`, with args `2`, `xxxxx`, xxxxx, esecrete", target.Hide("unknown command `HELLO`, with args `2`, `e`, se cret, esecrete"))
	open, err := redisurl.Parse("redis://h")
	require.NoError(t, err)
	assert.Equal(t, "as it was", open.Hide("as it was"))
}
