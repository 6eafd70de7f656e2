package bench

import (
	"context"
	"net"
	"net/http/httptrace"
	"sync/atomic"
)

// flight is one request on its way: whether any byte of it went out.
type flight struct {
	last  atomic.Pointer[attempt]
	wrote atomic.Bool // HTTP/2: its headers
}

// trace follows the request. In HTTP/2 many requests share a connection, so that its bytes say nothing of one of them; there
// net/http sends again only what the server says that it has not begun.
func (f *flight) trace(cancel context.CancelCauseFunc, http2 bool) *httptrace.ClientTrace {
	if http2 {
		return &httptrace.ClientTrace{WroteHeaders: func() { f.wrote.Store(true) }}
	}
	return &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		c := counted(info.Conn)
		if c == nil {
			return
		}
		a := &attempt{conn: c, writtenBefore: c.written.Load(), readBefore: c.read.Load(), cancel: cancel}
		c.current.Store(a)
		f.last.Store(a)
	}}
}

func (f *flight) sent() bool {
	a := f.last.Load()
	return f.wrote.Load() || a != nil && a.sent()
}

// counted is the conn under c, also under TLS.
func counted(c net.Conn) *conn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	own, _ := c.(*conn)
	return own
}
