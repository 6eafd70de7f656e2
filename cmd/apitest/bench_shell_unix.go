//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a command and what it starts into a group of processes of their own, which ends with the command's context.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
