package stage_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/stage"
)

// After a power cut a destination holds a whole content, and none that is
// older than the last that was acknowledged; its mark came with it. The cut is
// the file system's own SHUTDOWN, on an ext4 image, with the journal flushed
// and with it dropped.
func TestPowerLoss(t *testing.T) {
	needs.Root(t)
	needs.Check(t, "to mount images")
	mkfs := needs.Tool(t, "mkfs.ext4")
	for round := range 12 {
		flags := uint32(1 + round%2) // 1 flushes the journal, 2 drops it
		t.Run(fmt.Sprintf("%d", round), func(t *testing.T) { powerLoss(t, mkfs, flags, time.Duration(3+round*7)*time.Millisecond) })
	}
}

func powerLoss(t *testing.T, mkfs string, flags uint32, after time.Duration) {
	image, at := filepath.Join(t.TempDir(), "image"), t.TempDir()
	mounted := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	mounted("truncate", "-s", "32M", image)
	mounted(mkfs, "-q", "-F", image)
	mounted("mount", "-o", "loop", image, at)
	t.Cleanup(func() { exec.Command("umount", at).Run() })

	dest, acknowledged := filepath.Join(at, "dest"), 0
	d := &stage.Disk{}
	cut := make(chan struct{})
	time.AfterFunc(after, func() { shutdown(t, at, flags); close(cut) })
	for n := 1; ; n++ {
		if err := putNumber(t, d, dest, n); err != nil {
			break // the power is gone
		}
		acknowledged = n
	}
	<-cut
	mounted("umount", at)
	mounted("mount", "-o", "loop", image, at)

	text, err := os.ReadFile(dest)
	if acknowledged == 0 && os.IsNotExist(err) {
		return
	}
	if err != nil || len(text) != 4<<10 {
		t.Fatalf("after %d: %d bytes, %v", acknowledged, len(text), err)
	}
	got := int(binary.LittleEndian.Uint32(text))
	if string(text) != string(numbered(got)) || got < acknowledged || got > acknowledged+1 {
		t.Errorf("content %d, acknowledged %d", got, acknowledged)
	}
	mark, _, err := d.ReadMark(dest)
	if err != nil || mark != fmt.Sprint("mark ", got) {
		t.Errorf("mark %q with content %d: %v", mark, got, err)
	}
}

// numbered is a content that tells a part of it from the whole.
func numbered(n int) []byte {
	return []byte(strings.Repeat(string(binary.LittleEndian.AppendUint32(nil, uint32(n))), 1<<10))
}

func putNumber(t *testing.T, d *stage.Disk, dest string, n int) error {
	s, err := d.Stage(t.Context(), stage.Target{Path: dest, UID: -1, GID: -1}, numbered(n))
	if err != nil {
		return err
	}
	defer s.Discard()
	if err := s.Mark(fmt.Sprint("mark ", n)); err != nil {
		return err
	}
	_, err = s.Swap()
	return err
}

// shutdown is the ioctl by which ext4, xfs and f2fs stop as if the power had
// gone (linux/ext4.h, EXT4_IOC_SHUTDOWN).
func shutdown(t *testing.T, dir string, flags uint32) {
	f, err := os.Open(dir)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), 0x8004587d, uintptr(unsafe.Pointer(&flags))); errno != 0 {
		t.Errorf("shutdown: %v", errno)
	}
}
