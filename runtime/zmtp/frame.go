package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The framing of ZMTP 3 (https://rfc.zeromq.org/spec/23/): a byte of flags, a length of 1 or 8 bytes, the body.
const (
	FlagMore    = 1
	FlagLong    = 2
	FlagCommand = 4
)

// Header is the header of a one-frame message of size bytes, with room for these.
func Header(size int) []byte {
	if size <= 255 {
		return append(make([]byte, 0, 2+size), 0, byte(size))
	}
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 9+size), FlagLong), uint64(size))
}

// Body is a frame without its header.
func Body(frame []byte) []byte {
	if frame[0]&FlagLong != 0 {
		return frame[9:]
	}
	return frame[2:]
}

// TooBig says that a peer announced a frame over the limit. What follows it on the connection is of no use.
type TooBig struct{ Size, Limit uint64 } // bytes

func (e *TooBig) Error() string {
	return fmt.Sprintf("the peer sent a frame of %d bytes, over the limit of %d", e.Size, e.Limit)
}

// chunk is how much memory a frame gets before more of it has come: its size is what a stranger claims.
const chunk = 64 << 10

// ReadFrame reads one whole frame, header included, whose body is of limit bytes at most. It ends with io.EOF between two
// frames, with io.ErrUnexpectedEOF within one, and with a *TooBig.
func ReadFrame(r *bufio.Reader, limit int) ([]byte, error) {
	var header [9]byte
	if _, err := io.ReadFull(r, header[:2]); err != nil {
		return nil, err
	}
	n, size := 2, uint64(header[1])
	if header[0]&FlagLong != 0 {
		if _, err := io.ReadFull(r, header[2:]); err != nil {
			return nil, unexpected(err)
		}
		n, size = 9, binary.BigEndian.Uint64(header[1:])
	}
	if size > uint64(limit) {
		return nil, &TooBig{size, uint64(limit)}
	}
	whole := n + int(size)
	frame := make([]byte, n, min(whole, n+chunk))
	copy(frame, header[:n])
	for len(frame) < whole {
		had := len(frame)
		frame = slices.Grow(frame, min(whole-had, max(chunk, had)))
		frame = frame[:min(whole, cap(frame))]
		if _, err := io.ReadFull(r, frame[had:]); err != nil {
			return nil, unexpected(err)
		}
	}
	return frame, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// PongFor is the answer to a PING command frame, or nil where it is another command. A PING's body is its name
// behind one byte of length, a time to live of two bytes, and up to 16 bytes to send back.
func PongFor(frame []byte) []byte {
	body := Body(frame)
	if len(body) < 7 || string(body[:5]) != "\x04PING" || len(body) > 7+16 {
		return nil
	}
	pong := append([]byte("\x04PONG"), body[7:]...)
	return append([]byte{FlagCommand, byte(len(pong))}, pong...)
}
