package bench

import (
	"io"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver is recvmsg(2) of one connection: each request calls it three times or so, and it allocates nothing, as those of the
// libraries do. So a load of any length needs hardly any collecting.
type receiver struct {
	message unix.Msghdr
	into    unix.Iovec
	notes   [128]byte // the kernel's, of what was received
	one     [1]byte   // what is looked at

	// What the last call gave.
	n     int
	noted int
	fault unix.Errno

	read func(fd uintptr) bool // a call that says whether there was anything, or an end
	look func(fd uintptr)      // a call that takes nothing away, and does not wait
}

func (r *receiver) begin() {
	r.read = func(fd uintptr) bool {
		r.receive(fd, 0)
		return r.fault != unix.EAGAIN
	}
	r.look = func(fd uintptr) {
		r.to(r.one[:])
		r.receive(fd, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	}
}

// to is where the next call puts what it receives: p holds at least a byte.
func (r *receiver) to(p []byte) {
	r.into.Base = &p[0]
	r.into.SetLen(len(p))
}

func (r *receiver) receive(fd uintptr, flags uintptr) {
	for {
		r.message = unix.Msghdr{Iov: &r.into, Control: &r.notes[0]}
		r.message.SetIovlen(1)
		r.message.SetControllen(len(r.notes))
		n, _, fault := unix.Syscall(unix.SYS_RECVMSG, fd, uintptr(unsafe.Pointer(&r.message)), flags) //nolint:gosec // as the kernel wants it
		if fault == unix.EINTR {
			continue
		}
		r.n, r.noted, r.fault = int(n), int(r.message.Controllen), fault //nolint:unconvert // of another size elsewhere
		if fault != 0 {
			r.n, r.noted = 0, 0
		}
		return
	}
}

// stamped asks the kernel to note when what comes over the connection arrived.
func (w *wire) stamped() {
	if w.raw == nil {
		return
	}
	w.in.begin()
	_ = w.raw.Control(func(fd uintptr) {
		err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, unix.SOF_TIMESTAMPING_RX_SOFTWARE|unix.SOF_TIMESTAMPING_SOFTWARE)
		w.stamps = err == nil
	}) // without it the time is that of reading
}

// receive reads what has come, and notes when the last of it arrived.
func (w *wire) receive(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	w.in.to(p)
	err := w.raw.Read(w.in.read)
	switch {
	case err != nil:
		return 0, err
	case w.in.fault != 0:
		return 0, w.in.fault
	case w.in.n == 0:
		return 0, io.EOF
	}
	w.arrived = arrival(w.in.notes[:w.in.noted])
	return w.in.n, nil
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
	return w.raw != nil && (w.raw.Control(w.in.look) != nil || w.in.fault != unix.EAGAIN)
}

// gone says whether the peer has closed the connection.
func (w *wire) gone() bool {
	return w.raw != nil && (w.raw.Control(w.in.look) != nil || w.in.fault != unix.EAGAIN && w.in.n == 0)
}
