//go:build !unix

package bench

import "time"

// ownUse is the CPU that this process has used, which is not asked for here, and the bytes that it holds.
func ownUse() (time.Duration, uint64) { return 0, heldMemory() }
