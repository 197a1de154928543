package backendtest

import (
	"maps"
	"sync"
	"testing"

	"github.com/wconf/wconf/runtime/backend"
)

func watchFromListing(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/a", "1", "/app/gone", "x")...)
	state, at := list(t, s.Backend, "/app")
	s.Apply(pairs("/app/a", "2"), nil)
	s.Apply(nil, []string{"/app/gone"})
	f := h.follow(t, s.Backend, state, at, "/app")
	f.until(truth("/app/a", "2"))
	s.Apply(pairs("/app/b", "3"), nil)
	f.until(truth("/app/a", "2", "/app/b", "3"))
	s.Apply(pairs("/app/c", ""), []string{"/app/b"})
	f.until(truth("/app/a", "2", "/app/c", ""))
}

func watchAbsentPrefix(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/other", "1")...)
	state, at := list(t, s.Backend, "/app")
	f := h.follow(t, s.Backend, state, at, "/app")
	for range 2 {
		s.Apply(pairs("/app/a", "1"), nil)
		f.until(truth("/app/a", "1"))
		s.Apply(nil, []string{"/app/a"})
		f.until(truth())
	}
}

func watchBelowPrefixes(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/foo/a", "1", "/foobar/a", "1", "/leaf", "1", "/leafy", "1")...)
	state, at := list(t, s.Backend, "/foo", "/leaf")
	f := h.follow(t, s.Backend, state, at, "/foo", "/leaf")
	s.Apply(pairs("/foobar/a", "2", "/leafy", "2", "/fo", "2"), nil)
	s.Apply(nil, []string{"/foobar/a"})
	s.Apply(pairs("/leaf", "3", "/foo/a", "3"), nil)
	f.until(truth("/foo/a", "3", "/leaf", "3"))
}

const manySteps = 50

func watchInOrder(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/n", number(0))...)
	state, at := list(t, s.Backend, "/app")
	f := h.follow(t, s.Backend, state, at, "/app")
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range manySteps {
			s.Apply(pairs("/app/n", number(i+1)), nil)
		}
	})
	t.Cleanup(writing.Wait)
	f.countTo(manySteps, h.Steps)
}

// countTo takes batches until the counter has come to last, and never lets it
// fall back or, where every step is a batch, skip one.
func (f *follower) countTo(last int, steps bool) {
	f.t.Helper()
	for before := f.state["/app/n"]; before != number(last); {
		f.take()
		now := f.state["/app/n"]
		if now < before {
			f.t.Fatalf("the counter falls from %s back to %s", before, now)
		}
		if steps && now != before && !follows(before, now) {
			f.t.Fatalf("the counter skips from %s to %s", before, now)
		}
		before = now
	}
}

func follows(before, now string) bool {
	for i := range manySteps {
		if before == number(i) {
			return now == number(i+1)
		}
	}
	return false
}

// watchWholeSteps changes two keys far apart together, always to the same
// value: no batch and no listing may tear them.
func watchWholeSteps(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/n", number(0), "/web/n", number(0))...)
	state, at := list(t, s.Backend, "/app", "/web")
	f := h.follow(t, s.Backend, state, at, "/app", "/web")
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range manySteps {
			s.Apply(pairs("/app/n", number(i+1), "/web/n", number(i+1)), nil)
		}
	})
	t.Cleanup(writing.Wait)
	for f.state["/app/n"] != number(manySteps) {
		f.take()
		if f.state["/app/n"] != f.state["/web/n"] {
			t.Fatalf("a batch tears a step: %v", f.state)
		}
		// A listing may fail while the store changes all the time, as any may.
		if l, err := s.Backend.List(t.Context(), []string{"/app", "/web"}); err == nil && len(l.Pairs) == 2 && l.Pairs[0].Value != l.Pairs[1].Value {
			t.Fatalf("a listing tears a step: %v", l.Pairs)
		}
	}
}

// watchSlowly lets many steps happen while nobody receives.
func watchSlowly(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/n", number(0))...)
	state, at := list(t, s.Backend, "/app")
	f := h.follow(t, s.Backend, state, at, "/app")
	for i := range manySteps {
		s.Apply(pairs("/app/n", number(i+1)), nil)
	}
	f.countTo(manySteps, h.Steps)
}

func watchFromAnyCursor(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/n", number(0))...)
	type moment struct {
		state map[string]string
		at    backend.Cursor
	}
	state, at := list(t, s.Backend, "/app")
	moments := []moment{{state, at}}
	f := h.follow(t, s.Backend, state, at, "/app")
	for i := range 5 {
		s.Apply(pairs("/app/n", number(i+1), "/app/"+number(i), "x"), nil)
		for f.state["/app/n"] != number(i+1) {
			f.take()
			moments = append(moments, moment{maps.Clone(f.state), f.cursor})
		}
	}
	f.end()
	s.Apply(pairs("/app/n", "end"), []string{"/app/" + number(1)})
	want, _ := list(t, s.Backend, "/app")
	for _, m := range moments {
		g := h.follow(t, s.Backend, m.state, m.at, "/app")
		g.until(want)
		g.end()
	}
}

func manyAtOnce(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/n", number(0), "/web/n", number(0))...)
	var followers []*follower
	for _, prefixes := range [][]string{{"/app"}, {"/web"}, {"/app", "/web"}, {"/app"}} {
		state, at := list(t, s.Backend, prefixes...)
		followers = append(followers, h.follow(t, s.Backend, state, at, prefixes...))
	}
	var lists sync.WaitGroup
	for range 4 {
		lists.Go(func() {
			for range 5 {
				s.Backend.List(t.Context(), []string{"/app", "/web"})
			}
		})
	}
	for i := range 10 {
		s.Apply(pairs("/app/n", number(i+1), "/web/n", number(i+1)), nil)
	}
	lists.Wait()
	for _, f := range followers {
		want, _ := list(t, s.Backend, f.prefixes...)
		f.until(want)
	}
}
