package gate

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is a unit of /proc's times: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// group gives a process a group of its own.
func group(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// end ends the process's group.
func end(c *exec.Cmd, now bool) {
	signal := syscall.SIGTERM
	if now {
		signal = syscall.SIGKILL
	}
	_ = syscall.Kill(-c.Process.Pid, signal) // it may have ended
}

// inGroup says whether anything of the process's group still runs. What has ended and was not waited for does not.
func inGroup(c *exec.Cmd) bool {
	if syscall.Kill(-c.Process.Pid, 0) != nil {
		return false
	}
	for _, fields := range groupStats(c) {
		if fields[0] != "Z" {
			return true
		}
	}
	return false
}

// groupStats are the fields of /proc/PID/stat from the state on, by PID, of the processes of a group.
func groupStats(c *exec.Cmd) map[string][]string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	out := map[string][]string{}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		raw, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		// The name, in brackets, may hold anything: what follows the last bracket begins with the state.
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if len(fields) >= 13 && fields[2] == strconv.Itoa(c.Process.Pid) {
			out[e.Name()] = fields
		}
	}
	return out
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return -1
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// groupCPU is what the processes of a group have used, and the most MiB that one of them had resident.
func groupCPU(c *exec.Cmd) (cpu time.Duration, rss float64) {
	stats := groupStats(c)
	if stats == nil {
		return -1, -1
	}
	for pid, fields := range stats {
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		cpu += time.Duration(user+system) * tick
		rss = max(rss, highWater(pid))
	}
	return cpu, rss
}

func highWater(pid string) float64 {
	raw, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		return -1
	}
	_, rest, ok := strings.Cut(string(raw), "VmHWM:")
	if fields := strings.Fields(rest); ok && len(fields) > 0 {
		kib, _ := strconv.ParseFloat(fields[0], 64)
		return kib / 1024
	}
	return -1
}

// machineCPU is what all of the machine has used, time stolen by its host among it.
func machineCPU() time.Duration {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return -1
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	fields := strings.Fields(line)
	var used time.Duration
	for i, f := range fields {
		if i == 0 || i == 4 || i == 5 || i > 8 { // the name, idle, iowait, and what is counted twice
			continue
		}
		n, _ := strconv.ParseInt(f, 10, 64)
		used += time.Duration(n) * tick
	}
	return used
}
