package stage_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/stage"
)

var keep = stage.Target{UID: -1, GID: -1}

func at(path string) stage.Target {
	t := keep
	t.Path = path
	return t
}

func put(t testing.TB, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func staged(t testing.TB, s stage.Stager, target stage.Target, content string) stage.Staged {
	t.Helper()
	f := must[stage.Staged](t)(s.Stage(context.Background(), target, []byte(content)))
	t.Cleanup(func() { f.Discard() })
	return f
}

func replace(t testing.TB, s stage.Stager, target stage.Target, content string) stage.Swapped {
	t.Helper()
	return must[stage.Swapped](t)(staged(t, s, target, content).Swap())
}

func want(t testing.TB, path, content string, mode fs.FileMode) {
	t.Helper()
	got := must[[]byte](t)(os.ReadFile(path))
	info := must[fs.FileInfo](t)(os.Lstat(path))
	if string(got) != content || info.Mode() != mode {
		t.Errorf("%s is %q with mode %v, want %q with %v", path, got, info.Mode(), content, mode)
	}
}

func names(t testing.TB, dir string) (all []string) {
	t.Helper()
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
		all = append(all, e.Name())
	}
	return all
}

func inode(t testing.TB, path string) uint64 {
	t.Helper()
	return must[fs.FileInfo](t)(os.Stat(path)).Sys().(*syscall.Stat_t).Ino
}

func TestSwap(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "app.conf")
	d := &stage.Disk{}

	f := staged(t, d, at(dest), "one\n")
	if _, exists := f.Old(); exists || !f.Difference().Missing {
		t.Error("something stood at a new destination")
	}
	if _, err := os.Stat(dest); err == nil {
		t.Error("staging made the destination")
	}
	name := filepath.Base(f.Path())
	if digits, ok := strings.CutPrefix(name, ".app.conf"); !ok || len(digits) != 20 || strings.Trim(digits, "0123456789") != "" {
		t.Errorf("staged as %s", name)
	}
	want(t, f.Path(), "one\n", 0o644)
	must[stage.Swapped](t)(f.Swap())
	want(t, dest, "one\n", 0o644)

	os.Chmod(dest, 0o751)
	f = staged(t, d, at(dest), "two\n")
	if old, exists := f.Old(); !exists || string(old) != "one\n" {
		t.Errorf("old content is %q, %v", old, exists)
	}
	must[stage.Swapped](t)(f.Swap())
	want(t, dest, "two\n", 0o751)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
	if _, err := f.Swap(); err == nil {
		t.Error("a second swap went well")
	}
	if err := f.Discard(); err != nil {
		t.Error(err)
	}
}

func TestInSyncIsNotTouched(t *testing.T) {
	for _, content := range []string{"", "same\n", strings.Repeat("x", 200_000)} {
		dir := t.TempDir()
		dest := filepath.Join(dir, "f")
		put(t, dest, content, 0o640)
		if err := os.Chmod(dir, 0o555); err != nil { // nothing can be made there, unless by root
			t.Fatal(err)
		}
		before := must[fs.FileInfo](t)(os.Stat(dir)).ModTime()
		f := staged(t, &stage.Disk{}, at(dest), content)
		if !f.Difference().None() || f.Path() != dest {
			t.Errorf("difference %+v at %s", f.Difference(), f.Path())
		}
		if old, ok := f.Old(); !ok || string(old) != content {
			t.Error("the old content is the content")
		}
		if !before.Equal(must[fs.FileInfo](t)(os.Stat(dir)).ModTime()) {
			t.Error("the directory was changed")
		}
		os.Chmod(dir, 0o755)
	}
}

func TestModeAloneIsAChange(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "f")
	put(t, dest, "x", 0o644)
	before := inode(t, dest)
	target := at(dest)
	target.HasMode, target.Mode = true, 0o600
	f := staged(t, &stage.Disk{}, target, "x")
	if d := f.Difference(); d != (stage.Difference{Mode: true}) {
		t.Errorf("difference %+v", d)
	}
	must[stage.Swapped](t)(f.Swap())
	want(t, dest, "x", 0o600)
	if inode(t, dest) == before {
		t.Error("changed in place, not swapped")
	}
}

