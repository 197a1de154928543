package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

// A render tells of each file that it comes to first, there or not. Of those
// that are not there only the last is kept: keys can name any number of them.
func TestSourcesAreMet(t *testing.T) {
	texts, met := map[string]string{"a.tmpl": "1", "b.part": "1"}, 0
	s := sources{met: func() { met++ }, open: func(path string) ([]byte, error) {
		if text, ok := texts[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}}
	read := func(path, files string, meets int, changed bool) {
		t.Helper()
		if _, err := s.read(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(slices.Values(s.paths())), " "); got != files || met != meets || s.changed() != changed {
			t.Errorf("%s: the files are %q, %d were met, changed: %v; want %q, %d, %v", path, got, met, s.changed(), files, meets, changed)
		}
	}
	read("a.tmpl", "a.tmpl", 0, false)
	read("fixed.part", "a.tmpl fixed.part", 0, false) // as a template names it
	s.complete()
	read("fixed.part", "a.tmpl fixed.part", 0, false)
	read("b.part", "a.tmpl b.part fixed.part", 1, false)
	for i := range 1000 {
		read(fmt.Sprint(i), fmt.Sprintf("%d a.tmpl b.part fixed.part", i), 2+i, false)
	}
	texts["999"] = "1"
	if !s.changed() {
		t.Error("a file appeared, and nothing has changed")
	}
	read("999", "999 a.tmpl b.part fixed.part", 1001, false)
	read("gone", "999 a.tmpl b.part fixed.part gone", 1002, false)
	texts["b.part"] = "2"
	read("a.tmpl", "999 a.tmpl b.part fixed.part gone", 1002, true)
}
