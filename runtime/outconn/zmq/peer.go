package zmq

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-run/parley/runtime/zmtp"
)

const (
	farewellLimit = 5 * time.Second // for a peer to read up to our end
	batchFrames   = 256
	batchBytes    = 256 << 10
	sendBuffer    = 64 << 10
	maxIncoming   = 64 << 10 // of a frame that a peer may send us: subscriptions and commands, never data
)

// peer is one TCP connection that has shaken hands. Its reader goroutine ends with the connection.
type peer struct {
	tcp   net.Conn
	in    *bufio.Reader
	gone  chan struct{} // closed when the reader has ended
	err   error         // why, once gone is closed
	pongs chan []byte

	queue   *queue       // of a subscriber
	dropped atomic.Int64 // since it was too slow

	mu     sync.RWMutex
	topics map[string]int
}

// shake makes a peer of a TCP connection, which it closes on any error.
func shake(ctx context.Context, tcp net.Conn, socketType string) (*peer, error) {
	if t, ok := tcp.(*net.TCPConn); ok {
		_ = t.SetWriteBuffer(sendBuffer)
	}
	in, err := zmtp.Handshake(ctx, tcp, socketType)
	if err != nil {
		return nil, err
	}
	return &peer{tcp: tcp, in: in, gone: make(chan struct{}), pongs: make(chan []byte, 1), topics: map[string]int{}}, nil
}

// read runs until the connection ends: it notes subscriptions and answers pings.
func (p *peer) read() {
	defer close(p.gone)
	for {
		frame, err := zmtp.ReadFrame(p.in, maxIncoming)
		if err != nil {
			p.err = err
			_ = p.tcp.Close() // so that a write which waits for the peer ends now
			return
		}
		if frame[0]&zmtp.FlagCommand != 0 {
			if pong := zmtp.PongFor(frame); pong != nil {
				select {
				case p.pongs <- pong:
				default:
				}
			}
			continue
		}
		p.subscribe(zmtp.Body(frame))
	}
}

// subscribe notes what a SUB peer wants: a 1 or 0, then the prefix of the messages.
func (p *peer) subscribe(body []byte) {
	if len(body) == 0 || body[0] > 1 {
		return
	}
	topic := string(body[1:])
	p.mu.Lock()
	defer p.mu.Unlock()
	if body[0] == 1 {
		p.topics[topic]++
	} else if p.topics[topic]--; p.topics[topic] <= 0 {
		delete(p.topics, topic)
	}
}

// serve sends what q holds until the peer goes, which is an error, or q is drained, or ctx ends. It closes the connection.
func (p *peer) serve(ctx context.Context, q *queue, share func(waiting int) int) error {
	stop := context.AfterFunc(ctx, func() { _ = p.tcp.Close() })
	defer stop()
	go p.read()
	err := p.send(q, share)
	if err == nil {
		p.farewell()
	}
	_ = p.tcp.Close()
	<-p.gone
	if ctx.Err() != nil {
		return nil
	}
	if errors.Is(p.err, io.EOF) && err != nil {
		return errEnded
	}
	return err
}

var errEnded = errors.New("the peer closed the connection")

func (p *peer) send(q *queue, share func(waiting int) int) error {
	var batch [][]byte
	var buffers net.Buffers
	for {
		clear(batch)
		if batch = q.take(batch[:0], share(q.len()), batchBytes); len(batch) == 0 {
			if q.drained() {
				return nil
			}
			select {
			case <-q.wake:
			case <-q.closed:
			case <-p.gone:
				return p.err
			case pong := <-p.pongs:
				if _, err := p.tcp.Write(pong); err != nil {
					return err
				}
			}
			continue
		}
		if zmtp.Ended(p.tcp) {
			q.giveBack(batch)
			return errEnded
		}
		buffers = append(buffers[:0], batch...)
		writing := buffers
		n, err := writing.WriteTo(p.tcp)
		if err != nil {
			sent := framesWithin(batch, n)
			q.done(batch[:sent])
			q.giveBack(batch[sent:])
			return err
		}
		q.done(batch)
	}
}

// framesWithin is how many of frames lie wholly within the first n bytes. The others cannot have reached the
// peer in full, so they may be sent again.
func framesWithin(frames [][]byte, n int64) int {
	for i, f := range frames {
		if n -= int64(len(f)); n < 0 {
			return i
		}
	}
	return len(frames)
}

// farewell ends our side and waits until the peer has read up to that and ends its own.
func (p *peer) farewell() {
	half, ok := p.tcp.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	limit := time.NewTimer(farewellLimit)
	defer limit.Stop()
	select {
	case <-p.gone:
	case <-limit.C:
	}
}
