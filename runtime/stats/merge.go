package stats

import (
	"cmp"
	"slices"
	"time"
)

// Summary is what a cluster knows of one service. Times are milliseconds; percentiles are within 1 % of the
// exact ones, everything else is exact.
type Summary struct {
	Service string  `json:"service"`
	Count   int64   `json:"count"`
	Errors  int64   `json:"errors"`
	Rate    float64 `json:"rate"` // requests per second over the last 60 s, of all servers that run
	MeanMS  float64 `json:"mean_ms"`
	P50MS   float64 `json:"p50_ms"`
	P95MS   float64 `json:"p95_ms"`
	P99MS   float64 `json:"p99_ms"`
	MinMS   float64 `json:"min_ms"`
	MaxMS   float64 `json:"max_ms"`
}

// Merge sums what several servers know, one list a server, into one summary a service, by name.
func Merge(servers [][]ServiceStats) []Summary {
	byName := map[string][]ServiceStats{}
	for _, one := range servers {
		for _, s := range one {
			if s.Count > 0 {
				byName[s.Service] = append(byName[s.Service], s)
			}
		}
	}
	out := make([]Summary, 0, len(byName))
	for name, parts := range byName {
		out = append(out, summarise(name, parts))
	}
	slices.SortFunc(out, func(a, b Summary) int { return cmp.Compare(a.Service, b.Service) })
	return out
}

func summarise(name string, parts []ServiceStats) Summary {
	out := Summary{Service: name}
	var counts histogram
	var sum float64
	least, most := parts[0].MinNS, parts[0].MaxNS
	for _, p := range parts {
		out.Count += p.Count
		out.Errors += p.Errors
		out.Rate += p.Rate
		sum += float64(p.SumNS)
		least, most = min(least, p.MinNS), max(most, p.MaxNS)
		p.each(counts.add)
	}
	out.MinMS, out.MaxMS = ms(float64(least)), ms(float64(most))
	out.MeanMS = ms(sum / float64(out.Count))
	quantile := func(q float64) float64 {
		if counts.total == 0 {
			return out.MeanMS // no bucket could be read
		}
		return ms(min(max(counts.quantile(q), float64(least)), float64(most)))
	}
	out.P50MS, out.P95MS, out.P99MS = quantile(0.50), quantile(0.95), quantile(0.99)
	return out
}

func (s ServiceStats) sketch() Sketch {
	return Sketch{Count: s.Count, Errors: s.Errors, SumNS: s.SumNS, MinNS: s.MinNS, MaxNS: s.MaxNS, Buckets: s.Buckets}
}

// each visits the buckets that this program knows.
func (s ServiceStats) each(visit func(index int, n int64)) {
	for i := 0; i+1 < len(s.Buckets); i += 2 {
		if index, n := s.Buckets[i], s.Buckets[i+1]; index >= 0 && index < pageCount*pageSize && n > 0 {
			visit(int(index), n)
		}
	}
}

func ms(ns float64) float64 { return ns / float64(time.Millisecond) }
