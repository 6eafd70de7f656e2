package freeport_test

import (
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/internal/freeport"
)

func TestFind(t *testing.T) {
	ports, err := freeport.Find(t.Context(), "127.0.0.1", 50)
	require.NoError(t, err)
	slices.Sort(ports)
	assert.Len(t, slices.Compact(ports), 50, "each is another")
	assert.GreaterOrEqual(t, ports[0], 20000)
	assert.LessOrEqual(t, ports[49], 32767, "no outgoing connection gets it")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0])))
	require.NoError(t, err)
	require.NoError(t, l.Close())

	_, err = freeport.Find(t.Context(), "192.0.2.1", 1) // no machine has it
	require.EqualError(t, err, "found 0 of 1 free ports between 20000 and 32767 on 192.0.2.1")
}

func TestAddress(t *testing.T) {
	address, err := freeport.Address(t.Context())
	require.NoError(t, err)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
