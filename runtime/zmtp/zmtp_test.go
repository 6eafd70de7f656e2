package zmtp_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/zmtp"
)

func TestHostPort(t *testing.T) {
	for _, row := range []struct {
		address string
		bind    bool
		want    string
		says    string
	}{
		{"tcp://127.0.0.1:35101", false, "127.0.0.1:35101", ""},
		{"tcp://[::1]:35101", true, "[::1]:35101", ""},
		{"tcp://host.example:1", false, "host.example:1", ""},
		{"tcp://*:65535", true, ":65535", ""},
		{"tcp://*:65535", false, "", "expected tcp://host:port"},
		{"tcp://:65535", true, "", "expected tcp://host:port"},
		{"ipc:///tmp/x", true, "", "expected tcp://host:port"},
		{"tcp://h", true, "", "expected tcp://host:port"},
		{"tcp://h:0", true, "", "a port from 1 to 65535"},
		{"tcp://h:65536", true, "", "a port from 1 to 65535"},
	} {
		got, err := zmtp.HostPort(row.address, row.bind)
		if row.says != "" {
			require.ErrorContains(t, err, row.says, row.address)
			continue
		}
		require.NoError(t, err, row.address)
		assert.Equal(t, row.want, got)
	}
}

func TestReadFrame(t *testing.T) {
	long := append(binary.BigEndian.AppendUint64([]byte{zmtp.FlagLong}, 300_000), bytes.Repeat([]byte("x"), 300_000)...)
	r := bufio.NewReader(bytes.NewReader(append([]byte{zmtp.FlagMore, 2, 'h', 'i', 0, 0}, long...)))
	for _, want := range []string{"hi", "", string(long[9:])} {
		frame, err := zmtp.ReadFrame(r, 300_000)
		require.NoError(t, err)
		assert.Equal(t, want, string(zmtp.Body(frame)))
	}
	_, err := zmtp.ReadFrame(r, 300_000)
	assert.Equal(t, io.EOF, err)

	_, err = zmtp.ReadFrame(bufio.NewReader(bytes.NewReader(long)), 299_999)
	assert.EqualError(t, err, "the peer sent a frame of 300000 bytes, over the limit of 299999")
	for _, cut := range []int{1, 5, 9, 70_000} {
		_, err = zmtp.ReadFrame(bufio.NewReader(bytes.NewReader(long[:cut])), 300_000)
		assert.Equal(t, io.ErrUnexpectedEOF, err, cut)
	}
}

// What a peer claims costs no memory before it comes.
func TestReadFrameGrowsAsItComes(t *testing.T) {
	claims := binary.BigEndian.AppendUint64([]byte{zmtp.FlagLong}, 1<<30)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := zmtp.ReadFrame(bufio.NewReader(bytes.NewReader(append(claims, make([]byte, 1000)...))), 1<<30)
	runtime.ReadMemStats(&after)
	assert.Equal(t, io.ErrUnexpectedEOF, err)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 2, 'h', 'i'})
	f.Add([]byte{zmtp.FlagLong, 0, 0, 0, 0, 0, 0, 0, 1, 'x'})
	f.Add([]byte{zmtp.FlagCommand, 7, 4, 'P', 'I', 'N', 'G', 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		const limit = 1000
		for r := bufio.NewReader(bytes.NewReader(raw)); ; {
			frame, err := zmtp.ReadFrame(r, limit)
			if err != nil {
				return
			}
			if body := zmtp.Body(frame); len(body) > limit {
				t.Fatalf("a body of %d bytes", len(body))
			}
			if pong := zmtp.PongFor(frame); pong != nil && len(pong) > 2+5+16 {
				t.Fatalf("a pong of %d bytes", len(pong))
			}
		}
	})
}
