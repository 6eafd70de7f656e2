package zmq

import (
	"encoding/json"
	"slices"

	"github.com/parley-run/parley/runtime/channel"
	"github.com/parley-run/parley/runtime/kind"
	"github.com/parley-run/parley/runtime/sio"
	"github.com/parley-run/parley/runtime/zmtp"
)

// Config is a ZeroMQ channel in the catalog.
type Config struct {
	channel.Base
	Address      string        `json:"address" kind:"required" doc:"tcp://host:port to listen at, or of the peer; tcp://*:port listens on all interfaces"`
	SocketType   string        `json:"socket_type" choices:"PULL,SUB" doc:"PULL: what peers PUSH, each message once; SUB: what peers PUB"`
	SocketMethod string        `json:"socket_method" choices:"bind,connect" doc:"bind and wait for peers, or connect to the peer"`
	SubKey       Keys          `json:"sub_key" doc:"what the messages that a SUB channel takes begin with, one or a list; empty: all messages"`
	Servers      string        `json:"servers" choices:"one,all" doc:"one: one server of the cluster at a time has the socket; all: each has one, for PULL that connects alone"`
	Pool         int           `json:"pool" doc:"messages that are handled at a time on one server; 1: one after the other, in their order"`
	MaxSize      int           `json:"max_size" doc:"size that a message may have, in bytes; a peer that sends more is disconnected"`
	Timeout      kind.Duration `json:"timeout" doc:"how long a message may take"`
}

// Defaults are the values of keys that a config leaves out.
func Defaults() Config {
	return Config{
		Base:       channel.Base{IsActive: true, DataFormat: sio.JSON},
		SocketType: pull, SocketMethod: bind, Servers: one, Pool: 1, MaxSize: 1 << 20, Timeout: kind.Seconds(60),
	}
}

const (
	pull    = "PULL"
	sub     = "SUB"
	bind    = "bind"
	connect = "connect"
	one     = "one"
	all     = "all"
)

// maxPool is how many messages may be handled at a time at most.
const maxPool = 10_000

// Keys are prefixes of messages. In a config they are one text or a list.
type Keys []string

// TypeName says what Keys accept.
func (k *Keys) TypeName() string { return "text or a list of text" }

// UnmarshalJSON accepts both forms.
func (k *Keys) UnmarshalJSON(raw []byte) error {
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		var single string
		if err := json.Unmarshal(raw, &single); err != nil {
			return err
		}
		list = []string{single}
	}
	*k = nil
	for _, key := range list {
		if key != "" && !slices.Contains(*k, key) {
			*k = append(*k, key)
		}
	}
	return nil
}

// MarshalJSON writes a list, so that equal configs have one form.
func (k Keys) MarshalJSON() ([]byte, error) {
	if k == nil {
		return []byte("[]"), nil
	}
	return json.Marshal([]string(k))
}

// Choices are of kind.Chooser.
func (Config) Choices() map[string][]string {
	return map[string][]string{"data_format": sio.Formats(), "security": {""}}
}

// Check finds all that is wrong with the values.
func (c Config) Check() kind.Faults {
	faults := c.CheckBase(sio.Formats()...)
	if c.Security != "" {
		faults.Add("security", "a ZeroMQ message shows no credentials that %q could check; leave it empty, and let no stranger reach the address", c.Security)
	}
	if _, err := c.hostPort(); err != nil {
		faults.Add("address", "%s", err)
	}
	if c.SocketType != pull && c.SocketType != sub {
		faults.Add("socket_type", "unknown type %q; expected PULL or SUB", c.SocketType)
	}
	if c.SocketMethod != bind && c.SocketMethod != connect {
		faults.Add("socket_method", "unknown method %q; expected bind or connect", c.SocketMethod)
	}
	if len(c.SubKey) > 0 && c.SocketType == pull {
		faults.Add("sub_key", "PULL takes all that is sent to it; sub_key is for SUB")
	}
	switch {
	case c.Servers != one && c.Servers != all:
		faults.Add("servers", "expected one or all, not %q", c.Servers)
	case c.Servers == all && (c.SocketType != pull || c.SocketMethod != connect):
		faults.Add("servers", "all is for PULL that connects alone: one server can bind an address, and with SUB each would handle every message; say one")
	}
	if c.Pool < 1 || c.Pool > maxPool {
		faults.Add("pool", "expected 1 to %d messages, not %d", maxPool, c.Pool)
	}
	if c.MaxSize < 1 {
		faults.Add("max_size", "it must be more than 0 bytes, not %d", c.MaxSize)
	}
	if c.Timeout <= 0 {
		faults.Add("timeout", "it must be more than 0")
	}
	return faults
}

// hostPort is the address for package net.
func (c Config) hostPort() (string, error) { return zmtp.HostPort(c.Address, c.SocketMethod == bind) }
