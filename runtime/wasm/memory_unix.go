//go:build unix

package wasm

import "golang.org/x/sys/unix"

func reserve(limit uint64) ([]byte, error) {
	return unix.Mmap(-1, 0, int(limit), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
}

func release(space []byte) { _ = unix.Munmap(space) } // it is ours and whole

// executable tells whether the system lets memory that was written be run.
func executable() bool {
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return false
	}
	defer release(page)
	return unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC) == nil
}

// cheapToClear is up to where writing zeros is faster than giving the pages
// back to the system and taking them again.
const cheapToClear = 256 << 10

func wipe(b []byte) error {
	if len(b) <= cheapToClear {
		clear(b)
		return nil
	}
	return giveBack(b)
}
