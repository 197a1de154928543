package wasm

import "golang.org/x/sys/unix"

// giveBack makes pages zero: the next touch of a private mapping finds fresh
// ones (madvise(2), MADV_DONTNEED, on Linux only).
func giveBack(b []byte) error { return unix.Madvise(b, unix.MADV_DONTNEED) }
