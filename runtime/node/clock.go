package node

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// clockVariable shifts the clock of a server, for tests: "90s" for whichever server reads it, or "server2=90s,server3=-5m".
// What goes by it: the time that services see, that of statistics, and those that are written beside changes and into the
// servers' table. Leases go by the database's clock and are not moved; time-outs are lengths of time.
const clockVariable = "PARLEY_TEST_CLOCK_OFFSET"

// clockOf is the clock of a server, and how far it is off.
func clockOf(server string) (now func() time.Time, off time.Duration, err error) {
	for one := range strings.SplitSeq(os.Getenv(clockVariable), ",") {
		name, text, named := strings.Cut(strings.TrimSpace(one), "=")
		if !named {
			name, text = server, name
		}
		if text == "" {
			continue
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: expected a time such as 90s, or server2=90s,server3=-5m, not %q", clockVariable, one)
		}
		if name == server {
			off = d
		}
	}
	if off == 0 {
		return time.Now, 0, nil
	}
	return func() time.Time { return time.Now().Add(off) }, off, nil
}

func (n *Node) setClock() error {
	now, off, err := clockOf(n.server.Name)
	if err != nil {
		return err
	}
	if n.now = now; off != 0 {
		n.log.Warn("the clock of this server is off, for a test", "off", off)
	}
	return nil
}
