//go:build !linux

package bench

type receiver struct{}

func (*wire) stamped() {}

func (w *wire) receive(p []byte) (int, error) { return w.Conn.Read(p) }

// ended cannot be asked here: a connection that the peer has closed is noticed by the request that uses it.
func (*wire) ended() bool { return false }

func (*wire) gone() bool { return false }
