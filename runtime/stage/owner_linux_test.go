package stage_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/stage"
)

// again runs a test in another process, below dir, as attr says.
func again(t *testing.T, dest string, attr *syscall.SysProcAttr, with ...string) {
	t.Helper()
	exe := filepath.Join(filepath.Dir(filepath.Dir(dest)), "test") // nobody cannot reach the test binary
	from, to := must[*os.File](t)(os.Open("/proc/self/exe")), must[*os.File](t)(os.Create(exe))
	must[int64](t)(io.Copy(to, from))
	from.Close()
	to.Close()
	os.Chmod(exe, 0o755)
	with = append(with, exe, "-test.run", "^"+t.Name()+"$", "-test.v")
	c := exec.Command(with[0], with[1:]...)
	c.Dir, c.Env, c.SysProcAttr = "/", append(os.Environ(), childDest+"="+dest), attr
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("in another process: %v\n%s", err, out)
	}
}

func asNobody() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

// inNamespace has all rights of root over nothing but what uid 0 owns.
func inNamespace() *syscall.SysProcAttr {
	zero := []syscall.SysProcIDMap{{Size: 1}}
	return &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: zero, GidMappings: zero}
}

// logged is a Disk and what it warned of.
func logged() (*stage.Disk, func() []string) {
	var b bytes.Buffer
	return &stage.Disk{Log: slog.New(slog.NewTextHandler(&b, nil))}, func() []string {
		return strings.FieldsFunc(b.String(), func(r rune) bool { return r == '\n' })
	}
}

func warnedOnce(t *testing.T, warned func() []string) {
	t.Helper()
	if w := warned(); len(w) != 1 || !strings.Contains(w[0], "the owner could not be set") {
		t.Errorf("warned: %q", w)
	}
}

func owned(path string, uid, gid int) stage.Target {
	t := at(path)
	t.UID, t.GID = uid, gid
	return t
}

