package backendtest

import (
	"context"
	"maps"
	"testing"
)

func listEmpty(t *testing.T, h Harness) {
	s := h.open(t)
	if got, _ := list(t, s.Backend, "/app"); len(got) > 0 {
		t.Errorf("an empty store lists %v", got)
	}
}

func listWhole(t *testing.T, h Harness) {
	all := []string{
		"/app/empty", "",
		"/app/lines", "one\ntwo\n",
		"/app/equals", "a=b=c",
		"/app/blank", "  padded\t",
		"/app/letters", "žluťoučký 世界 <&>\"'\\",
		"/app/deep/1/2/3/4/5", "5",
		"/web/port", "80",
	}
	s := h.open(t, pairs(all...)...)
	got, _ := list(t, s.Backend, "/app", "/web")
	if want := truth(all...); !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	everything, _ := list(t, s.Backend, "/")
	for k, v := range truth(all...) {
		if everything[k] != v {
			t.Errorf("List of everything has %q = %q, want %q", k, everything[k], v)
		}
	}
}

func listBelowPrefixes(t *testing.T, h Harness) {
	s := h.open(t, pairs("/foo/a", "1", "/foobar/a", "2", "/fo/a", "3", "/leaf", "4", "/leafy", "5", "/other/a", "6")...)
	got, _ := list(t, s.Backend, "/foo", "/leaf", "/absent")
	if want := truth("/foo/a", "1", "/leaf", "4"); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func listCanceled(t *testing.T, h Harness) {
	s := h.open(t, pairs("/app/a", "1")...)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if l, err := s.Backend.List(ctx, []string{"/app"}); err == nil {
		t.Errorf("List with a finished context returns %v without an error", l)
	}
}
