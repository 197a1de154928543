package stage_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/wconf/wconf/runtime/stage"
)

// Whatever becomes of a destination, no descriptor stays open.
func TestDescriptorsAreClosed(t *testing.T) {
	dir := t.TempDir()
	dest, link := filepath.Join(dir, "f"), filepath.Join(dir, "link")
	os.Symlink("f", link)
	d := &stage.Disk{NoSync: true}
	open := func() int { return len(names(t, "/proc/self/fd")) }
	round := func() {
		for _, path := range []string{dest, link, dir, filepath.Join(dir, "none", "f"), "/dev/null"} {
			for _, content := range []string{"a", "a", "b"} {
				target := at(path)
				target.KeepStage = content == "b"
				for _, s := range []stage.Stager{d, stage.Dry{}} {
					if f, err := s.Stage(context.Background(), target, []byte(content)); err == nil {
						f.Verify()
						f.CheckInPlace(func() error { return nil })
						f.Swap()
						f.Discard()
					}
				}
			}
			d.Sweep(at(path))
			d.ReadMark(path)
			d.Read(path)
		}
	}
	round()
	before := open()
	for range 5 {
		round()
	}
	if after := open(); after != before {
		t.Errorf("%d descriptors open, %d before", after, before)
	}
}
