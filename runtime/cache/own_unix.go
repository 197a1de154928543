//go:build unix

package cache

import (
	"io/fs"
	"os"
	"syscall"
)

// A link is not followed, and a pipe does not make the start wait.
const noFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// open tells whether others than the owner may read or write a file.
func open(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }
