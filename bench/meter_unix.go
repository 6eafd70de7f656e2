//go:build unix

package bench

import (
	"runtime"
	"syscall"
	"time"
)

// ownUse is the CPU that this process has used, and the most bytes that it had resident.
func ownUse() (time.Duration, uint64) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, heldMemory()
	}
	most := uint64(u.Maxrss)
	if runtime.GOOS != "darwin" { // which alone counts bytes
		most <<= 10
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), most
}
