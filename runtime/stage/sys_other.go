//go:build unix && !linux

package stage

import (
	"os"

	"golang.org/x/sys/unix"
)

// On systems other than Linux wconf serves authors of templates and guests,
// not services: files are replaced the same way, but without the rights of
// directory owners, extended attributes and checks in place.

const openDirectory = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW

func readLink(dir int, name string) (string, attributes, error) {
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		return "", attributes{}, err
	}
	at, err := statAt(dir, name, unix.AT_SYMLINK_NOFOLLOW)
	return string(buf[:n]), at, err
}

func openWithoutLinks(string) (int, error) { return -1, unix.ENOTSUP }

func as(_ *rights, call func() error) error { return call() }

func mayChown() bool { return os.Geteuid() == 0 }

func openedByOthers(int) bool { return false }

func reserve(int, int64, bool) error { return nil }

func mountPoint(int, int) bool { return false }

func exchange(int, string, string) error { return unix.ENOTSUP }

func moveToFree(int, string, string) error { return unix.ENOTSUP }

func getAttr(int, string) ([]byte, error) { return nil, unix.ENOTSUP }

func setAttr(int, string, []byte) error { return unix.ENOTSUP }

func removeAttr(int, string) error { return unix.ENOTSUP }

func listAttrs(int) ([]byte, error) { return nil, unix.ENOTSUP }

var (
	errNoAttr   = error(unix.ENOENT)
	errNoAttrFS = error(unix.ENOTSUP)
)
