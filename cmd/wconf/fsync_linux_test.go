//go:build amd64

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// By default a written file is on disk before its name is, and each of the
// three ways to say that this is not wanted spares the system call.
func TestFSync(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		env   string
		file  string
		syncs bool
	}{
		"default":           {syncs: true},
		"flag":              {args: []string{"-fsync=false"}},
		"variable":          {env: "WCONF_FSYNC=false"},
		"file":              {file: "fsync = false\n"},
		"flag beats file":   {args: []string{"-fsync=true"}, file: "fsync = false\n", syncs: true},
		"variable, too":     {env: "WCONF_FSYNC=true", file: "fsync = false\n", syncs: true},
		"flag and variable": {args: []string{"-fsync=false"}, env: "WCONF_FSYNC=true"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{
				"c/conf.d/a.toml":    "[template]\nsrc = \"a.tmpl\"\ndest = \"a.conf\"\nkeys = [\"/\"]\n",
				"c/templates/a.tmpl": `{{getv "/name"}}`,
				"wconf.toml":         c.file,
			} {
				put(t, filepath.Join(dir, file), text)
			}
			args := append([]string{"wconf", "run", "-onetime", "-confdir", "c", "-config-file", "wconf.toml", "-backend", "env", "-log-level", "error"}, c.args...)
			syncs := syncsOf(t, &exec.Cmd{Args: args, Dir: dir, Env: append(os.Environ(), "NAME=shop", "WCONF_STATE_DIR="+dir+"/state", c.env)})
			if text, err := os.ReadFile(filepath.Join(dir, "a.conf")); string(text) != "shop" {
				t.Fatalf("a.conf holds %q, %v", text, err)
			}
			if (syncs > 0) != c.syncs {
				t.Errorf("%d calls of fsync", syncs)
			}
		})
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// syncsOf runs this program, and counts how often it calls fsync.
func syncsOf(t *testing.T, c *exec.Cmd) (syncs int) {
	t.Helper()
	runtime.LockOSThread() // ptrace belongs to a thread
	defer runtime.UnlockOSThread()
	var err error
	if c.Path, err = os.Executable(); err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Process.Release()
	waitFor(t, c.Process.Pid)
	if err := unix.PtraceSetOptions(c.Process.Pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		t.Fatal(err)
	}
	for at, signal := c.Process.Pid, 0; ; {
		if err := unix.PtraceSyscall(at, signal); err != nil && err != unix.ESRCH {
			t.Fatal(err)
		}
		var status unix.WaitStatus
		for at, status = waitFor(t, -1); !status.Stopped(); at, status = waitFor(t, -1) {
			if at == c.Process.Pid {
				if status.ExitStatus() != 0 {
					t.Fatalf("it ended with %d", status.ExitStatus())
				}
				return syncs / 2 // on entry and on return
			}
		}
		switch signal = int(status.StopSignal()); signal {
		case int(unix.SIGTRAP) | 0x80:
			var regs unix.PtraceRegs
			if err := unix.PtraceGetRegs(at, &regs); err == nil && (regs.Orig_rax == unix.SYS_FSYNC || regs.Orig_rax == unix.SYS_FDATASYNC) {
				syncs++
			}
			signal = 0
		case int(unix.SIGTRAP), int(unix.SIGSTOP): // a new thread, and its first stop
			signal = 0
		}
	}
}

// waitFor waits for a child of this thread alone: others have theirs.
func waitFor(t *testing.T, pid int) (int, unix.WaitStatus) {
	t.Helper()
	for {
		var status unix.WaitStatus
		at, err := unix.Wait4(pid, &status, unix.WALL|unix.WNOTHREAD, nil)
		if err == nil {
			return at, status
		}
		if err != unix.EINTR {
			t.Fatal(err)
		}
	}
}
