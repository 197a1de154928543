package stage

import (
	"os"
	"path/filepath"
	"testing"
)

// The owner of a directory who opened a staged file in the moment between its
// making and its change of owner is found out before a secret is in it.
func TestOpenedByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	mine, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	if openedByOthers(int(mine.Fd())) {
		t.Error("opened by nobody else, but said to be")
	}
	other, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if !openedByOthers(int(mine.Fd())) {
		t.Error("not noticed")
	}
}

// Each name that stageName makes is one that the sweep knows, and no other is.
func TestStageName(t *testing.T) {
	for _, base := range []string{"f", ".f", "a b", string(make([]byte, 255))} {
		if name := stageName(base, stagedDigits); !isStageName(base, name) || len(name) > 255 {
			t.Errorf("%q is not taken for a staged file of %q", name, base)
		}
		if name := stageName(base, keptDigits); isStageName(base, name) {
			t.Errorf("%q is taken for a staged file of %q", name, base)
		}
	}
}
