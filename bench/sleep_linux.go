package bench

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes one goroutine exactly: Go's own timers, in a process with nothing to do, are late by up to a millisecond, since its
// wait for the network counts in those. It is a timer of the kernel's that the runtime waits for as for a socket, so that no
// thread is held meanwhile.
type alarm struct {
	file *os.File // nil: the kernel gave none
	raw  syscall.RawConn
	left time.Duration // 0 once the timer is set
	wait func(fd uintptr) bool
}

func newAlarm() *alarm {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return &alarm{}
	}
	file := os.NewFile(uintptr(fd), "timer")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return &alarm{}
	}
	a := &alarm{file: file, raw: raw}
	a.wait = a.waits
	return a
}

// waits sets the timer when it is called first, since only then its going off wakes the one that waits, and says the second time
// that it has gone off.
func (a *alarm) waits(fd uintptr) bool {
	if a.left == 0 {
		return true
	}
	left := a.left
	a.left = 0
	return unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}, nil) != nil
}

func (a *alarm) close() {
	if a.file != nil {
		_ = a.file.Close() // nothing was written
	}
}

// sleep is to within about 0.1 ms. One goroutine at a time may call it.
func (a *alarm) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	if a.file == nil {
		time.Sleep(d)
		return
	}
	a.left = d
	if err := a.raw.Read(a.wait); err != nil {
		time.Sleep(d)
	}
}
