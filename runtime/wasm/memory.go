package wasm

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

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

// bytes is the memory as it is now: good until the guest runs again.
func (m *linearMemory) bytes() []byte { return m.space[:m.used] }

// Free is called when the instance closes; the pool does the work, also for an
// instance that never came to be.
func (m *linearMemory) Free() {}

// memories is a pool of address spaces. What it hands out is zero: no instance
// sees what another left.
type memories struct {
	mu   sync.Mutex
	free map[uint64][]*linearMemory // by limit
	keep int                        // of each limit
}

// take is a memory of a limit.
func (p *memories) take(limit uint64) (*linearMemory, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if list := p.free[limit]; len(list) > 0 {
		m := list[len(list)-1]
		p.free[limit] = list[:len(list)-1]
		return m, nil
	}
	space, err := reserve(limit)
	return &linearMemory{space: space}, err
}

// give takes a memory back when its instance is closed.
func (p *memories) give(m *linearMemory) {
	if err := wipe(m.space[:m.used]); err != nil {
		release(m.space)
		return
	}
	m.used, m.refused = 0, false
	limit := uint64(len(m.space))
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free[limit]) >= p.keep {
		release(m.space)
		return
	}
	p.free[limit] = append(p.free[limit], m)
}

// close frees what lies in the pool.
func (p *memories) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for limit, list := range p.free {
		for _, m := range list {
			release(m.space)
		}
		delete(p.free, limit)
	}
}
