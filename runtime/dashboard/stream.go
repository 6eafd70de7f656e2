package dashboard

import (
	"net/http"
	"time"

	"github.com/parley-run/parley/runtime/service"
)

const (
	streamEvery = 3 * time.Second // between two looks at what is new
	streamMost  = 4 * time.Minute // a stream ends after so long, and the browser asks again
)

// stream sends server-sent events to a page: what its stream function gives, as JSON, until the browser leaves.
func (d *Dashboard) stream(v *visit, p page) {
	control := http.NewResponseController(v.w)
	v.w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	end := time.NewTimer(streamMost)
	defer end.Stop()
	for {
		data, err := p.stream(v)
		var body []byte
		if err == nil {
			if data, err = service.FromGo(data); err == nil {
				body, err = service.AppendJSON([]byte("data: "), data)
			}
		}
		if err != nil {
			d.Log.Warn("stream ended", "path", v.URL.Path, "err", err)
			return
		}
		if _, err := v.w.Write(append(body, "\n\n"...)); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-end.C:
			return
		case <-v.Context().Done():
			return
		}
		if u, ok := d.Backend.User(v.Context(), v.user.Name); !ok || u.Mark != v.session.mark {
			return
		}
	}
}
