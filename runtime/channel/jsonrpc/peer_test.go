package jsonrpc_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calls is a program for a client that is not ours: jsonrpclib-pelix, python3-jsonrpclib-pelix in Debian.
const calls = `
import sys
from jsonrpclib import ServerProxy, MultiCall
from jsonrpclib.jsonrpc import ProtocolError

server = ServerProxy(sys.argv[1])
print(server.subtract(42, 23), server.subtract(minuend=1, subtrahend=2))
print(server.echo(name="Sean O'Brien \u00e9", amounts=[1, 2.5, None]))
print(server._notify.update(1, 2))
batch = MultiCall(server)
batch.sum(1, 2, 4)
batch._notify.update(7)
batch.get_data()
print(list(batch()))
for call in (lambda: server.no_such(), lambda: server.subtract("x"), lambda: server.denied()):
    try:
        call()
    except ProtocolError as e:
        print(e.args[0][:2])
`

func TestPublicClient(t *testing.T) {
	python, err := exec.LookPath("/usr/bin/python3")
	if err == nil {
		err = exec.CommandContext(t.Context(), python, "-c", "import jsonrpclib").Run()
	}
	if err != nil {
		require.False(t, slices.Contains(strings.Split(os.Getenv("PARLEY_REQUIRE"), ","), "jsonrpclib"), "PARLEY_REQUIRE asks for jsonrpclib: %v", err)
		t.Skipf("no jsonrpclib for /usr/bin/python3 (Debian: python3-jsonrpclib-pelix): %v", err)
	}
	server, _ := serve(t, `,"silent_status":200`) // it takes 204 for a failure
	out, err := exec.CommandContext(t.Context(), python, "-c", calls, server.URL+"/rpc").CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, `19 -1
{'name': "Sean O'Brien é", 'amounts': [1, 2.5, None]}
None
[7, ['hello', 5]]
(-32601, 'Method not found')
(-32602, 'Invalid params')
(-32003, 'no denied; mend it')
`, string(out))
}
