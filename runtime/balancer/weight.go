package balancer

import "fmt"

// The weights of servers: of two servers, one of twice the weight gets twice the requests. A server of weight 0 gets
// none; its checks go on, so that it can take over at once when it is given a weight again.
const (
	DefaultWeight = 100
	MaxWeight     = 256 // HAProxy's limit too
)

// SetWeight makes weight that of the named server, from the next request on.
func (b *Balancer) SetWeight(name string, weight int) error {
	s, err := b.server(name)
	if err != nil {
		return err
	}
	if weight < 0 || weight > MaxWeight {
		return fmt.Errorf("%d is no weight; expected 0 to %d", weight, MaxWeight)
	}
	b.mu.Lock()
	s.weight.Store(int64(weight))
	b.arrange()
	b.mu.Unlock()
	if weight > 0 && s.available() {
		b.wake()
	}
	return nil
}

// arrange puts the servers in the order in which they get requests: each as often as its weight says, and as evenly
// spread as can be. Whoever calls it holds b.mu, or is New.
func (b *Balancer) arrange() {
	total := 0
	var all []*server
	for _, s := range b.servers {
		if s.weight.Load() > 0 {
			all = append(all, s)
			total = divisor(total, int(s.weight.Load()))
		}
	}
	share := make([]int, len(all))
	unit, sum := max(total, 1), 0
	for i, s := range all {
		share[i] = int(s.weight.Load()) / unit
		sum += share[i]
	}
	order := make([]*server, 0, sum)
	credit := make([]int, len(all))
	for range sum {
		best := 0
		for i := range all {
			if credit[i] += share[i]; credit[i] > credit[best] {
				best = i
			}
		}
		credit[best] -= sum
		order = append(order, all[best])
	}
	b.order.Store(&order)
}

// divisor is the greatest number that divides both; 0 and n make n.
func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
