package catalog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"sort"
)

// Object is one definition: a channel, an outgoing connection, a deployed file, ... Immutable once in a Snapshot.
type Object struct {
	Kind, Name string
	Spec       []byte // the kind's own config, canonical JSON; of a service file its JSON too
	Revision   int64  // of its last change

	sum contentSum // of kind, name and spec; zero until the object is in a snapshot
}

// contentSum is the start of a SHA-256. Objects keep theirs, so that a change to one of a thousand hashes one.
type contentSum [16]byte

// Key names an object within a snapshot.
type Key struct{ Kind, Name string }

// Key is o's.
func (o *Object) Key() Key { return Key{o.Kind, o.Name} }

// String is the kind and the name, for messages.
func (k Key) String() string { return k.Kind + " " + k.Name }

// Compare orders keys by kind, then name.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Kind, other.Kind), cmp.Compare(k.Name, other.Name))
}

func newObject(kind, name string, spec []byte, revision int64) *Object {
	return &Object{Kind: kind, Name: name, Spec: spec, Revision: revision, sum: sumOf(kind, name, spec)}
}

// sumOf hashes lengths before texts: "ab"+"c" and "a"+"bc" differ.
func sumOf(kind, name string, spec []byte) contentSum {
	buf := make([]byte, 0, 16+len(kind)+len(name)+len(spec))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(kind)))
	buf = append(buf, kind...)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(name)))
	buf = append(buf, name...)
	buf = append(buf, spec...)
	sum := sha256.Sum256(buf)
	return contentSum(sum[:16])
}

// Snapshot is plain immutable data: it can be compared, hashed, saved and sent.
type Snapshot struct {
	Revision int64
	Mark     string    // of the change that made it, see Version
	Hash     string    // of the content: equal on two servers exactly if they hold the same objects
	Objects  []*Object // sorted by kind, then name
}

// NewSnapshot sorts objects and computes their hash. It takes over the slice and the objects that are in no
// snapshot yet.
func NewSnapshot(revision int64, objects []*Object) *Snapshot {
	byKey := func(a, b *Object) int { return a.Key().Compare(b.Key()) }
	if !slices.IsSortedFunc(objects, byKey) {
		slices.SortFunc(objects, byKey)
	}
	sums := make([]byte, 0, len(objects)*len(contentSum{}))
	for _, o := range objects {
		if o.sum == (contentSum{}) {
			o.sum = sumOf(o.Kind, o.Name, o.Spec)
		}
		sums = append(sums, o.sum[:]...)
	}
	total := sha256.Sum256(sums)
	return &Snapshot{Revision: revision, Objects: objects, Hash: hex.EncodeToString(total[:12])}
}

// Version is s's place in the history of changes.
func (s *Snapshot) Version() Version { return Version{s.Revision, s.Mark} }

// Get is the object of that kind and name, or nil.
func (s *Snapshot) Get(kind, name string) *Object {
	key := Key{kind, name}
	i, found := sort.Find(len(s.Objects), func(i int) int { return key.Compare(s.Objects[i].Key()) })
	if !found {
		return nil
	}
	return s.Objects[i]
}

// With is s changed by c, at that revision. It shares what c does not touch; what c puts gets the revision.
func (s *Snapshot) With(revision int64, c Change) *Snapshot {
	put := make([]*Object, len(c.Put))
	for i, o := range c.Put {
		put[i] = newObject(o.Kind, o.Name, bytes.Clone(o.Spec), revision) // the caller may go on writing to its own
	}
	return s.replace(revision, put, c.Delete)
}

// replace leaves out gone, then sets put.
func (s *Snapshot) replace(revision int64, put []*Object, gone []Key) *Snapshot {
	touched := make(map[Key]bool, len(put)+len(gone))
	for _, key := range gone {
		touched[key] = true
	}
	for _, o := range put {
		touched[o.Key()] = true
	}
	objects := make([]*Object, 0, len(s.Objects)+len(put))
	for _, o := range s.Objects {
		if !touched[o.Key()] {
			objects = append(objects, o)
		}
	}
	return NewSnapshot(revision, append(objects, put...))
}
