//go:build unix

package stage

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// attributes are what the kernel says about an inode, in one shape for all
// systems.
type attributes struct {
	dev, ino, links uint64
	uid, gid        int
	mode            uint32 // permission bits with set-id and sticky
	kind            uint32 // unix.S_IFREG and its kin
	size            int64
}

func (a attributes) is(b attributes) bool { return a.dev == b.dev && a.ino == b.ino }

func attributesOf(st *unix.Stat_t) attributes {
	return attributes{
		dev: uint64(st.Dev), ino: st.Ino, links: uint64(st.Nlink),
		uid: int(st.Uid), gid: int(st.Gid),
		mode: uint32(st.Mode) & 0o7777, kind: uint32(st.Mode) & unix.S_IFMT, size: st.Size,
	}
}

func statOf(fd int) (attributes, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Fstat(fd, &st) })
	return attributesOf(&st), err
}

// statAt looks at a name in a directory; flags may be AT_SYMLINK_NOFOLLOW.
func statAt(dir int, name string, flags int) (attributes, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Fstatat(dir, name, &st, flags) })
	return attributesOf(&st), err
}

func openAt(dir int, name string, flags int, mode uint32) (fd int, err error) {
	err = again(func() error {
		fd, err = unix.Openat(dir, name, flags|unix.O_CLOEXEC, mode)
		return err
	})
	return fd, err
}

// again repeats a call that a signal cut short.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// kindError says what a destination is when it is not a regular file.
func kindError(kind uint32) error {
	switch kind {
	case unix.S_IFREG:
		return nil
	case unix.S_IFDIR:
		return errors.New("it is a directory")
	case unix.S_IFIFO:
		return errors.New("it is a named pipe")
	case unix.S_IFSOCK:
		return errors.New("it is a socket")
	case unix.S_IFBLK, unix.S_IFCHR:
		return errors.New("it is a device")
	case unix.S_IFLNK:
		return errors.New("it is a link")
	}
	return errors.New("it is not a regular file")
}

// modeBits are the kernel's bits of a file mode.
func modeBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for flag, bit := range map[fs.FileMode]uint32{
		fs.ModeSetuid: unix.S_ISUID, fs.ModeSetgid: unix.S_ISGID, fs.ModeSticky: unix.S_ISVTX,
	} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// wanted is what a file shall be like, and what was asked for by name.
type wanted struct {
	uid, gid         int
	mode             uint32
	uidSaid, gidSaid bool
}

func (t Target) wanted(old *standing) wanted {
	w := wanted{uid: t.UID, gid: t.GID, uidSaid: t.UID >= 0, gidSaid: t.GID >= 0}
	kept := attributes{mode: 0o644}
	if old != nil {
		kept = old.at
	} else {
		kept.uid, kept.gid = os.Geteuid(), os.Getegid()
	}
	if w.mode = kept.mode; t.HasMode {
		w.mode = modeBits(t.Mode)
	}
	if !w.uidSaid {
		w.uid = kept.uid
	}
	if !w.gidSaid {
		w.gid = kept.gid
	}
	return w
}
