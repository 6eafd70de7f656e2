package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/parley-run/parley/redisurl"
)

// The KVDB is looked at every lookTime, and has answerTime to answer.
const (
	lookTime   = time.Second
	answerTime = time.Second
)

// outage is what is wrong with the KVDB.
type outage struct {
	mu    sync.Mutex
	why   string // empty: nothing
	since time.Time
}

func (o *outage) reason() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.why
}

// watchKVDB looks at the KVDB until ctx ends, and logs once that it went away and once that it is back: what each request
// of a service says in between is in that request's own line.
func (n *Node) watchKVDB(ctx context.Context) {
	ticks := time.NewTicker(lookTime)
	defer ticks.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, answerTime)
		err := n.redis.Check(asked)
		late := asked.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return
		}
		why := ""
		if late {
			why = fmt.Sprintf("no answer within %s", answerTime)
		} else if err != nil {
			why = n.redis.Target().Hide(redisurl.Reason(err))
		}
		n.noteKVDB(why)
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// noteKVDB takes in why the KVDB cannot be used, or that it can: "".
func (n *Node) noteKVDB(why string) {
	o := &n.outage
	o.mu.Lock()
	defer o.mu.Unlock()
	was := o.why
	o.why = why
	switch {
	case why != "" && was == "":
		o.since = time.Now()
		n.log.Warn("KVDB is away: services that use it fail, all else goes on", "kvdb", n.redis.Target().Name(), "err", why)
	case why == "" && was != "":
		n.log.Info("KVDB answers again", "kvdb", n.redis.Target().Name(), "away", time.Since(o.since).Round(time.Millisecond).String())
	}
}