// settled tells whether there is nothing to do at a target, for this wconf, one
// that starts, and one that only compares.
func settled(t *testing.T, d *stage.Disk, target stage.Target, content string) {
	t.Helper()
	for name, s := range map[string]stage.Stager{"the same": d, "another": &stage.Disk{}, "dry": stage.Dry{Disk: d}} {
		f := must[stage.Staged](t)(s.Stage(context.Background(), target, []byte(content)))
		if !f.Difference().None() {
			t.Errorf("never in sync for %s: %+v", name, f.Difference())
		}
		f.Discard()
	}
	if got := names(t, filepath.Dir(target.Path)); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func refuses(t *testing.T, target stage.Target, content string) {
	t.Helper()
	target.Strict = true
	_, err := (&stage.Disk{}).Stage(context.Background(), target, []byte(content))
	var p *problem.Problem
	if !errors.As(err, &p) || !strings.Contains(p.Hint, "strict = true") || !strings.Contains(p.Msg, "own") {
		t.Errorf("strict: %v", err)
	}
}

// An ordinary user's wconf writes a file for somebody else as its own, as confd
// does, and then leaves it alone.
func TestOwnerOfAnOrdinaryUser(t *testing.T) {
	dest := os.Getenv(childDest)
	if dest == "" && os.Geteuid() == 0 {
		again(t, filepath.Join(nobodysDirectory(t), "f"), asNobody())
		return
	}
	if dest == "" {
		dest = filepath.Join(t.TempDir(), "f")
	}
	d, warned := logged()
	target := owned(dest, 0, 0)
	refuses(t, target, "one")
	if len(names(t, filepath.Dir(dest))) != 0 {
		t.Error("strict wrote it")
	}
	target.HasMode, target.Mode = true, 0o755|os.ModeSetuid|os.ModeSetgid
	for _, content := range []string{"one", "two"} {
		replace(t, d, target, content)
		settled(t, d, target, content)
	}
	want(t, dest, "two", 0o755) // set-id bits are meant for the other owner
	warnedOnce(t, warned)
	refuses(t, target, "two")
	refuses(t, target, "three")

	d, warned = logged()
	own := owned(dest, os.Geteuid(), os.Getegid())
	replace(t, d, own, "four")
	settled(t, d, own, "four")
	if w := warned(); len(w) > 0 {
		t.Errorf("warned: %q", w)
	}
}

// What stands there may be somebody else's, too.
func TestOwnerOfAnotherUsersFile(t *testing.T) {
	dest := os.Getenv(childDest)
	if dest == "" {
		needs.Root(t)
		dest = filepath.Join(nobodysDirectory(t), "f")
		put(t, dest, "old", 0o755|os.ModeSetuid)
		again(t, dest, asNobody())
		return
	}
	strict := owned(dest, 0, 0) // it already has that owner
	strict.Strict = true
	settled(t, &stage.Disk{}, strict, "old")
	refuses(t, strict, "new")

	d, warned := logged()
	settled(t, d, owned(dest, 0, 0), "old")
	if w := warned(); len(w) > 0 {
		t.Errorf("warned: %q", w)
	}
	settled(t, d, owned(dest, 1, -1), "old") // a rename would change nothing but the owner, to another wrong one
	warnedOnce(t, warned)
	d, warned = logged()
	replace(t, d, owned(dest, 0, -1), "new")
	want(t, dest, "new", 0o755)
	if uid, gid := owner(t, dest); uid != nobody || gid != nobody {
		t.Errorf("now %d:%d", uid, gid)
	}
	settled(t, d, owned(dest, 0, -1), "new")
	warnedOnce(t, warned)
}

// foreign is a mounted file that belongs to somebody else and can be written.
func foreign(t *testing.T, prepare func(real string)) (dest string) {
	t.Helper()
	dest, real := filepath.Join(nobodysDirectory(t), "f"), filepath.Join(tiny(t), "real")
	put(t, dest, "", 0o644)
	put(t, real, "old", 0o666)
	os.Chown(real, 123, 456)
	prepare(real)
	mount(t, real, dest, "", unix.MS_BIND, "")
	return dest
}

// Of a file that is written in place the owner stays what it is.
func TestOwnerOfAMountedFile(t *testing.T) {
	dest := os.Getenv(childDest)
	if dest == "" {
		needs.Root(t)
		dest = foreign(t, func(string) {})
		again(t, dest, asNobody())
		if uid, gid := owner(t, dest); uid != 123 || gid != 456 {
			t.Errorf("now %d:%d", uid, gid)
		}
		return
	}
	d, warned := logged()
	replace(t, d, at(dest), "one")
	settled(t, d, at(dest), "one")
	if w := warned(); len(w) > 0 {
		t.Errorf("the owner is not asked for: %q", w)
	}
	refuses(t, owned(dest, os.Geteuid(), -1), "two")
	for _, content := range []string{"two", "three"} {
		target := owned(dest, os.Geteuid(), 0) // only the owner may be set where a file is replaced
		f := staged(t, d, target, content)
		must[string](t)("", f.CheckInPlace(func() error { want(t, dest, content, 0o666); return nil }))
		if s := must[stage.Swapped](t)(f.Swap()); !s.InPlace {
			t.Error("not in place")
		}
		want(t, dest, content, 0o666)
		settled(t, d, target, content)
	}
	warnedOnce(t, warned)
}

// A wconf that died while it wrote in place is finished by one that cannot give
// the file to anybody.
func TestOwnerWhenRecovered(t *testing.T) {
	const beside = ".f01234567890123456789"
	dest := os.Getenv(childDest)
	if dest == "" {
		needs.Root(t)
		dest = foreign(t, func(real string) {
			if err := unix.Setxattr(real, "user.wconf.unfinished", []byte(beside), 0); err != nil {
				t.Fatal(err)
			}
		})
		whole := filepath.Join(filepath.Dir(dest), beside)
		put(t, whole, "whole", 0o666)
		os.Chown(whole, nobody, nobody)
		again(t, dest, asNobody())
		return
	}
	must[[]string](t)((&stage.Disk{}).Sweep(at(dest)))
	want(t, dest, "whole", 0o666)
	settled(t, &stage.Disk{}, at(dest), "whole")
}

// Where nothing tells before, the kernel's refusal counts: a user that the
// namespace does not know, a file whose owner it does not know.
func TestOwnerThatTheKernelRefuses(t *testing.T) {
	dest := os.Getenv(childDest)
	if dest == "" {
		needs.Root(t)
		dest = foreign(t, func(string) {})
		if err := os.Chown(filepath.Dir(dest), 0, 0); err != nil {
			t.Fatal(err)
		}
		again(t, dest, inNamespace())
		return
	}
	d, warned := logged()
	target := owned(dest, 0, -1)
	if s := replace(t, d, target, "new"); !s.InPlace {
		t.Error("not in place")
	}
	want(t, dest, "new", 0o666)
	if f := staged(t, d, target, "new"); !f.Difference().None() {
		t.Errorf("never in sync: %+v", f.Difference())
	}
	replace(t, d, target, "newer")
	warnedOnce(t, warned)

	dest = filepath.Join(t.TempDir(), "f")
	target = owned(dest, 5, 6)
	refuses(t, target, "one")
	d, warned = logged()
	for _, content := range []string{"one", "two"} {
		replace(t, d, target, content)
		want(t, dest, content, 0o644)
		if f := staged(t, d, target, content); !f.Difference().None() {
			t.Errorf("never in sync: %+v", f.Difference())
		}
	}
	warnedOnce(t, warned)
	if f := staged(t, &stage.Disk{}, target, "two"); !f.Difference().None() {
		t.Errorf("after a start: %+v", f.Difference())
	}
}

// A root that may not give files away, as in a container that drops that right,
// writes as its own what it can write, also in the directory of somebody else.
func TestOwnerWithoutTheRightToSetIt(t *testing.T) {
	dest := os.Getenv(childDest)
	if dest == "" {
		needs.Root(t)
		dest = filepath.Join(nobodysDirectory(t), "f")
		again(t, dest, nil, needs.Tool(t, "setpriv"), "--bounding-set", "-chown")
		return
	}
	d := &stage.Disk{}
	for _, target := range []stage.Target{at(dest), owned(dest, 5, 6)} {
		replace(t, d, target, "new")
		settled(t, d, target, "new")
		want(t, dest, "new", 0o644)
		if uid, gid := owner(t, dest); uid != 0 || gid != 0 {
			t.Errorf("now %d:%d", uid, gid)
		}
		os.Remove(dest)
	}
}
