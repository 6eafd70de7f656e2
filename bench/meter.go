package bench

import (
	"math"
	"runtime/metrics"
	"time"
)

// meter is what this process has taken since it was started.
type meter struct {
	at  time.Time
	cpu time.Duration
}

func startMeter() meter {
	cpu, _ := ownUse()
	return meter{time.Now(), cpu}
}

// read is what so many requests took since then.
func (m meter) read(requests int) Generator {
	cpu, memory := ownUse()
	used, wall := cpu-m.cpu, time.Since(m.at)
	g := Generator{Memory: math.Round(float64(memory)/(1<<20)*10) / 10}
	if used <= 0 || wall <= 0 {
		return g
	}
	g.CPU = math.Round(used.Seconds()*1000) / 1000
	g.Cores = math.Round(used.Seconds()/wall.Seconds()*1000) / 1000
	if requests > 0 {
		g.PerRequest = math.Round(float64(used.Microseconds())/float64(requests)*10) / 10
	}
	return g
}

// heldMemory is what Go's runtime holds, where the operating system does not say what is resident.
func heldMemory() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() - sample[1].Value.Uint64()
}
