package backendtest

import (
	"errors"
	"maps"
	"testing"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/needs"
)

func watchCanceled(t *testing.T, h Harness) {
	s := h.open(t, pairs("/app/a", "1")...)
	state, at := list(t, s.Backend, "/app")
	if err := h.follow(t, s.Backend, state, at, "/app").end(); errors.Is(err, backend.ErrCursorLost) {
		t.Errorf("Watch ended with %v", err)
	}
}

func watchCanceledWhileSending(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/a", "1")...)
	state, at := list(t, s.Backend, "/app")
	f := h.follow(t, s.Backend, state, at, "/app")
	s.Apply(pairs("/app/a", "2"), nil)
	f.until(truth("/app/a", "2")) // it runs; the next one finds nobody
	s.Apply(pairs("/app/a", "3"), nil)
	f.stop()
	select {
	case err := <-f.ended:
		if err == nil {
			t.Error("Watch ended without an error")
		}
	case <-needs.Patience(h.Patience):
		t.Fatalf("Watch did not end within %v", h.Patience)
	}
}

// recovered follows the store from a cursor that it cannot honour: either it
// says so, or it begins with the whole truth.
func (h Harness) recovered(t *testing.T, b backend.Backend, from backend.Cursor, want map[string]string) {
	t.Helper()
	f := h.follow(t, b, truth("/app/stale", "x"), from, "/app")
	for timeout := needs.Patience(h.Patience); !maps.Equal(f.state, want); {
		select {
		case err := <-f.ended:
			if errors.Is(err, backend.ErrCursorLost) {
				return
			}
			f.watch()
		case batch := <-f.batches:
			f.fold(batch)
		case <-timeout:
			t.Fatal("Watch neither says that the cursor is lost nor sends the whole truth")
		}
	}
	f.end()
}

func historyLost(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/a", "1")...)
	if s.Forget == nil {
		t.Skip("this store's history cannot be lost")
	}
	_, at := list(t, s.Backend, "/app")
	s.Apply(pairs("/app/a", "2"), nil)
	s.Forget()
	s.Apply(pairs("/app/a", "3"), nil)
	h.recovered(t, s.Backend, at, truth("/app/a", "3"))
	state, at := list(t, s.Backend, "/app")
	f := h.follow(t, s.Backend, state, at, "/app")
	s.Apply(pairs("/app/a", "4"), nil)
	f.until(truth("/app/a", "4"))
}

func foreignCursor(t *testing.T, h Harness) {
	s := h.open(t, pairs("/app/a", "1")...)
	for _, from := range []backend.Cursor{"", "0", "-1", "99999999999999999999", "{}", "another store's\x00\xff"} {
		h.recovered(t, s.Backend, from, truth("/app/a", "1"))
	}
}

// down changes the store while it cannot be reached: a watch from the last
// cursor then brings what happened meanwhile.
func down(t *testing.T, h Harness) {
	s := h.changing(t, pairs("/app/a", "1", "/app/b", "1")...)
	if s.Down == nil {
		t.Skip("this store is never down")
	}
	state, at := list(t, s.Backend, "/app")
	running := h.follow(t, s.Backend, state, at, "/app")
	s.Down(true)
	if l, err := s.Backend.List(t.Context(), []string{"/app"}); err == nil {
		t.Errorf("a store that is down lists %v", l.Pairs)
	}
	s.Apply(pairs("/app/a", "2"), []string{"/app/b"})
	s.Down(false)
	want := truth("/app/a", "2")
	running.until(want)
}

func closed(t *testing.T, h Harness) {
	s := h.open(t, pairs("/app/a", "1")...)
	state, at := list(t, s.Backend, "/app")
	f := h.follow(t, s.Backend, state, at, "/app")
	if err := s.Backend.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if f.over() == nil {
		t.Error("Watch outlives Close without an error")
	}
	if l, err := s.Backend.List(t.Context(), []string{"/app"}); err == nil {
		t.Errorf("List after Close returns %v", l.Pairs)
	}
	s.Backend.Close() // does no harm
}
