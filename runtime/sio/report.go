package sio

import (
	"strconv"
	"strings"
)

// maxFaults is how many faults one message names: a document may hold a million.
const maxFaults = 50

// Faults are the cause of an error about input: what is wrong with it, one by one, each with its path. No more than the
// first 50 are there.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "; ") }

// report collects what is wrong with a document, each fault with its path, such as rows[2].cust_id.
type report struct {
	path   []step
	faults []string
	more   bool
}

type step struct {
	name  string
	index int // of a list's element; names have -1
}

func (r *report) enter(name string) { r.path = append(r.path, step{name, -1}) }
func (r *report) element(i int)     { r.path = append(r.path, step{"", i}) }
func (r *report) leave()            { r.path = r.path[:len(r.path)-1] }

func (r *report) fault(message string) {
	if r.full() {
		r.more = true
		return
	}
	var b strings.Builder
	for i, s := range r.path {
		switch {
		case s.index >= 0:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	r.faults = append(r.faults, b.String()+message)
}

func (r *report) ok() bool { return len(r.faults) == 0 }

// full says whether nobody will see what else is wrong: who reads a list may stop looking into it.
func (r *report) full() bool { return len(r.faults) == maxFaults }

func (r *report) String() string {
	text := strings.Join(r.faults, "; ")
	if r.more {
		text += "; and more"
	}
	return text
}
