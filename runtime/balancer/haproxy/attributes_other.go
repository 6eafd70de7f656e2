//go:build !linux

package haproxy

import "syscall"

// attributes keep signals of the terminal from HAProxy. Where this process is killed, HAProxy goes on until the next
// one ends it.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
