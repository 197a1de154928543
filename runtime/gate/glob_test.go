package gate

import (
	"strings"
	"testing"
	"time"
)

func TestMatchGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, key string
		want         bool
	}{
		{"/a", "/a", true},
		{"/a", "/a/b", false},
		{"/a/*", "/a/b", true},
		{"/a/*", "/a/b/c", false},
		{"/a/*", "/a", false},
		{"/a/**", "/a", true},
		{"/a/**", "/a/b/c", true},
		{"/a/**", "/ab", false},
		{"/**", "/a/b", true},
		{"**", "a", true},
		{"/a/**/z", "/a/z", true},
		{"/a/**/z", "/a/b/c/z", true},
		{"/a/**/z", "/a/b/c", false},
		{"/**/b/**/c", "/a/b/b/x/c", true},
		{"/**/b/c/**", "/b/x/b/c", true},
		{"/web-?", "/web-1", true},
		{"/web-[0-4]", "/web-5", false},
		{`/a\*`, "/a*", true},
		{"/a/***", "/a/b", true}, // one segment of three stars
		{"", "", true},
	} {
		if got, err := matchGlob(test.pattern, test.key); err != nil || got != test.want {
			t.Errorf("%s %s: %v %v", test.pattern, test.key, got, err)
		}
	}
}

func TestMatchGlobTakesNoTime(t *testing.T) {
	start := time.Now()
	if ok, err := matchGlob(strings.Repeat("/**/a*", 40), strings.Repeat("/a", 2000)+"/b"); ok || err != nil {
		t.Error(ok, err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
