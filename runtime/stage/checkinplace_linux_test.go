package stage_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wconf/wconf/runtime/stage"
)

func TestCheckInPlace(t *testing.T) {
	bad := errors.New("refused")
	for _, verdict := range []error{nil, bad} {
		for _, old := range []string{"old", ""} {
			dir := t.TempDir()
			dest := filepath.Join(dir, "f")
			if old != "" {
				put(t, dest, old, 0o640)
			}
			d := &stage.Disk{}
			f := staged(t, d, at(dest), "new")
			err := f.CheckInPlace(func() error {
				if b, _ := os.ReadFile(dest); string(b) != "new" {
					t.Errorf("the check sees %q", b)
				}
				if swept, err := d.Sweep(at(dest)); swept != nil || err != nil { // a second wconf starts
					t.Errorf("swept %v, %v", swept, err)
				}
				return verdict
			})
			if !errors.Is(err, verdict) {
				t.Errorf("CheckInPlace: %v, want %v", err, verdict)
			}
			if b, _ := os.ReadFile(dest); string(b) != old {
				t.Errorf("afterwards %q, want %q", b, old)
			}
			if verdict != nil {
				f.Discard()
				if n := len(names(t, dir)); n > 1 || old == "" && n > 0 {
					t.Errorf("left %v", names(t, dir))
				}
				continue
			}
			must[stage.Swapped](t)(f.Swap())
			if b, _ := os.ReadFile(dest); string(b) != "new" {
				t.Errorf("swapped, but %q", b)
			}
			if mended, err := d.Recover(dest); mended || err != nil {
				t.Errorf("Recover after all: %v, %v", mended, err)
			}
		}
	}
}

// The operator saves the destination while the check runs: that stands.
func TestCheckInPlaceAndEdited(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "f")
	put(t, dest, "old", 0o644)
	f := staged(t, &stage.Disk{}, at(dest), "new")
	err := f.CheckInPlace(func() error {
		put(t, dest+"~", "edited", 0o644)
		return os.Rename(dest+"~", dest)
	})
	if !errors.Is(err, stage.ErrSwapped) {
		t.Errorf("CheckInPlace: %v", err)
	}
	f.Discard()
	want(t, dest, "edited", 0o644)
}

// A wconf that is killed while a check in place runs leaves a content there
// that nobody has checked. The next one takes it back.
func TestKilledWhileChecking(t *testing.T) {
	for _, old := range []string{"old", ""} {
		dir := t.TempDir()
		dest := filepath.Join(dir, "f")
		if old != "" {
			put(t, dest, old, 0o640)
		}
		killed(t, "check", dest)
		if b, _ := os.ReadFile(dest); string(b) != "new" {
			t.Fatalf("killed too early: %q", b)
		}
		if mended, err := (&stage.Disk{}).Recover(dest); !mended || err != nil {
			t.Errorf("Recover: %v, %v", mended, err)
		}
		if old != "" {
			want(t, dest, old, 0o640)
			if got := names(t, dir); len(got) != 1 {
				t.Errorf("left %v", got)
			}
		} else if got := names(t, dir); len(got) != 0 {
			t.Errorf("left %v", got)
		}
	}
}