func TestDiscardLeavesAll(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o644)
	f := staged(t, &stage.Disk{}, at(dest), "new")
	if err := f.Discard(); err != nil {
		t.Fatal(err)
	}
	want(t, dest, "old", 0o644)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestRefusedKinds(t *testing.T) {
	dir := t.TempDir()
	fifo, socket, sub := filepath.Join(dir, "fifo"), filepath.Join(dir, "s"), filepath.Join(dir, "dir")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	l := must[net.Listener](t)(net.Listen("unix", socket))
	defer l.Close()
	os.Mkdir(sub, 0o755)
	for path, why := range map[string]string{
		fifo: "named pipe", socket: "socket", sub: "directory", sub + "/": "directory", "/dev/null": "device", "": "empty",
		filepath.Join(dir, "none", "f"): "mkdir -p " + filepath.Join(dir, "none"),
		filepath.Join(fifo, "f"):        "is not a directory",
	} {
		_, err := (&stage.Disk{}).Stage(context.Background(), at(path), []byte("x"))
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != problem.StageFailed || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want a problem about %q", path, err, why)
		}
	}
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "sub", "link")
	os.Mkdir(filepath.Dir(link), 0o755)
	put(t, real, "old", 0o640)
	os.Symlink("../real", link)

	t.Run("followed", func(t *testing.T) {
		f := staged(t, &stage.Disk{}, at(link), "new")
		if filepath.Dir(f.Path()) != dir {
			t.Errorf("staged at %s", f.Path())
		}
		if s := must[stage.Swapped](t)(f.Swap()); s.Path != real {
			t.Errorf("swapped %s", s.Path)
		}
		want(t, real, "new", 0o640)
		if _, err := os.Readlink(link); err != nil {
			t.Error("the link is gone")
		}
	})
	t.Run("dangling", func(t *testing.T) {
		os.Symlink(filepath.Join(dir, "made"), filepath.Join(dir, "to-be"))
		replace(t, &stage.Disk{}, at(filepath.Join(dir, "to-be")), "x")
		want(t, filepath.Join(dir, "made"), "x", 0o644)
	})
	t.Run("leads nowhere", func(t *testing.T) {
		for _, text := range []string{"loop", "/none/such/file"} {
			loop := filepath.Join(dir, "loop")
			os.Remove(loop)
			os.Symlink(text, loop)
			replace(t, &stage.Disk{}, at(loop), "x")
			want(t, loop, "x", 0o644)
		}
	})
	t.Run("unsafe", func(t *testing.T) {
		open := filepath.Join(dir, "open")
		os.Mkdir(open, 0o755)
		os.Chmod(open, 0o777)
		link := filepath.Join(open, "link")
		os.Symlink(real, link)
		put(t, real, "same", 0o600)

		var log bytes.Buffer
		d := &stage.Disk{Log: slog.New(slog.NewTextHandler(&log, nil))}
		if f := staged(t, d, at(link), "same"); !f.Difference().None() {
			t.Errorf("in sync through a link, but %+v", f.Difference())
		}
		f := staged(t, d, at(link), "new")
		if _, stood := f.Old(); stood || !f.Difference().Link {
			t.Error("an unsafe link gives its target's content away")
		}
		must[stage.Swapped](t)(f.Swap())
		want(t, link, "new", 0o600) // no wider than what it replaces
		want(t, real, "same", 0o600)
		if n := strings.Count(log.String(), "level=WARN"); n != 2 { // the directory and the link, once each
			t.Errorf("%d warnings:\n%s", n, &log)
		}

		strict := at(link)
		strict.Strict = true
		if _, err := d.Stage(context.Background(), strict, []byte("x")); err == nil || !strings.Contains(err.Error(), "strict") {
			t.Errorf("strict: %v", err)
		}
	})
}

// Each of these could be done by a check_cmd, or by whoever may write the
// directory.
func TestVerify(t *testing.T) {
	for name, touch := range map[string]func(path string) error{
		"content":  func(p string) error { return os.WriteFile(p, []byte("NEW"), 0) },
		"longer":   func(p string) error { return os.WriteFile(p, []byte("new and more"), 0) },
		"mode":     func(p string) error { return os.Chmod(p, 0o666) },
		"removed":  os.Remove,
		"named":    func(p string) error { return os.Link(p, p+"x") },
		"replaced": func(p string) error { os.Remove(p); return os.WriteFile(p, []byte("new"), 0o644) },
		"link":     func(p string) error { os.Remove(p); return os.Symlink("/etc/passwd", p) },
	} {
		t.Run(name, func(t *testing.T) {
			dest := filepath.Join(t.TempDir(), "f")
			put(t, dest, "old", 0o644)
			f := staged(t, &stage.Disk{}, at(dest), "new")
			if err := f.Verify(); err != nil {
				t.Fatal(err)
			}
			if err := touch(f.Path()); err != nil {
				t.Fatal(err)
			}
			if err := f.Verify(); !errors.Is(err, stage.ErrTouched) && !errors.Is(err, stage.ErrSwapped) {
				t.Errorf("Verify: %v", err)
			}
			if _, err := f.Swap(); err == nil {
				t.Error("swapped all the same")
			}
			f.Discard()
			want(t, dest, "old", 0o644)
		})
	}
}

// A directory that was moved away is not written to any more.
func TestMovedDirectory(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	os.Mkdir(conf, 0o755)
	f := staged(t, &stage.Disk{}, at(filepath.Join(conf, "f")), "new")
	os.Rename(conf, filepath.Join(dir, "before"))
	os.Mkdir(conf, 0o755)
	if _, err := f.Swap(); !errors.Is(err, stage.ErrSwapped) {
		t.Errorf("Swap: %v", err)
	}
}

