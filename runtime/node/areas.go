package node

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/parley-run/parley/runtime/folder"
	"github.com/parley-run/parley/runtime/service"
)

// Started is how long a part of the server took to start.
type Started struct {
	Area string
	MS   float64 `sio:"ms"`
	Off  bool    // it is switched off: neither loaded nor listed
}

// has says whether an area of folder.Optional is on.
func (n *Node) has(area string) bool { return n.folder == nil || n.folder.Cluster.Areas.Has(area) }

// timed runs a step of the start, and notes how long it took.
func (n *Node) timed(area string, do func() error) error {
	start := time.Now()
	err := do()
	n.noted(area, time.Since(start))
	return err
}

// noted adds a time to those of an area. The start is one goroutine.
func (n *Node) noted(area string, took time.Duration) {
	ms := float64(took.Microseconds()) / 1000
	for i := range n.started {
		if n.started[i].Area == area {
			n.started[i].MS += ms
			return
		}
	}
	n.started = append(n.started, Started{Area: area, MS: ms})
}

// startTimes are those of all areas, and which are off.
func (n *Node) startTimes() []Started {
	out := n.started
	for _, a := range folder.Optional() {
		if !n.has(a.Name) {
			out = append(out[:len(out):len(out)], Started{Area: a.Name, Off: true})
		}
	}
	return out
}

// listed are the services of areas that are on.
func (n *Node) listed(services []service.Service) []service.Service {
	out := services[:0]
	for _, s := range services {
		_, rest, _ := strings.Cut(s.Name, ".")
		if area, _, _ := strings.Cut(rest, "."); n.has(area) {
			out = append(out, s)
		}
	}
	return out
}

// startText is the start in a word of the log.
func startText(all []Started) string {
	parts := make([]string, len(all))
	for i, one := range all {
		parts[i] = fmt.Sprintf("%s %.1f ms", one.Area, one.MS)
		if one.Off {
			parts[i] = one.Area + " off"
		}
	}
	return strings.Join(parts, ", ")
}

// kvdbs are the key/value databases by name: one, or none.
func (n *Node) kvdbs() map[string]*boundConn {
	if n.kvdb == nil {
		return nil
	}
	return map[string]*boundConn{"default": n.kvdb}
}

// metrics is what is at GET /metrics; nil: nothing is.
func (n *Node) metrics() http.Handler {
	if !n.has(folder.AreaMetrics) {
		return nil
	}
	return n.metricsHandler()
}
