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
	} {
		if got := Under(c.key, c.prefixes); got != c.want {
			t.Errorf("Under(%q, %q) = %v", c.key, c.prefixes, got)
		}
	}
}
