package bench

import (
	"errors"
	"io"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stamped asks the kernel to note when what comes over the connection arrived.
func (w *wire) stamped() {
	if w.raw == nil {
		return
	}
	_ = w.raw.Control(func(fd uintptr) {
		err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, unix.SOF_TIMESTAMPING_RX_SOFTWARE|unix.SOF_TIMESTAMPING_SOFTWARE)
		w.stamps = err == nil
	}) // without it the time is that of reading
}

// receive reads what has come, and notes when the last of it arrived.
func (w *wire) receive(p []byte) (int, error) {
	var n, notes int
	var fault error
	err := w.raw.Read(func(fd uintptr) bool {
		for {
			n, notes, _, _, fault = unix.Recvmsg(int(fd), p, w.notes[:], 0)
			if !errors.Is(fault, syscall.EINTR) {
				return !errors.Is(fault, syscall.EAGAIN)
			}
		}
	})
	switch {
	case err != nil:
		return 0, err
	case fault != nil:
		return 0, fault
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	w.arrived = arrival(w.notes[:notes])
	return n, nil
}

// arrival is the time in a control message of the kernel's, or zero.
func arrival(notes []byte) time.Time {
	const head = unix.SizeofCmsghdr
	if len(notes) < head+int(unsafe.Sizeof(unix.Timespec{})) {
		return time.Time{}
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&notes[0])) //nolint:gosec // as the kernel lays it out
	if h.Level != unix.SOL_SOCKET || h.Type != unix.SO_TIMESTAMPING {
		return time.Time{}
	}
	ts := *(*unix.Timespec)(unsafe.Pointer(&notes[head])) //nolint:gosec // as above
	if ts.Sec == 0 && ts.Nsec == 0 {
		return time.Time{}
	}
	return time.Unix(int64(ts.Sec), int64(ts.Nsec)) //nolint:unconvert // its fields are of other sizes elsewhere
}

// ended says whether the peer has closed the connection, or sent what nobody asked for, while nothing was under way.
func (w *wire) ended() bool {
	return w.peek(func(_ int, err error) bool { return !errors.Is(err, syscall.EAGAIN) })
}

// gone says whether the peer has closed the connection.
func (w *wire) gone() bool {
	return w.peek(func(n int, err error) bool {
		return err == nil && n == 0 || err != nil && !errors.Is(err, syscall.EAGAIN)
	})
}

func (w *wire) peek(over func(n int, err error) bool) bool {
	if w.raw == nil {
		return false
	}
	out := false
	var one [1]byte
	err := w.raw.Control(func(fd uintptr) {
		n, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		out = over(n, err)
	})
	return out || err != nil
}
