package redisurl

import (
	"cmp"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are what stands behind the question mark.
type options struct {
	dial, read, write, poolWait time.Duration
	poolSize                    int
	clientName                  string
	ca, cert, key, serverName   string // of TLS; the first three are files
	insecure                    bool
	sentinelUser, sentinelPass  string
}

// maxTimeout bounds the time-outs: none is endless.
const maxTimeout = time.Hour

// option is one name and what it does with its value.
type option struct {
	name string
	of   string // "": of all forms; else tls or sentinel
	set  func(t *Target, value string, add complain)
}

func known() []option {
	text := func(field func(*options) *string) func(*Target, string, complain) {
		return func(t *Target, value string, _ complain) { *field(&t.options) = value }
	}
	duration := func(name string, field func(*options) *time.Duration) func(*Target, string, complain) {
		return func(t *Target, value string, add complain) {
			d, err := time.ParseDuration(value)
			if n, notNumber := strconv.Atoi(value); notNumber == nil {
				d, err = time.Duration(n)*time.Second, nil // as go-redis reads it
			}
			if err != nil || d <= 0 || d > maxTimeout {
				add("%s %q: expected a time above 0 and up to 1h, such as 500ms or 3s", name, value)
				return
			}
			*field(&t.options) = d
		}
	}
	file := func(name string, field func(*options) *string) func(*Target, string, complain) {
		return func(t *Target, value string, add complain) {
			if !filepath.IsAbs(value) { // who reads it may run in any folder
				add("%s %q: expected the whole path of a file, such as /etc/redis/%s.pem", name, value, name)
			}
			*field(&t.options) = value
		}
	}
	insecure := func(t *Target, value string, add complain) {
		b, err := strconv.ParseBool(value)
		if err != nil {
			add("insecure %q: expected true or false", value)
		}
		t.options.insecure = b
	}
	return []option{
		{"db", "", func(t *Target, value string, add complain) { t.setDB(value, add) }},
		{"dial_timeout", "", duration("dial_timeout", func(o *options) *time.Duration { return &o.dial })},
		{"read_timeout", "", duration("read_timeout", func(o *options) *time.Duration { return &o.read })},
		{"write_timeout", "", duration("write_timeout", func(o *options) *time.Duration { return &o.write })},
		{"pool_timeout", "", duration("pool_timeout", func(o *options) *time.Duration { return &o.poolWait })},
		{"pool_size", "", func(t *Target, value string, add complain) {
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 10_000 {
				add("pool_size %q: expected 1 to 10000 connections", value)
				return
			}
			t.options.poolSize = n
		}},
		{"client_name", "", text(func(o *options) *string { return &o.clientName })},
		{"ca", "tls", file("ca", func(o *options) *string { return &o.ca })},
		{"cert", "tls", file("cert", func(o *options) *string { return &o.cert })},
		{"key", "tls", file("key", func(o *options) *string { return &o.key })},
		{"server_name", "tls", text(func(o *options) *string { return &o.serverName })},
		{"insecure", "tls", insecure},
		{"skip_verify", "tls", insecure},
		{"sentinel_username", "sentinel", text(func(o *options) *string { return &o.sentinelUser })},
		{"sentinel_password", "sentinel", text(func(o *options) *string { return &o.sentinelPass })},
	}
}

func (t *Target) readOptions(query string, add complain) {
	t.options = options{dial: DefaultDialTimeout, read: DefaultReadTimeout, poolSize: DefaultPoolSize}
	values, err := url.ParseQuery(query)
	if err != nil {
		add("options: expected name=value joined by &; write a percent sign as %%25 and a semicolon as %%3B")
		return
	}
	t.query = values
	table := known()
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		at := slices.IndexFunc(table, func(o option) bool { return o.name == name })
		switch {
		case at < 0:
			add("unknown option %q; known are %s", name, t.optionNames())
		case len(values[name]) > 1:
			add("%s: it is given twice", name)
		case table[at].of == "tls" && !t.tls:
			add("%s: it is of TLS; write %s://", name, strings.Replace(cmp.Or(strings.TrimPrefix(t.scheme, "unix"), "redis"), "redis", "rediss", 1))
		case table[at].of == "sentinel" && t.form != sentinel:
			add("%s: it is of redis+sentinel:// alone", name)
		case values[name][0] == "":
			add("%s: its value is missing", name)
		default:
			table[at].set(t, values[name][0], add)
		}
	}
	o := &t.options
	o.write, o.poolWait = cmp.Or(o.write, o.read), cmp.Or(o.poolWait, o.read)
	if (o.cert == "") != (o.key == "") {
		add("cert and key: the one needs the other")
	}
	if o.insecure && o.ca != "" {
		add("insecure and ca: with insecure nothing is verified; leave one out")
	}
	if o.sentinelUser != "" && o.sentinelPass == "" {
		add("sentinel_username: sentinel_password is missing")
	}
}

// optionNames are those that its form takes.
func (t *Target) optionNames() string {
	var names []string
	for _, o := range known() {
		if o.of == "" || o.of == "tls" && t.tls || o.of == "sentinel" && t.form == sentinel {
			names = append(names, o.name)
		}
	}
	return strings.Join(names, ", ")
}
