package bench

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// done stands for the status of what is over when it has been sent, as nobody answers.
const done = 200

// pusher is a ZeroMQ socket of the type PUSH that connects to one PULL, or PUB to one SUB, by ZMTP 3.0 (rfc.zeromq.org/spec/23)
// without security. A message is sent when the kernel has taken it: ZeroMQ acknowledges nothing.
type pusher struct {
	lane
	publishes bool
	wanted    [][]byte // what the messages begin with that the SUB has asked for
}

func newPusher(s *sender) *pusher {
	return &pusher{lane: lane{send: s}, publishes: s.protocol == protocolPub}
}

// socketType is the type of the socket of a ZeroMQ protocol.
func socketType(protocol string) string {
	if protocol == protocolPub {
		return "PUB"
	}
	return "PUSH"
}

func (p *pusher) exchange(ctx context.Context, r *compiled, v values, until time.Time, wrote func()) (reply, error) {
	defer wrote()
	topic, text, err := p.message(r, v)
	if err != nil {
		return reply{neverSent: true}, err
	}
	if p.wire != nil && p.wire.gone() {
		p.lane.close()
	}
	if p.wire == nil {
		err = p.greet(ctx, until)
	} else {
		err = p.send.arm(p.wire, until)
	}
	p.out = p.out[:0]
	first := text
	if topic != "" {
		const more = 1
		p.out, first = append(frame(p.out, more, len(topic)), topic...), topic
	}
	if err == nil && p.publishes {
		err = p.subscribed(first)
	}
	if err != nil {
		p.lane.close()
		return reply{neverSent: true}, err
	}
	p.out = append(frame(p.out, 0, len(text)), text...)
	before := p.wire.written
	if _, err := p.wire.Write(p.out); err != nil {
		got := reply{neverSent: p.wire.written == before}
		p.lane.close()
		return got, err
	}
	return reply{status: done, end: time.Now()}, nil
}

// message is what is sent: the body, and before it the topic that a path of what is published names.
func (p *pusher) message(r *compiled, v values) (topic, text string, err error) {
	if p.publishes {
		path, err := r.path.fill(v)
		if err != nil {
			return "", "", err
		}
		topic = strings.TrimPrefix(path, "/")
	}
	text, err = r.body.fill(v)
	return topic, text, err
}

// subscribed returns when the SUB has asked for messages that begin so: a PUB sends no others, and loses what it has before that.
func (p *pusher) subscribed(begin string) error {
	const command, subscribe = 4, 1
	for !slices.ContainsFunc(p.wanted, func(one []byte) bool { return strings.HasPrefix(begin, string(one)) }) {
		flags, body, err := readFrame(p.in)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("the SUB has not asked for messages that begin with %q; it has asked for %q", short(begin), p.wanted)
		case err != nil:
			return err
		case flags&command == 0 && len(body) > 0 && body[0] == subscribe:
			p.wanted = append(p.wanted, body[1:])
		}
	}
	return nil
}

// close sees to it that what was written arrives: a connection that is closed with something unread is cut.
func (p *pusher) close() {
	if p.wire == nil {
		return
	}
	if half, is := p.wire.Conn.(*net.TCPConn); is && half.CloseWrite() == nil && p.wire.SetDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = io.Copy(io.Discard, p.wire.Conn) // until the peer has closed it, too
	}
	p.lane.close()
}

// frame begins a frame.
func frame(out []byte, flags byte, size int) []byte {
	const long = 2
	if size < 256 {
		return append(out, flags, byte(size))
	}
	return binary.BigEndian.AppendUint64(append(out, flags|long), uint64(size))
}

// greet connects, and shakes hands.
func (p *pusher) greet(ctx context.Context, until time.Time) error {
	if _, err := p.connect(ctx, until); err != nil {
		return err
	}
	greeting := make([]byte, 64)
	copy(greeting, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL")
	const command = 4
	socket := socketType(p.send.protocol)
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(socket))) + socket
	if _, err := p.wire.Write(append(frame(greeting, command, len(ready)), ready...)); err != nil {
		return err
	}
	theirs := make([]byte, 64)
	if _, err := io.ReadFull(p.in, theirs); err != nil {
		return fmt.Errorf("the peer does not greet as ZeroMQ does: %w", err)
	}
	switch {
	case theirs[0] != 0xff || theirs[9] != 0x7f || theirs[10] < 3:
		return errors.New("the peer does not speak ZMTP 3")
	case string(theirs[12:17]) != "NULL\x00":
		return fmt.Errorf("the peer wants the security mechanism %q, and there is only NULL here", theirs[12:32])
	}
	p.wanted = nil
	_, body, err := readFrame(p.in)
	if err != nil {
		return fmt.Errorf("the peer does not greet as ZeroMQ does: %w", err)
	}
	if len(body) < 6 || string(body[:6]) != "\x05READY" {
		return fmt.Errorf("the peer refuses: %q", body)
	}
	return nil
}

func readFrame(in *bufio.Reader) (flags byte, body []byte, err error) {
	const long, most = 2, 1 << 16
	if flags, err = in.ReadByte(); err != nil {
		return 0, nil, err
	}
	size := make([]byte, 1)
	if flags&long != 0 {
		size = make([]byte, 8)
	}
	if _, err := io.ReadFull(in, size); err != nil {
		return 0, nil, err
	}
	n := uint64(size[0])
	if len(size) == 8 {
		n = binary.BigEndian.Uint64(size)
	}
	if n > most {
		return 0, nil, fmt.Errorf("a frame of %d bytes", n)
	}
	body = make([]byte, n)
	_, err = io.ReadFull(in, body)
	return flags, body, err
}
