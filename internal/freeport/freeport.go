// Package freeport finds TCP ports for what must know its port before it listens there, or listens there again after a restart.
package freeport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are looked for below the range that systems take the ports of outgoing connections, and those of listeners that name
// none, from (32768 and up on Linux, 49152 and up on macOS): a port there could be taken by anybody until it is listened on, and
// again while who listens restarts.
const (
	low  = 20000
	high = 32767
)

const loopback = "127.0.0.1"

// Find picks n distinct ports that nobody listens on now, neither on host nor on the loopback interface.
func Find(ctx context.Context, host string, n int) ([]int, error) {
	var picked []int
	seen := map[int]bool{}
	for range 200 * (n + 1) {
		if len(picked) == n {
			return picked, nil
		}
		port := Guess()
		if !seen[port] && free(ctx, host, port) && free(ctx, loopback, port) {
			picked = append(picked, port)
		}
		seen[port] = true
	}
	return nil, fmt.Errorf("found %d of %d free ports between %d and %d on %s", len(picked), n, low, high, host)
}

// Guess is any port of the range: for a machine where nobody here can look.
func Guess() int { return low + rand.IntN(high-low+1) }

// One is a port as Find picks them.
func One(ctx context.Context, host string) (int, error) {
	ports, err := Find(ctx, host, 1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

func free(ctx context.Context, host string, port int) bool {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// Address is 127.0.0.1 and a port that nobody listens on now.
func Address(ctx context.Context) (string, error) {
	port, err := One(ctx, loopback)
	return net.JoinHostPort(loopback, strconv.Itoa(port)), err
}
