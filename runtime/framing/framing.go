// Package framing refuses HTTP/1 requests that say in two ways where they end. RFC 9112, section 6.3, calls such a request
// an attempt at smuggling: whoever stands in front may have read another end from it. net/http goes by Transfer-Encoding
// then and serves on; it tells handlers nothing of it.
//
// It reads along with net/http: heads and chunk sizes line by line, bodies not at all. A request with a Content-Length beside
// a Transfer-Encoding, with two Content-Lengths, or with a Transfer-Encoding in HTTP/1.0 is made malformed on its way, so
// that net/http itself answers 400 and closes the connection.
//
// HTTP/2 has frames of its own. A length that is none, or stands twice, is refused there too: net/http takes it for 0.
package framing

import (
	"bytes"
	"errors"
	"math"
	"net"
	"net/http"
	"sync/atomic"
)

// Serve has server answer on l with connections that are read along: by TLS, with HTTP/2, where it has a TLSConfig.
// It takes the server's ConnState, and returns as http.Server.Serve does.
func Serve(server *http.Server, l net.Listener) error {
	server.ConnState = state
	if server.TLSConfig == nil {
		return server.Serve(Listen(l))
	}
	server.Handler = strict{server.Handler}
	return server.Serve(listenTLS(l, server))
}

// Listen is l with connections that are read along.
func Listen(l net.Listener) net.Listener { return listener{l} }

// state is for http.Server.ConnState: what an upgraded connection carries is no HTTP.
func state(c net.Conn, s http.ConnState) {
	if s != http.StateHijacked {
		return
	}
	switch c := c.(type) {
	case *conn:
		c.over.Store(true)
	case *secured:
		c.over.Store(true)
	}
}

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// conn is one connection. net/http reads it from one goroutine at a time.
type conn struct {
	net.Conn
	over atomic.Bool
	at   place
	line []byte // the beginning of a line of which more is to come
	long bool   // more of that line came than is kept
	left uint64 // bytes of a body or a chunk that are to come
	head head
}

// place is where in a request the next byte stands.
type place int

const (
	firstLine place = iota
	headers
	body
	chunkSize
	chunk
	trailers
)

// head is what a request has said so far.
type head struct {
	old       bool // HTTP/1.0
	lengths   int
	length    uint64
	encodings int
}

// keptLine is how much of a line matters: a name and the beginning of a value.
const keptLine = 64

// CloseWrite is what net/http ends a connection with before the client has sent all.
func (c *conn) CloseWrite() error {
	if tcp, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return tcp.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.over.Load() {
		c.follow(p[:n])
	}
	return n, err
}

// follow goes through what came, and spoils it where the request is ambiguous.
func (c *conn) follow(p []byte) {
	for len(p) > 0 && !c.over.Load() {
		if c.at == body || c.at == chunk {
			n := min(c.left, uint64(len(p)))
			p, c.left = p[n:], c.left-n
			if c.left > 0 {
				return
			}
			if c.at == chunk {
				c.at = chunkSize
			} else {
				c.next()
			}
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			c.keep(p)
			return
		}
		line := p[:end]
		if len(c.line) > 0 {
			c.keep(line)
			line = c.line
		}
		if !c.take(bytes.TrimSuffix(line, []byte{'\r'})) {
			p[end] = 0 // no line ends here any more, and a zero byte is in no request
			c.over.Store(true)
		}
		c.line, c.long = c.line[:0], false
		p = p[end+1:]
	}
}

func (c *conn) keep(p []byte) {
	room := keptLine - len(c.line)
	if len(p) > room {
		p, c.long = p[:room], true
	}
	c.line = append(c.line, p...)
}

// take is one line. false: the request is ambiguous.
func (c *conn) take(line []byte) bool {
	switch c.at {
	case firstLine:
		if len(line) == 0 { // net/http takes an empty line between requests
			return true
		}
		if bytes.HasPrefix(line, []byte("PRI * HTTP/2")) {
			c.over.Store(true)
			return true
		}
		c.head.old = !c.long && bytes.HasSuffix(line, []byte(" HTTP/1.0"))
		c.at = headers
	case headers:
		if len(line) == 0 {
			c.ended()
			return true
		}
		return c.header(line)
	case chunkSize:
		c.left = hexadecimal(line)
		switch {
		case c.left == 0:
			c.at = trailers
		default:
			c.left += 2 // the line's end behind it
			c.at = chunk
		}
	case trailers:
		if len(line) == 0 {
			c.next()
		}
	default:
	}
	return true
}

// header is one line of a head.
func (c *conn) header(line []byte) bool {
	switch {
	case hasName(line, "content-length:"):
		c.head.lengths++
		c.head.length = decimal(bytes.TrimSpace(line[len("content-length:"):]))
	case hasName(line, "transfer-encoding:"):
		c.head.encodings++
	default:
		return true
	}
	return c.head.lengths+c.head.encodings < 2 && (!c.head.old || c.head.encodings == 0)
}

// ended is behind the head of a request.
func (c *conn) ended() {
	switch {
	case c.head.encodings > 0:
		c.at = chunkSize
	case c.head.length > 0:
		c.at, c.left = body, c.head.length
	default:
		c.next()
	}
}

func (c *conn) next() { c.at, c.head = firstLine, head{} }

// hasName says whether a line begins with that name, which is in lower case.
func hasName(line []byte, name string) bool {
	return len(line) >= len(name) && line[0]|0x20 == name[0] && bytes.EqualFold(line[:len(name)], []byte(name))
}

// decimal is a Content-Length. net/http refuses what is none, and all that comes behind it.
func decimal(digits []byte) (n uint64) {
	for _, d := range digits {
		if d < '0' || d > '9' || n > math.MaxInt64/10 {
			return 0
		}
		n = n*10 + uint64(d-'0')
	}
	return n
}

// hexadecimal is the size of a chunk, as net/http reads it.
func hexadecimal(line []byte) (n uint64) {
	for _, d := range line {
		switch {
		case d >= '0' && d <= '9':
			d -= '0'
		case d|0x20 >= 'a' && d|0x20 <= 'f':
			d = d | 0x20 - 'a' + 10
		default: // an extension
			return n
		}
		n = n<<4 | uint64(d)
	}
	return n
}
