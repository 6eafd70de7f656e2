package bench

import (
	"strconv"
)

// listed bounds the ids that a result names one by one.
const listed = 20

// sentIDs are the ids of a run: number n of the whole, from 0, has the id n+1. Those of other shards are none of ours.
type sentIDs struct {
	first, count int // by seq: of the measured part
	outcome      func(seq int) Outcome
	schedule     Schedule
	whole        int // ids of all shards are 1 to here; 0: count and first say it
}

// seq is the place of an id, and whether it belongs to this shard; ok is false where it is no id of the run at all.
func (s sentIDs) seq(id int) (seq int, ours, ok bool) {
	if s.schedule.Of <= 1 {
		return id - 1, true, id >= 1 && id <= s.first+s.count
	}
	n := id - 1
	return n / s.schedule.Of, n%s.schedule.Of == s.schedule.Shard, id >= 1 && id <= s.whole
}

// compare holds what clients were told against the ids that the service recorded, in any order. Those of the warm-up are
// passed over.
func compare(s sentIDs, recorded []string) *Executed {
	once, twice := newNumbers(), newNumbers()
	out := &Executed{}
	for _, text := range recorded {
		id, err := strconv.Atoi(text)
		seq, ours, ok := s.seq(id)
		switch {
		case err != nil || !ok:
			out.Strange++
		case ours && seq >= s.first && !once.add(seq):
			twice.add(seq)
		}
	}
	for seq := s.first; seq < s.first+s.count; seq++ {
		id := s.schedule.Number(seq) + 1
		ran := once.has(seq)
		if ran {
			out.Executed++
		}
		if twice.has(seq) {
			out.Doubled++
			out.DoubledIDs = appendListed(out.DoubledIDs, id)
		}
		switch outcome := s.outcome(seq); {
		case outcome == Failed && ran:
			out.FailedExecuted++
		case outcome == Failed:
			out.LostFailed++
			out.LostIDs = appendListed(out.LostIDs, id)
		case outcome == OK && !ran:
			out.LostAcknowledged++
			out.LostIDs = appendListed(out.LostIDs, id)
		case outcome == Unknown && ran:
			out.UnknownExecuted++
		case outcome == Unknown:
			out.UnknownNotExecuted++
		}
	}
	out.Lost = out.LostFailed + out.LostAcknowledged
	return out
}

func appendListed(ids []int, id int) []int {
	if len(ids) >= listed {
		return ids
	}
	return append(ids, id)
}
