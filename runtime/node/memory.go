package node

import (
	"context"
	"runtime"

	"github.com/parley-run/parley/runtime/service"
)

// Memory is the output of parley.server.memory.
type Memory struct {
	Heap       int64 // bytes of objects that are in use, after a collection
	Goroutines int
	Mallocs    int64 // objects allocated since the server's start
	TotalAlloc int64 // bytes allocated since then
}

// memory collects garbage twice: what has a finalizer goes at the second time only.
func (n *Node) memory(context.Context, service.Runtime, struct{}) (Memory, error) {
	runtime.GC()
	runtime.GC()
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	return Memory{
		Heap: int64(now.HeapAlloc), Goroutines: runtime.NumGoroutine(), Mallocs: int64(now.Mallocs), TotalAlloc: int64(now.TotalAlloc),
	}, nil
}
