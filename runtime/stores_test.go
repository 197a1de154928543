package runtime

import (
	"slices"
	"testing"
	"time"
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

// Who says how long a store may take is heard, also for rancher, where confd
// takes a second longer than the other stores get.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		store      string
		said, want time.Duration
	}{
		{"etcd", 0, 30 * time.Second},
		{"etcd", 2 * time.Second, 2 * time.Second},
		{"rancher", 0, 31 * time.Second},
		{"rancher", 30 * time.Second, 31 * time.Second},
		{"rancher", 2 * time.Second, 2 * time.Second},
		{"rancher", time.Minute, time.Minute},
	} {
		if got := patience(c.store, c.said); got != c.want {
			t.Errorf("patience(%q, %v) is %v, want %v", c.store, c.said, got, c.want)
		}
	}
}
