package bench

// pageBits is how many numbers a page of a set holds, in 4 KB.
const pageBits = 1 << 15

// numbers is a set of numbers from 0, in a bit each. A page exists only where some of its numbers are in it and some are not: of
// an hour's requests that all end well there are one or two.
type numbers struct {
	pages map[int]*page
	full  map[int]bool
	spare *page
}

type page struct {
	bits  [pageBits / 64]uint64
	count int
}

func newNumbers() *numbers { return &numbers{pages: map[int]*page{}, full: map[int]bool{}} }

// add puts n in, and says whether it was not there before.
func (s *numbers) add(n int) bool {
	at, in := n/pageBits, n%pageBits
	if s.full[at] {
		return false
	}
	p := s.pages[at]
	if p == nil {
		p, s.spare = s.spare, nil
		if p == nil {
			p = &page{}
		}
		s.pages[at] = p
	}
	mask := uint64(1) << (in % 64)
	if p.bits[in/64]&mask != 0 {
		return false
	}
	p.bits[in/64] |= mask
	if p.count++; p.count == pageBits {
		delete(s.pages, at)
		s.full[at] = true
		*p = page{}
		s.spare = p
	}
	return true
}

// has says whether n is in.
func (s *numbers) has(n int) bool {
	at, in := n/pageBits, n%pageBits
	if s.full[at] {
		return true
	}
	p := s.pages[at]
	return p != nil && p.bits[in/64]&(1<<(in%64)) != 0
}
