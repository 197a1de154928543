package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/problem"
)

// Lock is held on one destination. Nil is a lock on nothing.
type Lock struct{ file *os.File }

// lock takes an advisory lock on a file that stays: removing it would let two
// hold one lock. The holder's process id stands in it.
func lock(ctx context.Context, path, dest string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dest, err)
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", dest, err)
		}
		select {
		case <-ctx.Done():
			defer f.Close()
			if errors.Is(ctx.Err(), context.Canceled) { // wconf ends; nobody is to blame
				return nil, fmt.Errorf("lock %s: %w", dest, ctx.Err())
			}
			return nil, busy(f, dest)
		case <-time.After(pause):
		}
	}
	f.Truncate(0)                                //nolint:errcheck // the name is only for people
	f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0) //nolint:errcheck
	return &Lock{f}, nil
}

func busy(f *os.File, dest string) error {
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	other := strings.TrimSpace(string(text))
	if other == "" {
		other = "unknown"
	}
	return &problem.Problem{
		Code: problem.Busy, Msg: fmt.Sprintf("another wconf (process %s) works on %s", other, dest),
		Hint: "wait for it, or stop it",
	}
}

// Unlock lets others work on the destination.
func (l *Lock) Unlock() {
	if l != nil {
		l.file.Close()
	}
}
