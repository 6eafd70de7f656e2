package haproxy

import "syscall"

// attributes keep signals of the terminal from HAProxy, and end it where this process is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
