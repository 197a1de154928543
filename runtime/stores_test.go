package runtime

import (
	"slices"
	"testing"
)

// A prefix may empty at once only where every resource that reads there allows
// it.
func TestCarefree(t *testing.T) {
	for _, c := range []struct{ roots, careful, want []string }{
		{[]string{"/a", "/b"}, nil, []string{"/a", "/b"}},
		{[]string{"/a", "/b"}, []string{"/b"}, []string{"/a"}},
		{[]string{"/a", "/a/x", "/ab"}, []string{"/a/x"}, []string{"/ab"}},
		{[]string{"/a", "/a/x"}, []string{"/a"}, []string{"/a/x"}},
		{[]string{"/", "/b"}, []string{"/b"}, nil},
	} {
		if got := carefree(c.roots, c.careful); !slices.Equal(got, c.want) {
			t.Errorf("carefree(%q, %q) is %q, want %q", c.roots, c.careful, got, c.want)
		}
	}
}
