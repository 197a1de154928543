package backend

import "testing"

func TestUnder(t *testing.T) {
	for _, c := range []struct {
		key      string
		prefixes []string
		want     bool
	}{
		{"/foo", []string{"/foo"}, true},
		{"/foo/a", []string{"/foo"}, true},
		{"/foobar", []string{"/foo"}, false},
		{"/fo", []string{"/foo"}, false},
		{"/foo/a", []string{"/b", "/foo/a"}, true},
		{"/anything", []string{"/"}, true},
		{"bare", []string{"/"}, false},
		{"/foo", nil, false},
		{"/foo/", []string{"/foo"}, true},
		{"/foo", []string{"/foo/"}, true},
		{"//foo", []string{"/"}, true},
		{"", []string{"/"}, true},
		{"/a/b/c/d", []string{"/a/b/d", "/a/bb", "/a/b"}, true},
	} {
		if got := Under(c.key, c.prefixes); got != c.want {
			t.Errorf("Under(%q, %q) = %v", c.key, c.prefixes, got)
		}
		if got := NewRoots(c.prefixes).Cover(c.key); got != c.want {
			t.Errorf("roots %q cover %q: %v", c.prefixes, c.key, got)
		}
	}
}
