package runtime_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/wconf/wconf/runtime/needs"
)

// A full disk, and one that is read-only, leave the old file.
func TestBadDisk(t *testing.T) {
	needs.Root(t)
	wconf := buildWconf(t)
	mounted := func(s *site) {
		s.dest("disk/out")
		s.must(os.Mkdir(s.path("disk"), 0o755))
		s.must(syscall.Mount("tmpfs", s.path("disk"), "tmpfs", 0, "size=64k"))
		s.t.Cleanup(func() { syscall.Unmount(s.path("disk"), 0) }) //nolint:errcheck // the test is over
		s.file("disk/out", "old\n")
	}
	kept := func(s *site) bool {
		left, err := filepath.Glob(s.path("disk/.*"))
		return s.text("disk/out") == "old\n" && err == nil && len(left) == 0
	}
	for _, bad := range []badInput{
		{name: "full", template: `{{repeat 100000 "x"}}`, make: mounted, keeps: kept, says: []string{"disk/out", "no space left"}},
		{name: "read-only", make: func(s *site) {
			mounted(s)
			s.must(syscall.Mount("", s.path("disk"), "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
		}, keeps: kept, says: []string{"disk", "read-only"}},
	} {
		t.Run(bad.name, func(t *testing.T) { bad.try(t, wconf) })
	}
}
