package haproxy

import (
	"context"
	"time"
)

// silence is how long a server's checks may run out of time before what is in flight on it is ended, as the embedded
// load-balancer does: it is paused, or its machine is gone.
const silence = 3 * time.Second

func (r *Runner) breakOff(ctx context.Context, since map[string]time.Time) {
	text, err := ask(ctx, r.o.Config.Sockets.Runtime, "show stat servers 4 -1")
	if err != nil {
		return
	}
	rows, err := readStats(text)
	if err != nil {
		return
	}
	for _, s := range r.o.Config.Servers {
		row := rows["servers/"+s.Name]
		switch row.check() {
		case "L4TOUT", "L6TOUT", "L7TOUT":
			if since[s.Name].IsZero() {
				since[s.Name] = time.Now()
			}
		default:
			delete(since, s.Name)
			continue
		}
		if time.Since(since[s.Name]) < silence || row.number("scur") == 0 {
			continue
		}
		r.o.Log.Warn("server is silent; its connections are closed", "server", s.Name, "connections", row.number("scur"))
		if err := r.control.CutOff(ctx, s.Name); err != nil && ctx.Err() == nil {
			r.o.Log.Error("its connections are not closed", "server", s.Name, "err", err)
		}
	}
}