// A way that was walked a moment ago is not taken on trust: what it leads to
// now is what counts.
func TestWayThatChanges(t *testing.T) {
	dir := must[string](t)(filepath.EvalSymlinks(t.TempDir()))
	above := filepath.Join(dir, "above")
	conf, other := filepath.Join(above, "conf"), filepath.Join(dir, "other")
	must[struct{}](t)(struct{}{}, errors.Join(os.MkdirAll(conf, 0o755), os.MkdirAll(filepath.Join(other, "conf"), 0o755)))
	var log bytes.Buffer
	d := &stage.Disk{Log: slog.New(slog.NewTextHandler(&log, nil))}
	dest := filepath.Join(conf, "f")
	replace(t, d, at(dest), "one")

	os.Rename(conf, filepath.Join(dir, "before"))
	os.Mkdir(conf, 0o755)
	replace(t, d, at(dest), "two") // another directory of that name
	want(t, dest, "two", 0o644)
	want(t, filepath.Join(dir, "before", "f"), "one", 0o644)

	os.Rename(above, filepath.Join(dir, "moved"))
	os.Symlink(other, above)
	replace(t, d, at(dest), "three") // a link on the way
	want(t, filepath.Join(other, "conf", "f"), "three", 0o644)
	want(t, filepath.Join(dir, "moved", "conf", "f"), "two", 0o644)

	os.Remove(above)
	os.Rename(filepath.Join(dir, "moved"), above)
	replace(t, d, at(dest), "four")
	if log.Len() > 0 {
		t.Errorf("a warning: %s", &log)
	}
	os.Chmod(conf, 0o777)
	replace(t, d, at(dest), "five")
	if !strings.Contains(log.String(), "can be written by others") {
		t.Errorf("no warning that others can write there now: %s", &log)
	}
}

func TestKeepStage(t *testing.T) {
	for name, s := range map[string]stage.Stager{"disk": &stage.Disk{}, "dry": stage.Dry{}} {
		for _, old := range []string{"old", "new"} {
			t.Run(name+" over "+old, func(t *testing.T) {
				dir := t.TempDir()
				dest := filepath.Join(dir, "f")
				put(t, dest, old, 0o640)
				target := at(dest)
				target.KeepStage = true
				f := staged(t, s, target, "new")
				f.Swap()
				f.Discard()
				s.Sweep(target)
				left := names(t, dir)
				if len(left) != 2 || len(left[0]) != len(".f")+10 {
					t.Fatalf("left: %v", left)
				}
				want(t, filepath.Join(dir, left[0]), "new", 0o640)
			})
		}
	}
}

func TestDry(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o644)
	f := staged(t, stage.Dry{}, at(dest), "new")
	if old, ok := f.Old(); !ok || string(old) != "old" || !f.Difference().Content {
		t.Errorf("old %q, difference %+v", old, f.Difference())
	}
	_, swap := f.Swap()
	for _, err := range []error{swap, f.Mark("x"), f.CheckInPlace(func() error { return nil }), stage.Dry{}.ClearMark(dest, "x")} {
		if !errors.Is(err, stage.ErrDry) {
			t.Errorf("got %v", err)
		}
	}
	want(t, dest, "old", 0o644)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o644)
	left := filepath.Join(dir, ".f01234567890123456789")
	foreign := []string{
		".f0123456789", ".f0123456789012345678", ".f012345678901234567890", ".f0123456789012345678x", ".g01234567890123456789",
	}
	put(t, left, "x", 0o600)
	for _, name := range foreign {
		put(t, filepath.Join(dir, name), "x", 0o600)
	}
	put(t, filepath.Join(dir, ".f11111111111111111111"), "two names", 0o600)
	os.Link(filepath.Join(dir, ".f11111111111111111111"), filepath.Join(dir, "other"))
	os.Symlink(dest, filepath.Join(dir, ".f22222222222222222222"))
	alive := staged(t, &stage.Disk{}, at(dest), "new")

	removed := must[[]string](t)((&stage.Disk{}).Sweep(at(dest)))
	if len(removed) != 1 || removed[0] != left {
		t.Errorf("removed %v", removed)
	}
	if got := names(t, dir); len(got) != len(foreign)+5 {
		t.Errorf("now there: %v", got)
	}
	must[stage.Swapped](t)(alive.Swap())
	if removed, err := (&stage.Disk{}).Sweep(at(filepath.Join(dir, "none", "f"))); removed != nil || err != nil {
		t.Errorf("no directory: %v, %v", removed, err)
	}
}

func TestRead(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "f")
	d := &stage.Disk{}
	if _, ok, err := d.Read(dest); ok || err != nil {
		t.Error(ok, err)
	}
	put(t, dest, "x", 0o644)
	if b, ok, err := d.Read(dest); string(b) != "x" || !ok || err != nil {
		t.Error(b, ok, err)
	}
}

func TestLongName(t *testing.T) {
	dest := filepath.Join(t.TempDir(), strings.Repeat("n", 255))
	replace(t, &stage.Disk{}, at(dest), "x")
	want(t, dest, "x", 0o644)
}

func TestRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	replace(t, &stage.Disk{}, at("f"), "x")
	replace(t, &stage.Disk{}, at("./f"), "y")
	want(t, "f", "y", 0o644)
}
