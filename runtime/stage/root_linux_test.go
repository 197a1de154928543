package stage_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/stage"
)

func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", target, err)
	}
	t.Cleanup(func() { unix.Unmount(target, unix.MNT_DETACH) })
}

func owner(t *testing.T, path string) (uid, gid uint32) {
	t.Helper()
	st := must[os.FileInfo](t)(os.Stat(path)).Sys().(*syscall.Stat_t)
	return st.Uid, st.Gid
}

func TestOwner(t *testing.T) {
	needs.Root(t)
	dest := filepath.Join(t.TempDir(), "f")
	put(t, dest, "old", 0o640)
	os.Chown(dest, 123, 456)
	d := &stage.Disk{}
	replace(t, d, at(dest), "new")
	if uid, gid := owner(t, dest); uid != 123 || gid != 456 {
		t.Errorf("the owner was not kept: %d:%d", uid, gid)
	}
	target := at(dest)
	target.UID = 124
	f := staged(t, d, target, "new")
	if f.Difference() != (stage.Difference{Owner: true}) {
		t.Errorf("difference %+v", f.Difference())
	}
	if uid, gid := owner(t, f.Path()); uid != 124 || gid != 456 {
		t.Errorf("staged for %d:%d", uid, gid)
	}
	must[stage.Swapped](t)(f.Swap())
	if uid, gid := owner(t, dest); uid != 124 || gid != 456 {
		t.Errorf("now %d:%d", uid, gid)
	}
	want(t, dest, "new", 0o640)
}

