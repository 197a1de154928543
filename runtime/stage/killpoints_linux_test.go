//go:build linux && (amd64 || arm64)

package stage_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/stage"
)

func init() {
	if os.Getenv(childJob) == "once" {
		runtime.LockOSThread() // the tracer follows the main thread alone
		swapOnce(os.Getenv(childDest))
	}
}

// swapOnce is the child: one marked swap between two calls that the tracer
// knows.
func swapOnce(dest string) {
	syscall.Kill(os.Getpid(), 0)
	d := &stage.Disk{}
	f, err := d.Stage(context.Background(), at(dest), version(2, 5000))
	if err == nil {
		err = f.Mark("owed")
	}
	if err == nil {
		_, err = f.Swap()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	syscall.Kill(os.Getpid(), 0)
	os.Exit(0)
}

// Killed at any one of its system calls, a swap leaves the old file without a
// debt or the new one with it, and nothing that the sweep does not take.
func TestKilledAtEachCall(t *testing.T) {
	runtime.LockOSThread() // ptrace belongs to a thread
	defer runtime.UnlockOSThread()
	olds, news := 0, 0
	for call := 1; ; call++ {
		dir := t.TempDir()
		dest := filepath.Join(dir, "f")
		put(t, dest, string(version(1, 10)), 0o640)
		finished := killedAtCall(t, dest, call)
		b, _ := os.ReadFile(dest)
		n, whole := parse(b)
		mark, owed, err := (&stage.Disk{}).ReadMark(dest)
		if !whole || err != nil || owed != (n == 2) || owed && mark != "owed" {
			t.Fatalf("killed at call %d: version %d, whole %v, mark %q, %v", call, n, whole, mark, err)
		}
		if n == 1 {
			olds++
		} else {
			news++
		}
		must[[]string](t)((&stage.Disk{}).Sweep(at(dest)))
		if got := names(t, dir); len(got) != 1 {
			t.Fatalf("killed at call %d: left %v", call, got)
		}
		if finished {
			break
		}
	}
	t.Logf("old after %d kill points, new after %d", olds, news)
	if olds < 20 || news < 3 {
		t.Errorf("old after %d kill points, new after %d: that was no sweep", olds, news)
	}
}

// Killed while it writes a mount point in place, a swap leaves what the sweep
// makes whole: the old file or the new.
func TestKilledAtEachCallInPlace(t *testing.T) {
	needs.Root(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dest, real := bound(t)
	seen := map[int]int{}
	for call, finished := 1, false; !finished; call++ {
		put(t, real, string(version(1, 10)), 0o640)
		unix.Removexattr(real, "user.wconf.owed")
		finished = killedAtCall(t, dest, call)
		must[[]string](t)((&stage.Disk{}).Sweep(at(dest)))
		b, _ := os.ReadFile(dest)
		n, whole := parse(b)
		if _, owed, err := (&stage.Disk{}).ReadMark(dest); !whole || err != nil || n == 2 && !owed {
			t.Fatalf("killed at call %d: version %d, whole %v, owed %v, %v", call, n, whole, owed, err)
		}
		if got := names(t, filepath.Dir(dest)); len(got) != 1 {
			t.Fatalf("killed at call %d: left %v", call, got)
		}
		seen[n]++
	}
	t.Logf("version by kill points: %v", seen)
	if seen[1] < 20 || seen[2] < 10 {
		t.Errorf("version by kill points: %v; that was no sweep", seen)
	}
}

// killedAtCall runs the child up to its call number n, counted from its first
// mark, and kills it there. It is true when the child came to its second mark
// before.
func killedAtCall(t *testing.T, dest string, n int) (finished bool) {
	c := child("once", dest)
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := c.Process.Pid
	defer c.Wait()
	defer c.Process.Kill()
	waitStop(t, pid)
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_EXITKILL); err != nil {
		t.Fatal(err)
	}
	counting, entering := false, true
	for signal := 0; ; {
		if err := unix.PtraceSyscall(pid, signal); err != nil {
			t.Fatal(err)
		}
		status := waitStop(t, pid)
		signal = int(status.StopSignal())
		if signal != int(unix.SIGTRAP)|0x80 { // a signal for the child, as the Go runtime sends itself
			if signal == int(unix.SIGTRAP) {
				signal = 0
			}
			continue
		}
		signal = 0
		if entering {
			switch mark := isKill(t, pid); {
			case mark && counting:
				return true
			case mark:
				counting = true
			case counting:
				n--
			}
			if n == 0 {
				return false
			}
		}
		entering = !entering
	}
}

func waitStop(t *testing.T, pid int) unix.WaitStatus {
	t.Helper()
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, unix.WALL, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil || !status.Stopped() {
			t.Fatalf("the child ended: %v, %v", status, err)
		}
		return status
	}
}

func isKill(t *testing.T, pid int) bool {
	t.Helper()
	var regs unix.PtraceRegs
	if err := unix.PtraceGetRegs(pid, &regs); err != nil {
		t.Fatal(err)
	}
	return callNumber(&regs) == unix.SYS_KILL
}
