// Package zmtp is ZeroMQ's wire protocol, ZMTP 3, as outgoing connections and channels speak it: addresses, the handshake
// without credentials, and frames. go-zeromq/zmq4 speaks the handshake.
package zmtp

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// HostPort is an address such as tcp://127.0.0.1:35101 for package net. One to bind may be tcp://*:35101, all interfaces.
func HostPort(address string, bind bool) (string, error) {
	bad := fmt.Errorf("expected tcp://host:port, such as tcp://127.0.0.1:35101, not %q", address)
	rest, ok := strings.CutPrefix(address, "tcp://")
	if !ok {
		return "", bad
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		return "", bad
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("expected a port from 1 to 65535 at the end, not %q", address)
	}
	switch {
	case host == "*" && bind:
		host = ""
	case host == "" || host == "*":
		return "", bad
	}
	return net.JoinHostPort(host, port), nil
}
