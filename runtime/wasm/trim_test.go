package wasm

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Of more than may be kept the oldest files go, with their sums.
func TestTrim(t *testing.T) {
	c := &cache{dir: t.TempDir()}
	for age, name := range []string{"new", "old", "older"} {
		path := filepath.Join(c.dir, name)
		if err := replaceFile(path, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if err := writeSum(path, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-time.Duration(age) * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		most int64
		left []string
	}{
		{300, []string{"new", "new.sha256", "old", "old.sha256", "older", "older.sha256"}},
		{299, []string{"new", "new.sha256", "old", "old.sha256"}},
		{100, []string{"new", "new.sha256"}},
		{99, nil},
	} {
		if err := c.trim(step.most); err != nil {
			t.Fatal(err)
		}
		var left []string
		entries, err := os.ReadDir(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			left = append(left, e.Name())
		}
		if !slices.Equal(left, step.left) {
			t.Errorf("%d bytes: %q is left", step.most, left)
		}
	}
}
