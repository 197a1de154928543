package stage_test

import (
	"path/filepath"
	"testing"

	"github.com/wconf/wconf/runtime/stage"
)

func TestMarks(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o444)
	d := &stage.Disk{}
	f := staged(t, d, at(dest), "new")
	must[string](t)("", f.Mark("web deadbeef"))
	if _, owed, err := d.ReadMark(dest); owed || err != nil {
		t.Errorf("owed before the swap: %v", err)
	}
	must[stage.Swapped](t)(f.Swap())
	if mark, owed, err := d.ReadMark(dest); mark != "web deadbeef" || !owed || err != nil {
		t.Errorf("mark %q, %v, %v", mark, owed, err)
	}
	want(t, dest, "new", 0o444)

	replace(t, d, at(dest), "newer") // the mark is about one content
	if mark, owed, _ := d.ReadMark(dest); owed {
		t.Errorf("the mark %q was copied", mark)
	}

	f = staged(t, d, at(dest), "newer")
	must[string](t)("", f.Mark("b"))
	must[string](t)("", d.ClearMark(dest, "a"))
	if mark, _, _ := d.ReadMark(dest); mark != "b" {
		t.Errorf("another's mark is gone, now %q", mark)
	}
	must[string](t)("", d.ClearMark(dest, "b"))
	if _, owed, _ := d.ReadMark(dest); owed {
		t.Error("the mark is still there")
	}
	if _, owed, err := d.ReadMark(filepath.Join(dir, "none")); owed || err != nil {
		t.Errorf("no file: %v, %v", owed, err)
	}
}
