package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// private says why something of the ledger cannot be trusted: whoever else can
// write it decides what is reloaded.
func private(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return fmt.Errorf("stat %s: %w", path, err)
	}
	switch {
	case int(st.Uid) != os.Geteuid() && st.Uid != 0:
		return fmt.Errorf("%s belongs to uid %d", path, st.Uid)
	case st.Mode&0o002 != 0:
		return fmt.Errorf("%s can be written by everybody (mode %04o)", path, uint32(st.Mode)&0o7777)
	}
	return nil
}

// partPrefix begins the name of a record that is being written.
const partPrefix = ".record"

// sweep removes what killed wconf left half written. Nobody writes a record for
// an hour.
func sweep(dir string, now time.Time) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		if !strings.HasPrefix(name, partPrefix) {
			continue
		}
		path := filepath.Join(dir, name)
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && now.Sub(info.ModTime()) > time.Hour {
			os.Remove(path) //nolint:errcheck // the next start tries again
		}
	}
}
