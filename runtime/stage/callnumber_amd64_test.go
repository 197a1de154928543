//go:build linux

package stage_test

import "golang.org/x/sys/unix"

func callNumber(r *unix.PtraceRegs) uint64 { return r.Orig_rax }
