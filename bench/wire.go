package bench

import (
	"net"
	"syscall"
	"time"
)

// wire is a connection that knows when what it read had arrived, also where this process came to read it only later: on a busy
// machine that would otherwise be charged to the target.
type wire struct {
	net.Conn
	raw     syscall.RawConn // nil: it has none
	stamps  bool            // the kernel notes arrivals
	in      receiver
	arrived time.Time // when the last of what was read had arrived, by the wall clock; zero: not known
	written int64
}

func newWire(c net.Conn) *wire {
	w := &wire{Conn: c}
	if s, is := c.(syscall.Conn); is {
		w.raw, _ = s.SyscallConn() // nil where it fails
	}
	w.stamped()
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	if w.stamps {
		return w.receive(p)
	}
	return w.Conn.Read(p)
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.written += int64(n)
	return n, err
}

// end is when what was read last had arrived, not before sent.
func (w *wire) end(sent time.Time) time.Time {
	now := time.Now()
	if w.arrived.IsZero() {
		return now
	}
	ago := now.Round(0).Sub(w.arrived) // both by the wall clock
	if ago < 0 || ago > now.Sub(sent) {
		return now
	}
	return now.Add(-ago)
}
