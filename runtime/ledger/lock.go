package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/problem"
)

// locks is the directory of the files that are locked, apart from the records:
// there is one for every destination, and nothing in them to sweep.
const locks = "locks"

// Lock is held on one destination. Nil is a lock on nothing.
type Lock struct{ fd int }

// lock takes an advisory lock on a file that stays empty, and stays: removing
// it would let two hold one lock.
func lock(ctx context.Context, path, dest string) (*Lock, error) {
	fd, err := again(func() (int, error) {
		return unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	})
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dest, err)
	}
	l := &Lock{fd}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		_, err := again(func() (int, error) { return 0, unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			l.Unlock()
			return nil, fmt.Errorf("lock %s: %w", dest, err)
		}
		select {
		case <-ctx.Done():
			defer l.Unlock()
			if errors.Is(ctx.Err(), context.Canceled) { // wconf ends; nobody is to blame
				return nil, fmt.Errorf("lock %s: %w", dest, ctx.Err())
			}
			return nil, busy(fd, dest)
		case <-time.After(pause):
		}
	}
}

// again repeats a system call that a signal interrupted.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

func busy(fd int, dest string) error {
	return &problem.Problem{
		Code: problem.Busy, Msg: fmt.Sprintf("another wconf (process %s) works on %s", holder(fd), dest),
		Hint: "wait for it, or stop it",
	}
}

// holder is the process that holds the lock on a file, as the kernel's list
// has it: "1: FLOCK ADVISORY WRITE 4711 fd:00:12345 0 EOF".
func holder(fd int) string {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "unknown"
	}
	all, err := os.ReadFile("/proc/locks")
	if err != nil {
		return "unknown"
	}
	inode := fmt.Sprintf(":%d", st.Ino)
	for line := range strings.Lines(string(all)) {
		f := strings.Fields(line)
		if len(f) >= 6 && f[1] == "FLOCK" && strings.HasSuffix(f[5], inode) {
			return f[4]
		}
	}
	return "unknown"
}

// Unlock lets others work on the destination.
func (l *Lock) Unlock() {
	if l != nil {
		unix.Close(l.fd) //nolint:errcheck // nothing was written
	}
}
