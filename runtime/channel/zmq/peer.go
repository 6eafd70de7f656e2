package zmq

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/zmtp"
)

const (
	writeLimit    = 5 * time.Second
	receiveBuffer = 128 << 10 // of the operating system, in bytes: what it holds is lost when this process is killed
	maxParts      = 100       // of one message
	// A connection whose channel ends is read until the peer has ended it or has been silent for quiet, for lastWords or
	// lastBytes at most.
	quiet     = 500 * time.Millisecond
	lastWords = 5 * time.Second
	lastBytes = 4 << 20
)

// peer is one connection that has shaken hands.
type peer struct {
	runner *runner
	tcp    net.Conn
	in     *bufio.Reader
	from   string

	mu    sync.Mutex
	until time.Time // no reading after it: the channel ends; zero: it does not
}

// message is what one peer sent at once.
type message struct {
	from  string
	parts []string // before the last one
	body  []byte
}

// params are the parts before the body, which few messages have: of a SUB the first is the topic.
func (m *message) params(socketType string) map[string][]string {
	if len(m.parts) == 0 {
		return nil
	}
	params := map[string][]string{"part": m.parts}
	if socketType == sub {
		params["topic"] = m.parts[:1]
	}
	return params
}

// badInput is what a peer sent that no message can be made of.
type badInput struct{ error }

func (b *badInput) Unwrap() error { return b.error }

var errEnded = errors.New("it closed the connection")

// greet makes a peer of a TCP connection, which it closes on any error.
func (r *runner) greet(ctx context.Context, tcp net.Conn) (*peer, error) {
	if t, ok := tcp.(*net.TCPConn); ok {
		_ = t.SetReadBuffer(receiveBuffer)
	}
	in, err := zmtp.Handshake(ctx, tcp, r.config.SocketType)
	if err != nil {
		return nil, err
	}
	p := &peer{runner: r, tcp: tcp, in: in, from: tcp.RemoteAddr().String()}
	if r.config.SocketType == sub {
		keys := r.config.SubKey
		if len(keys) == 0 {
			keys = Keys{""}
		}
		var wanted []byte
		for _, key := range keys {
			wanted = append(append(append(wanted, zmtp.Header(1+len(key))...), 1), key...)
		}
		if err := p.write(wanted); err != nil {
			_ = tcp.Close()
			return nil, err
		}
	}
	return p, nil
}

func (p *peer) write(frames []byte) error {
	if err := p.tcp.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	_, err := p.tcp.Write(frames)
	return err
}

// read takes messages until the peer goes, which is an error, or ctx ends, which is none. It closes the connection.
func (p *peer) read(ctx context.Context) error {
	defer func() { _ = p.tcp.Close() }()
	stop := context.AfterFunc(ctx, func() { p.leave(ctx) })
	defer stop()
	late := 0 // bytes, since ctx ended
	for {
		if !p.goesOn(ctx) || late > lastBytes {
			return nil
		}
		m, err := p.next()
		switch {
		case ctx.Err() != nil && err != nil:
			return nil
		case errors.Is(err, io.EOF):
			return errEnded
		case err != nil:
			return err
		}
		if ctx.Err() != nil {
			late += len(m.body)
		}
		if p.wanted(m) {
			p.runner.pool.put(ctx, m)
		}
	}
}

// leave begins the end. Where it was planned the peer is told by the end of our sending side: libzmq then sends no more and
// ends its own, behind all that its system had taken, which is still read.
func (p *peer) leave(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !channel.Stopped(ctx) {
		_ = p.tcp.Close()
		return
	}
	p.until = time.Now().Add(lastWords)
	_ = p.tcp.SetReadDeadline(time.Now().Add(quiet))
	if half, ok := p.tcp.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// goesOn says whether another message may be read, and until when where ctx has ended.
func (p *peer) goesOn(ctx context.Context) bool {
	if ctx.Err() == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.until.IsZero() { // leave has not come to it yet
		if !channel.Stopped(ctx) {
			return false
		}
		p.until = now.Add(lastWords)
	}
	if now.After(p.until) {
		return false
	}
	return p.tcp.SetReadDeadline(now.Add(quiet)) == nil
}

// next reads one message, and answers what is asked on the way.
func (p *peer) next() (*message, error) {
	m := &message{from: p.from}
	left := p.runner.config.MaxSize
	for {
		frame, err := zmtp.ReadFrame(p.in, max(left, 256)) // commands are small, whatever is left
		if big := new(zmtp.TooBig); errors.As(err, &big) {
			return nil, p.tooBig()
		}
		if err != nil {
			return nil, err
		}
		body := zmtp.Body(frame)
		if frame[0]&zmtp.FlagCommand != 0 {
			if pong := zmtp.PongFor(frame); pong != nil {
				_ = p.write(pong) // a connection that ended is seen by reading
			}
			continue
		}
		if left -= len(body); left < 0 {
			return nil, p.tooBig()
		}
		if frame[0]&zmtp.FlagMore == 0 {
			m.body = body
			return m, nil
		}
		if m.parts = append(m.parts, strings.ToValidUTF8(string(body), "\uFFFD")); len(m.parts) >= maxParts {
			return nil, &badInput{fmt.Errorf("it sent a message of more than %d parts", maxParts)}
		}
	}
}

func (p *peer) tooBig() error {
	return &badInput{fmt.Errorf("it sent a message over the limit of %d bytes; raise the channel's max_size, or send less at once", p.runner.config.MaxSize)}
}

// wanted says whether a SUB asked for m: publishers are free to send more.
func (p *peer) wanted(m *message) bool {
	keys := p.runner.config.SubKey
	if len(keys) == 0 {
		return true
	}
	start := m.body
	if len(m.parts) > 0 {
		start = []byte(m.parts[0])
	}
	for _, key := range keys {
		if bytes.HasPrefix(start, []byte(key)) {
			return true
		}
	}
	return false
}
