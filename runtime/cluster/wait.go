package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-run/parley/runtime/database"
)

// ErrNobody says that there is no server to wait for.
var ErrNobody = errors.New("cluster: no server is up")

// WaitFor waits until every server that counts is at revision or later: until ctx ends, 10 s at most. There is
// one result for each server that counts then, by name; those that are behind say so. A database that goes away
// meanwhile may come back. A server that is killed
// counts for 6 s more, unless somebody calls Forget; one that starts or stops meanwhile counts, or not, from then.
func (t *Table) WaitFor(ctx context.Context, revision int64) ([]Result, error) {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := time.Now()
	arrived := map[string]time.Duration{}
	for delay := glance; ; {
		// The last look must be possible after ctx has ended, too: its caller wants names.
		look, done := context.WithTimeout(context.WithoutCancel(ctx), closing)
		members, err := t.Members(look)
		done()
		elapsed := time.Since(start)
		results, behind := judge(members, revision, arrived, elapsed)
		switch away := new(database.Away); {
		case err != nil && (wait.Err() != nil || !errors.As(err, &away)):
			return nil, err
		case err != nil:
			// another look
		case wait.Err() != nil || behind == 0:
			if len(results) == 0 {
				return nil, ErrNobody
			}
			return results, nil
		}
		if elapsed > urgent {
			delay = min(blink, delay*2)
		}
		select {
		case <-time.After(delay):
		case <-wait.Done():
		}
	}
}

// judge says how each member that counts took revision, and how many have not yet. arrived remembers when each
// was first seen to have it.
func judge(members []Member, revision int64, arrived map[string]time.Duration, elapsed time.Duration) (results []Result, behind int) {
	for _, m := range members {
		if !m.Counts {
			continue
		}
		r := Result{Server: m.Name, Revision: m.Revision}
		if m.Revision < revision {
			behind++
			delete(arrived, m.Name)
			r.MS = ms(elapsed)
			r.Error = fmt.Sprintf("lagging: it is at revision %d, not yet at %d", m.Revision, revision)
			if m.Problem != "" {
				r.Error += ": " + m.Problem
			}
			results = append(results, r)
			continue
		}
		if _, ok := arrived[m.Name]; !ok {
			arrived[m.Name] = elapsed
		}
		r.MS, r.OK = ms(arrived[m.Name]), true
		for _, f := range m.Quarantined {
			if f.Since >= revision {
				r.OK = false
			}
			if r.Error != "" {
				r.Error += "; "
			}
			r.Error += fmt.Sprintf("quarantined: %s: %s", f.Object, f.Error)
		}
		results = append(results, r)
	}
	return results, behind
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
