package command_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/needs"
)

func mountTmpfs(t *testing.T, dir string) {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
}

// On most hosts systemd lets mounts pass on to other namespaces. These do not.
func TestSharedMounts(t *testing.T) {
	needs.Root(t)
	dir := t.TempDir()
	mountTmpfs(t, dir)
	if err := unix.Mount("", dir, "", unix.MS_SHARED, ""); err != nil {
		t.Fatal(err)
	}
	dest, staged := write(t, filepath.Join(dir, "f"), "old"), write(t, filepath.Join(dir, ".f"), "new")
	mounts := func() int {
		text, _ := os.ReadFile("/proc/self/mountinfo")
		return strings.Count(string(text), dir)
	}
	before := mounts()
	for _, over := range []string{dest, filepath.Join(dir, "missing")} {
		out := filepath.Join(t.TempDir(), "seen")
		r, failed := run(t, command.Command{
			// wconf's namespace is looked at while the mounts stand
			Shell: "cat {{.dest}}; grep -c " + dir + " /proc/" + strconv.Itoa(os.Getpid()) + "/mountinfo > " + out, Dest: over,
			Overlays: []command.Overlay{{File: staged, Over: over}},
		})
		if failed != nil || string(r.Output) != "new" {
			t.Errorf("%s: %v, %s", over, failed, r.Output)
		}
		if seen := strings.TrimSpace(string(eventually(t, out))); seen != strconv.Itoa(before) || mounts() != before {
			t.Errorf("%s: %s mounts seen outside, then %d; %d before", over, seen, mounts(), before)
		}
	}
	if b, _ := os.ReadFile(dest); string(b) != "old" {
		t.Errorf("outside it is %q", b)
	}
}

// A directory that is covered shows what is mounted below it, as /etc/hosts in
// a container.
func TestCoveredDirectoryKeepsItsMounts(t *testing.T) {
	needs.Root(t)
	dir := t.TempDir()
	sub, file := filepath.Join(dir, "sub"), write(t, filepath.Join(dir, "hosts"), "below")
	os.MkdirAll(filepath.Join(sub, "inner"), 0o755)
	mountTmpfs(t, filepath.Join(sub, "inner"))
	write(t, filepath.Join(sub, "inner", "f"), "inner ")
	over := write(t, filepath.Join(t.TempDir(), "hosts"), "mounted ")
	if err := unix.Mount(over, file, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(file, unix.MNT_DETACH) })
	staged := write(t, filepath.Join(dir, ".f"), "new")
	r, failed := run(t, command.Command{
		Shell: "cd {{.dest}} && cat sub/inner/f hosts new", Dest: dir,
		Overlays: []command.Overlay{{File: staged, Over: filepath.Join(dir, "new")}},
	})
	if failed != nil || string(r.Output) != "inner mounted new" {
		t.Errorf("%v, %q", failed, r.Output)
	}
}
