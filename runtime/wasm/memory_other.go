//go:build !unix

package wasm

func newMemory(limit uint64) (*linearMemory, error) {
	return &linearMemory{space: make([]byte, limit)}, nil
}

func (m *linearMemory) release() { m.space = nil }
