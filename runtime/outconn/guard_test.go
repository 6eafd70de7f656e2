package outconn_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/parley-run/parley/runtime/outconn"
)

func TestGuard(t *testing.T) {
	allow, err := outconn.ParseAddresses([]string{"10.1.0.0/16", "192.168.7.7", "fd00:1::/32"})
	require.NoError(t, err)
	guard := outconn.Guard(allow)
	for _, tt := range []struct {
		address string
		want    string // "" passes
	}{
		{"93.184.216.34:443", ""},
		{"[2606:2800:220:1::1]:443", ""},
		{"10.1.200.3:80", ""},
		{"192.168.7.7:80", ""},
		{"[fd00:1::7]:80", ""},
		{"[64:ff9b::5db8:d822]:80", ""},
		{"127.0.0.1:80", "this machine"},
		{"127.9.9.9:80", "this machine"},
		{"[::1]:80", "this machine"},
		{"[::ffff:127.0.0.1]:80", "this machine"},
		{"0.0.0.0:80", "this machine"},
		{"[::]:80", "this machine"},
		{"169.254.169.254:80", "link-local"},
		{"[fe80::1%eth0]:80", "link-local"},
		{"[::ffff:169.254.169.254]:80", "link-local"},
		{"[64:ff9b::a9fe:a9fe]:80", "link-local"},
		{"[2002:7f00:1::]:80", "this machine"},
		{"[fd00:ec2::254]:80", "private"},
		{"10.2.0.1:80", "private"},
		{"172.16.0.1:80", "private"},
		{"192.168.7.8:80", "private"},
		{"100.100.100.200:80", "reserved"},
		{"192.0.0.192:80", "reserved"},
		{"0.1.2.3:80", "reserved"},
		{"[::7f00:1]:80", "reserved"},
		{"255.255.255.255:80", "reserved"},
		{"224.0.0.1:80", "for many"},
		{"168.63.129.16:80", "a cloud's own"},
		{"[::ffff:168.63.129.16]:80", "a cloud's own"},
		{"[::ffff:0:a9fe:a9fe]:80", "reserved"},
		{"[2001:0:a9fe:a9fe::]:80", "reserved"},
		{"/run/docker.sock", "no address"},
	} {
		err := guard(t.Context(), "tcp", tt.address, nil)
		if tt.want == "" {
			assert.NoError(t, err, tt.address)
			continue
		}
		assert.ErrorContains(t, err, tt.want, tt.address)
	}
	_, err = outconn.ParseAddresses([]string{"example.com"})
	assert.ErrorContains(t, err, `"example.com" is no address and no CIDR`)
}

// TestGuardSeesWhatIsDialled: the name is resolved before.
func TestGuardSeesWhatIsDialled(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	dialer := net.Dialer{Timeout: 5 * time.Second, ControlContext: outconn.Guard(nil)}
	_, err = dialer.DialContext(t.Context(), "tcp4", net.JoinHostPort("localhost", port))
	var refused *outconn.GuardError
	require.True(t, errors.As(err, &refused), "%v", err)
	assert.Equal(t, "127.0.0.1", refused.Address.String())
}