// acl is an access list that gives user 1 the right to read.
func acl(group, mask uint16) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range [][3]uint32{{1, 6, ^uint32(0)}, {2, 4, 1}, {4, uint32(group), ^uint32(0)}, {0x10, uint32(mask), ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}

func attr(path, name string) string {
	b := make([]byte, 1000)
	n, err := unix.Getxattr(path, name, b)
	if err != nil {
		return err.Error()
	}
	return string(b[:n])
}

func TestAttributesAreKept(t *testing.T) {
	needs.Root(t)
	dir := t.TempDir()
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o640)
	for name, value := range map[string]string{
		"user.tag": "x", "user.wconf.unfinished-business": "y", "security.selinux": "system_u:object_r:etc_t:s0\x00",
		"system.posix_acl_access": string(acl(4, 4)),
	} {
		if err := unix.Setxattr(dest, name, []byte(value), 0); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := unix.Setxattr(dir, "system.posix_acl_default", acl(7, 7), 0); err != nil {
		t.Fatal(err)
	}
	d := &stage.Disk{}
	f := staged(t, d, at(dest), "new") // a check sees the attributes already
	if got := attr(f.Path(), "system.posix_acl_access"); got != string(acl(4, 4)) {
		t.Errorf("staged with access list %x", got)
	}
	must[stage.Swapped](t)(f.Swap())
	for name, value := range map[string]string{
		"user.tag": "x", "security.selinux": "system_u:object_r:etc_t:s0\x00", "system.posix_acl_access": string(acl(4, 4)),
		"user.wconf.unfinished-business": unix.ENODATA.Error(),
	} {
		if got := attr(dest, name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	target := at(dest)
	target.HasMode, target.Mode = true, 0o600
	replace(t, d, target, "new")
	if got := attr(dest, "system.posix_acl_access"); got != string(acl(4, 0)) {
		t.Errorf("with mode 0600 the access list is %x", got)
	}

	bare := filepath.Join(dir, "bare") // what the old file did not have, the new one does not inherit
	put(t, bare, "old", 0o640)
	unix.Removexattr(bare, "system.posix_acl_access")
	replace(t, d, at(bare), "new")
	if got := attr(bare, "system.posix_acl_access"); got != unix.ENODATA.Error() {
		t.Errorf("inherited %x", got)
	}
}

func tiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
	return dir
}

func TestFullDisk(t *testing.T) {
	needs.Root(t)
	dir := tiny(t)
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o644)
	_, err := (&stage.Disk{}).Stage(context.Background(), at(dest), make([]byte, 100_000))
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("Stage: %v", err)
	}
	want(t, dest, "old", 0o644)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// A file that is mounted over its name, as docker -v and subPath do.
func bound(t *testing.T) (dest, real string) {
	t.Helper()
	dest, real = filepath.Join(t.TempDir(), "f"), filepath.Join(tiny(t), "real")
	put(t, dest, "", 0o644)
	put(t, real, strings.Repeat("OLD ", 2000), 0o640)
	mount(t, real, dest, "", unix.MS_BIND, "")
	return dest, real
}

func TestBindMounted(t *testing.T) {
	needs.Root(t)
	dest, real := bound(t)
	before := inode(t, real)
	d := &stage.Disk{}
	target := at(dest)
	target.HasMode, target.Mode, target.UID = true, 0o600, 123
	f := staged(t, d, target, "new")
	must[string](t)("", f.Mark("owed"))
	if s := must[stage.Swapped](t)(f.Swap()); !s.InPlace {
		t.Error("not in place")
	}
	want(t, real, "new", 0o600)
	if uid, _ := owner(t, real); uid != 123 || inode(t, real) != before {
		t.Errorf("owner %d", uid)
	}
	if mark, owed, err := d.ReadMark(dest); mark != "owed" || !owed || err != nil {
		t.Errorf("mark %q, %v, %v", mark, owed, err)
	}
	if got := attr(real, "user.wconf.unfinished"); got != unix.ENODATA.Error() {
		t.Errorf("unfinished: %q", got)
	}
	if !staged(t, d, target, "new").Difference().None() {
		t.Error("never in sync")
	}
	if got := names(t, filepath.Dir(dest)); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestBindMountedAndFull(t *testing.T) {
	needs.Root(t)
	dest, real := bound(t)
	old := strings.Repeat("OLD ", 2000)
	f := staged(t, &stage.Disk{}, at(dest), strings.Repeat("y", 100_000))
	if _, err := f.Swap(); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("Swap: %v", err)
	}
	f.Discard()
	want(t, real, old, 0o640)
	if got := names(t, filepath.Dir(dest)); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestBindMountedReadOnly(t *testing.T) {
	needs.Root(t)
	dest, real := bound(t)
	if err := unix.Mount("", dest, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	f := staged(t, &stage.Disk{}, at(dest), "new")
	if _, err := f.Swap(); !errors.Is(err, unix.EROFS) || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("Swap: %v", err)
	}
	want(t, real, strings.Repeat("OLD ", 2000), 0o640)
}

func TestBindMountedWithTwoNames(t *testing.T) {
	needs.Root(t)
	dest, real := bound(t)
	os.Link(real, real+"2")
	f := staged(t, &stage.Disk{}, at(dest), "new")
	if _, err := f.Swap(); err == nil || !strings.Contains(err.Error(), "2 names") {
		t.Errorf("Swap: %v", err)
	}
	want(t, real, strings.Repeat("OLD ", 2000), 0o640)
}

func TestBindMountedCheckInPlace(t *testing.T) {
	needs.Root(t)
	dest, real := bound(t)
	f := staged(t, &stage.Disk{}, at(dest), "new")
	must[string](t)("", f.CheckInPlace(func() error { want(t, dest, "new", 0o640); return nil }))
	want(t, real, strings.Repeat("OLD ", 2000), 0o640)
	must[stage.Swapped](t)(f.Swap())
	want(t, real, "new", 0o640)
	if got := names(t, filepath.Dir(dest)); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

func TestBindMountedKilledWhileChecking(t *testing.T) {
	needs.Root(t)
	dest, real := bound(t)
	killed(t, "check", dest)
	want(t, real, "new", 0o640)
	must[[]string](t)((&stage.Disk{}).Sweep(at(dest)))
	want(t, real, strings.Repeat("OLD ", 2000), 0o640)
	if got := names(t, filepath.Dir(dest)); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// Files for a directory's owner are made with the owner's rights, and read by
// nobody before they are complete.
func TestRightsOfTheOwner(t *testing.T) {
	needs.Root(t)
	dir := nobodysDirectory(t)
	dest := filepath.Join(dir, "f")
	d := &stage.Disk{}
	f := staged(t, d, at(dest), "new")
	if uid, _ := owner(t, f.Path()); uid != 0 {
		t.Errorf("staged for uid %d", uid)
	}
	must[stage.Swapped](t)(f.Swap())
	want(t, dest, "new", 0o644)

	os.Chmod(dir, 0o555) // the owner may not write, root may: as ever
	replace(t, d, at(dest), "newer")
	want(t, dest, "newer", 0o644)
}

// An untrusted user's link gives no more rights than that user has.
func TestLinkOfAnotherUser(t *testing.T) {
	needs.Root(t)
	theirs := nobodysDirectory(t)
	roots := filepath.Join(filepath.Dir(theirs), "roots")
	os.Mkdir(roots, 0o755)
	way := filepath.Join(theirs, "way")
	os.Symlink(roots, way)
	os.Lchown(way, nobody, nobody)
	_, err := (&stage.Disk{}).Stage(context.Background(), at(filepath.Join(way, "f")), []byte("x"))
	if !errors.Is(err, unix.EACCES) {
		t.Errorf("Stage: %v", err)
	}
	os.Chown(roots, nobody, nobody)
	replace(t, &stage.Disk{}, at(filepath.Join(way, "f")), "x")
}

func TestNoMarks(t *testing.T) {
	needs.Root(t)
	dir := t.TempDir()
	mount(t, "ramfs", dir, "ramfs", 0, "")
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o644)
	d := &stage.Disk{}
	f := staged(t, d, at(dest), "new")
	if err := f.Mark("owed"); !errors.Is(err, stage.ErrNoMarks) {
		t.Errorf("Mark: %v", err)
	}
	if err := f.CheckInPlace(func() error { return nil }); !errors.Is(err, stage.ErrNoMarks) {
		t.Errorf("CheckInPlace: %v", err)
	}
	must[stage.Swapped](t)(f.Swap())
	want(t, dest, "new", 0o644)
	if _, _, err := d.ReadMark(dest); !errors.Is(err, stage.ErrNoMarks) {
		t.Errorf("ReadMark: %v", err)
	}
}

func TestImmutable(t *testing.T) {
	needs.Root(t)
	dest := filepath.Join(t.TempDir(), "f")
	put(t, dest, "old", 0o644)
	file := must[*os.File](t)(os.Open(dest))
	defer file.Close()
	const immutable = 0x10 // FS_IMMUTABLE_FL
	if err := unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, immutable); err != nil {
		t.Fatal(err)
	}
	defer unix.IoctlSetPointerInt(int(file.Fd()), unix.FS_IOC_SETFLAGS, 0)
	f := staged(t, &stage.Disk{}, at(dest), "new")
	if _, err := f.Swap(); !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "lsattr") {
		t.Errorf("Swap: %v", err)
	}
	f.Discard()
	want(t, dest, "old", 0o644)
}
