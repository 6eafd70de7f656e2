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
	return &alarm{file, raw}
}

func (a *alarm) close() {
	if a.file != nil {
		_ = a.file.Close() // nothing was written
	}
}

// sleep is to within about 0.1 ms.
func (a *alarm) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	if a.file == nil {
		time.Sleep(d)
		return
	}
	set := false
	err := a.raw.Read(func(fd uintptr) bool {
		if set {
			return true
		}
		set = true // only now, when its going off wakes the one that waits
		return unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}, nil) != nil
	})
	if err != nil {
		time.Sleep(d)
	}
}
