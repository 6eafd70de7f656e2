//go:build !unix

package zmtp

import "net"

// Ended cannot be told here without reading; whoever reads tells a moment later.
func Ended(net.Conn) bool { return false }
