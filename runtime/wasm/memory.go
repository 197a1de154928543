package wasm

import "github.com/tetratelabs/wazero/experimental"

// linearMemory is the memory of one instance: address space for as much as its
// limit, of which the system gives what is touched. It never moves, and nothing
// of it lies on Go's heap.
type linearMemory struct {
	space   []byte // as long as the limit
	used    uint64
	refused bool // it asked for more than its limit
}

// Allocate makes linearMemory the allocator of its own instance; a module has
// one memory.
func (m *linearMemory) Allocate(_, _ uint64) experimental.LinearMemory { return m }

// Reallocate grows the memory; nil refuses.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.space)) {
		m.refused = true
		return nil
	}
	m.used = max(m.used, size)
	return m.space[:size]
}

// Free is called when the instance closes; release does the work, also for an
// instance that never came to be.
func (m *linearMemory) Free() {}
