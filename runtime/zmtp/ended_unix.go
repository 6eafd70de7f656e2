//go:build unix

package zmtp

import (
	"errors"
	"net"
	"syscall"
)

// Ended says whether the other side's end of the connection has reached this machine, whether or not the reader has
// run since: a write after it would succeed and be lost.
func Ended(tcp net.Conn) bool {
	t, ok := tcp.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return true
	}
	over := false
	// Control, not Read: the reader goroutine holds the lock that Read would wait for.
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if err == nil {
			over = n == 0
		} else {
			over = !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR)
		}
	})
	return over || err != nil
}
