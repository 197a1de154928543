package stage

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const openDirectory = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW

// readLink is the text and the owner of a link, both of the same inode.
func readLink(dir int, name string) (string, attributes, error) {
	buf := make([]byte, unix.PathMax)
	if _, err := unix.Readlinkat(dir, name, buf); err != nil {
		return "", attributes{}, err
	}
	fd, err := openAt(dir, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", attributes{}, err
	}
	defer unix.Close(fd)
	at, err := statOf(fd)
	if err != nil {
		return "", at, err
	}
	n, err := unix.Readlinkat(fd, "", buf)
	return string(buf[:max(n, 0)]), at, err
}

// openWithoutLinks opens a directory if no link is on the way. Kernels before 5.6
// cannot tell, nor can filters of system calls that do not know the call.
func openWithoutLinks(dir string) (fd int, err error) {
	err = again(func() error {
		fd, err = unix.Openat2(unix.AT_FDCWD, dir, &unix.OpenHow{
			Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
		})
		return err
	})
	return fd, err
}

// as runs call with the file system rights of who, on a thread of its own that
// dies if wconf's rights cannot be taken back. Where the rights cannot be taken,
// or are too few and not the only ones allowed, wconf's own serve.
func as(who *rights, call func() error) error {
	if who == nil {
		return call()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err, restored := onThread(who, call)
		if restored {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	err := <-done
	if !who.only && (errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)) {
		return call()
	}
	return err
}

func onThread(who *rights, call func() error) (err error, restored bool) {
	gid, _ := unix.SetfsgidRetGid(who.gid)
	uid, _ := unix.SetfsuidRetUid(who.uid)
	if now, _ := unix.SetfsuidRetUid(-1); now != who.uid && who.only {
		err = unix.EPERM // in a container without CAP_SETUID
	} else {
		err = call()
	}
	unix.SetfsuidRetUid(uid)
	unix.SetfsgidRetGid(gid)
	nowUID, _ := unix.SetfsuidRetUid(-1)
	nowGID, _ := unix.SetfsgidRetGid(-1)
	return err, nowUID == uid && nowGID == gid
}

// mayChown says whether wconf may give a file to anybody.
func mayChown() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var rights [2]unix.CapUserData
	if err := unix.Capget(&head, &rights[0]); err != nil {
		return os.Geteuid() == 0
	}
	return rights[0].Effective&(1<<unix.CAP_CHOWN) != 0
}

// openedByOthers says whether anybody else has the file open: only then does
// the kernel refuse a write lease.
func openedByOthers(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
	if err == nil {
		unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return errors.Is(err, unix.EAGAIN)
}

// reserve makes room for size bytes, so that a full disk is noticed before the
// first byte is written. File systems that cannot reserve are let through.
func reserve(fd int, size int64, keepSize bool) error {
	if size == 0 {
		return nil
	}
	mode := uint32(0)
	if keepSize {
		mode = unix.FALLOC_FL_KEEP_SIZE
	}
	err := again(func() error { return unix.Fallocate(fd, mode, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}

// mountPoint says whether the file is mounted over its name in dir. Where the
// kernel does not tell (before 5.8), the rename will: EBUSY.
func mountPoint(dir, file int) bool {
	var d, f unix.Statx_t
	if unix.Statx(dir, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &d) != nil ||
		unix.Statx(file, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &f) != nil {
		return false
	}
	return d.Mask&f.Mask&unix.STATX_MNT_ID != 0 && d.Mnt_id != f.Mnt_id
}

func exchange(dir int, a, b string) error {
	return unix.Renameat2(dir, a, dir, b, unix.RENAME_EXCHANGE)
}

func moveToFree(dir int, from, to string) error {
	return unix.Renameat2(dir, from, dir, to, unix.RENAME_NOREPLACE)
}

func getAttr(fd int, name string) ([]byte, error) {
	buf := make([]byte, 256)
	for {
		n, err := unix.Fgetxattr(fd, name, buf)
		if errors.Is(err, unix.ERANGE) && len(buf) < 64<<10 {
			buf = make([]byte, 64<<10) // the kernel's limit
			continue
		}
		return buf[:max(n, 0)], err
	}
}

func setAttr(fd int, name string, value []byte) error {
	return unix.Fsetxattr(fd, name, value, 0)
}

func removeAttr(fd int, name string) error { return unix.Fremovexattr(fd, name) }

func listAttrs(fd int) ([]byte, error) {
	buf := make([]byte, 1024)
	n, err := unix.Flistxattr(fd, buf)
	if errors.Is(err, unix.ERANGE) {
		buf = make([]byte, 64<<10)
		n, err = unix.Flistxattr(fd, buf)
	}
	return buf[:max(n, 0)], err
}

var (
	errNoAttr   = error(unix.ENODATA)
	errNoAttrFS = error(unix.EOPNOTSUPP)
)
