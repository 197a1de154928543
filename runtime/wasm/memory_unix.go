//go:build unix

package wasm

import "golang.org/x/sys/unix"

func newMemory(limit uint64) (*linearMemory, error) {
	space, err := unix.Mmap(-1, 0, int(limit), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	return &linearMemory{space: space}, err
}

func (m *linearMemory) release() {
	if m.space != nil {
		_ = unix.Munmap(m.space) // it is ours and whole
		m.space = nil
	}
}
