//go:build unix

package wasm

import (
	"fmt"
	"os"
	"syscall"
)

// private looks that only this user may write to the directory.
func private(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%s is no directory", dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %04o; machine code is only kept where nobody else may look or write (0700)", dir, info.Mode().Perm())
	case ok && int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("%s belongs to user %d, not to user %d who runs wconf", dir, stat.Uid, os.Geteuid())
	}
	return nil
}
