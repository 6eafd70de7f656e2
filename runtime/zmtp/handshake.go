package zmtp

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

const (
	handshakeLimit = 5 * time.Second // for a peer to shake hands
	handshakeFrame = 64 << 10        // size that a frame of a handshake may have, in bytes
	greetingSize   = 64
)

// Handshake greets the peer at the other end of tcp as a socket of that type, such as PUSH, without credentials (the NULL
// mechanism), within 5 s. It gives what reads the frames that follow. On any error, such as a peer whose type does not
// fit, and when ctx ends, tcp is closed. A peer that vanishes without a word is noticed 8 s after the connection fell
// silent.
func Handshake(ctx context.Context, tcp net.Conn, socketType string) (in *bufio.Reader, err error) {
	defer func() {
		// zmq4 panics on some malformed metadata.
		if r := recover(); r != nil {
			in, err = nil, fmt.Errorf("malformed handshake: %v", r)
		}
		if err != nil {
			_ = tcp.Close()
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = tcp.Close() })
	defer stop()
	if t, ok := tcp.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: time.Second, Count: 3})
	}
	if err := tcp.SetDeadline(time.Now().Add(handshakeLimit)); err != nil {
		return nil, err
	}
	in = bufio.NewReader(tcp)
	if _, err := zmq4.Open(&shaking{Conn: tcp, in: in}, null.Security(), zmq4.SocketType(socketType), nil, false, nil); err != nil {
		return nil, err
	}
	return in, tcp.SetDeadline(time.Time{})
}

// shaking is the connection that zmq4 sees during the handshake. It hands on whole frames of bounded size: zmq4 would
// allocate whatever length a peer claims.
type shaking struct {
	net.Conn
	in       *bufio.Reader
	greeting int // bytes of the greeting that were read
	frame    []byte
}

func (s *shaking) Read(b []byte) (int, error) {
	if left := greetingSize - s.greeting; left > 0 {
		n, err := s.in.Read(b[:min(len(b), left)])
		s.greeting += n
		return n, err
	}
	if len(s.frame) == 0 {
		var err error
		if s.frame, err = ReadFrame(s.in, handshakeFrame); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.frame)
	s.frame = s.frame[n:]
	return n, nil
}
