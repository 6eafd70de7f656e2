package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/service"
)

// Within keeps replies where the config says so. It stands between security and SimpleIO, so that who may not call gets no
// kept reply either, and a kept one costs no decoding.
func (c Config) Within(next service.Handler, s channel.Exposed) service.Handler {
	if c.CacheExpiry <= 0 {
		return next
	}
	return &replies{
		next: next, hash: s.Hash, methods: c.CacheMethods,
		kept: newKept(c.CacheExpiry.Std(), c.CacheSize),
	}
}

// replies are those kept for one channel and one version of its service.
type replies struct {
	next    service.Handler
	hash    func(context.Context, *service.Request) (string, bool, error)
	methods Methods
	kept    *kept

	hits, misses atomic.Int64
}

// Kept is of channel.Keeper.
func (c *replies) Kept() channel.Keeping {
	n, bytes := c.kept.size(time.Now())
	return channel.Keeping{Replies: n, Bytes: bytes, Hits: c.hits.Load(), Misses: c.misses.Load()}
}

// Forget is of channel.Keeper.
func (c *replies) Forget() channel.Keeping {
	before := c.Kept()
	c.kept.clear()
	return before
}

// replyKey is a SHA-256 of all that a reply depends on.
type replyKey [sha256.Size]byte

// reply is a kept one.
type reply struct {
	at   time.Time
	cid  string // which it holds; "": it holds none
	sent service.Response
}

func (r *reply) weight() int64 {
	n := int64(len(r.sent.Raw)) + 512
	for name, values := range r.sent.Header {
		n += int64(len(name))
		for _, v := range values {
			n += int64(len(v))
		}
	}
	return n
}

// Handle answers with a kept reply, or keeps that of the service.
func (c *replies) Handle(ctx context.Context, req *service.Request) (*service.Response, error) {
	if !slices.Contains(c.methods, req.Method) {
		return c.next.Handle(ctx, req)
	}
	key, keep, err := c.key(ctx, req)
	if err != nil || !keep {
		if err != nil {
			return nil, err
		}
		return c.next.Handle(ctx, req)
	}
	if found := c.kept.get(key, time.Now()); found != nil {
		c.hits.Add(1)
		return found.again(req.CID), nil
	}
	c.misses.Add(1)
	res, err := c.next.Handle(ctx, req)
	if err != nil || !canKeep(res) {
		return res, err
	}
	made := &reply{at: time.Now(), sent: *res}
	made.sent.Header = maps.Clone(res.Header)
	if bytes.Contains(res.Raw, []byte(req.CID)) {
		made.cid = req.CID
	} else if !hasHeader(res.Header, "Etag") {
		if made.sent.Header == nil {
			made.sent.Header = map[string][]string{}
		}
		sum := sha256.Sum256(res.Raw)
		made.sent.Header["Etag"] = []string{`"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	c.kept.put(key, made, made.at)
	first := made.sent
	first.Header = maps.Clone(first.Header)
	return &first, nil
}

// again is the kept reply for another request.
func (r *reply) again(cid string) *service.Response {
	res := r.sent
	res.Header = make(map[string][]string, len(r.sent.Header)+1)
	maps.Copy(res.Header, r.sent.Header)
	res.Header["Age"] = []string{strconv.FormatInt(int64(time.Since(r.at)/time.Second), 10)} // RFC 9111, section 5.1
	if r.cid != "" {
		res.Raw = bytes.ReplaceAll(res.Raw, []byte(r.cid), []byte(cid))
	}
	return &res
}

// canKeep says whether a reply may be kept: a plain success that no header makes one caller's own.
func canKeep(res *service.Response) bool {
	if res == nil || res.Status != 0 && res.Status != http.StatusOK || hasHeader(res.Header, "Set-Cookie") {
		return false
	}
	for name, values := range res.Header {
		if !strings.EqualFold(name, "Cache-Control") {
			continue
		}
		for _, directive := range splitList(values) {
			directive, _, _ = strings.Cut(strings.ToLower(directive), "=")
			if directive == "no-store" || directive == "private" || directive == "no-cache" {
				return false
			}
		}
	}
	return true
}

func hasHeader(h map[string][]string, name string) bool {
	for one := range h {
		if strings.EqualFold(one, name) {
			return true
		}
	}
	return false
}

// key is what the reply to req depends on: who calls, the method, and either what the service says or the path, the
// parameters and the body.
func (c *replies) key(ctx context.Context, req *service.Request) (key replyKey, keep bool, err error) {
	parts := hashed{sha256.New()}
	parts.add(req.Method)
	if p := req.Principal; p != nil {
		claims, err := service.AppendJSON(nil, p.Claims)
		if err != nil {
			return key, false, nil //nolint:nilerr // who calls cannot be told from others: nothing is kept
		}
		parts.add(p.Kind, p.Definition, p.Name, string(claims))
	}
	if c.hash != nil {
		own, keep, err := c.hash(ctx, req)
		if err != nil || !keep {
			return key, false, err
		}
		parts.add("of the service", own)
		return parts.sum(), true, nil
	}
	parts.add("of the request", req.Path)
	for _, name := range slices.Sorted(maps.Keys(req.Params)) {
		parts.add(name)
		parts.add(req.Params[name]...)
	}
	if len(req.Raw) > 0 {
		parts.add(req.Header["Content-Type"]...)
		parts.add(string(req.Raw))
	}
	return parts.sum(), true, nil
}

// hashed hashes lists of texts, so that no two differ and come out alike.
type hashed struct{ hash.Hash }

func (h hashed) add(texts ...string) {
	var size [8]byte
	number := func(n int) {
		binary.BigEndian.PutUint64(size[:], uint64(n))
		_, _ = h.Write(size[:]) // a hash takes everything
	}
	number(len(texts))
	for _, text := range texts {
		number(len(text))
		_, _ = h.Write([]byte(text))
	}
}

func (h hashed) sum() (key replyKey) {
	h.Sum(key[:0])
	return key
}
