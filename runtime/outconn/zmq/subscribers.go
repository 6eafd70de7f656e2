package zmq

import (
	"sync"

	"github.com/parley-run/parley/runtime/zmtp"
)

// subscribers are the peers of a PUB socket, each with its own queue, so that a slow one holds up nobody.
type subscribers struct {
	mu     sync.RWMutex
	peers  map[*peer]struct{}
	closed bool
	left   int // messages that subscribers did not get after close
}

// publish queues a frame for every peer that wants it, and drops it for those whose queue is full. It is false
// once the socket is closed.
func (s *subscribers) publish(frame []byte) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	body := zmtp.Body(frame)
	for p := range s.peers {
		if p.wants(body) && p.queue.put(frame) != nil {
			p.dropped.Add(1)
		}
	}
	return true
}

func (p *peer) wants(body []byte) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for topic := range p.topics {
		if len(body) >= len(topic) && string(body[:len(topic)]) == topic {
			return true
		}
	}
	return false
}

// add is false once the socket is closed.
func (s *subscribers) add(p *peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.peers[p] = struct{}{}
	return true
}

func (s *subscribers) remove(p *peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.peers, p)
	if s.closed {
		s.left += p.queue.len()
	}
}

// close lets every queue run empty and refuses new subscribers.
func (s *subscribers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for p := range s.peers {
		p.queue.close()
	}
}

func (s *subscribers) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

func (s *subscribers) unsent() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := s.left
	for p := range s.peers {
		n += p.queue.len()
	}
	return n
}
