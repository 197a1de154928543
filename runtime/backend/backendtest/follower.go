package backendtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/needs"
)

// follower folds the batches of a watch, as a cache does: when the watch ends
// with an error it watches again from the last cursor. It checks what holds
// for every batch.
type follower struct {
	t        *testing.T
	backend  backend.Backend
	patience time.Duration
	prefixes []string
	state    map[string]string
	cursor   backend.Cursor
	batches  chan backend.Batch
	ended    chan error
	ctx      context.Context
	stop     context.CancelFunc
	watching sync.WaitGroup
}

// list lists the store, which must work, and returns what it holds.
func list(t *testing.T, b backend.Backend, prefixes ...string) (map[string]string, backend.Cursor) {
	t.Helper()
	l, err := b.List(t.Context(), prefixes)
	if err != nil {
		t.Fatalf("List(%q): %v", prefixes, err)
	}
	state := map[string]string{}
	for _, p := range l.Pairs {
		if !backend.Under(p.Key, prefixes) {
			t.Errorf("List(%q) brought %q", prefixes, p.Key)
		}
		state[p.Key] = p.Value
	}
	return state, l.Cursor
}

// follow watches from a cursor that state belongs to.
func (h Harness) follow(t *testing.T, b backend.Backend, state map[string]string, from backend.Cursor, prefixes ...string) *follower {
	f := &follower{
		t: t, backend: b, patience: h.Patience, prefixes: prefixes, state: maps.Clone(state), cursor: from,
		batches: make(chan backend.Batch), ended: make(chan error, 1),
	}
	f.ctx, f.stop = context.WithCancel(t.Context())
	f.watch()
	t.Cleanup(func() {
		f.stop()
		f.watching.Wait()
	})
	return f
}

func (f *follower) watch() {
	from := f.cursor
	f.watching.Go(func() { f.ended <- f.backend.Watch(f.ctx, f.prefixes, from, f.batches) })
}

// take receives and folds one batch.
func (f *follower) take() {
	f.t.Helper()
	for timeout := needs.Patience(f.patience); ; {
		select {
		case b := <-f.batches:
			f.fold(b)
			return
		case err := <-f.ended:
			if err == nil || errors.Is(err, backend.ErrCursorLost) {
				f.t.Fatalf("Watch ended with %v", err)
			}
			f.watch()
		case <-timeout:
			f.t.Fatalf("no batch within %v; the keys so far: %v", f.patience, f.state)
		}
	}
}

func (f *follower) fold(b backend.Batch) {
	f.t.Helper()
	if b.Full {
		f.state = map[string]string{}
		if len(b.Deletes) > 0 {
			f.t.Errorf("a full batch deletes %q", b.Deletes)
		}
	}
	for _, k := range b.Deletes {
		f.within(k)
		delete(f.state, k)
	}
	for _, p := range b.Puts {
		f.within(p.Key)
		f.state[p.Key] = p.Value
	}
	f.cursor = b.Cursor
}

func (f *follower) within(key string) {
	f.t.Helper()
	if !backend.Under(key, f.prefixes) {
		f.t.Errorf("Watch(%q) brought %q", f.prefixes, key)
	}
}

// until folds batches until the store's keys are want.
func (f *follower) until(want map[string]string) {
	f.t.Helper()
	for ended := needs.Patience(f.patience); !maps.Equal(f.state, want); f.take() {
		select {
		case <-ended:
			f.t.Fatalf("got %v, want %v", f.state, want)
		default:
		}
	}
}

// end stops the watch and returns its error; batches that were on their way
// are dropped.
func (f *follower) end() error {
	f.t.Helper()
	f.stop()
	return f.over()
}

// over waits for the watch to end by itself.
func (f *follower) over() error {
	f.t.Helper()
	deadline := needs.Patience(f.patience)
	for {
		select {
		case err := <-f.ended:
			if err == nil {
				f.t.Error("Watch ended without an error")
			}
			return err
		case <-f.batches:
		case <-deadline:
			f.t.Fatalf("Watch did not end within %v", f.patience)
		}
	}
}

// pairs makes pairs of "key=value" words.
func pairs(keysAndValues ...string) []kv.Pair {
	var ps []kv.Pair
	for i := 0; i < len(keysAndValues); i += 2 {
		ps = append(ps, kv.Pair{Key: keysAndValues[i], Value: keysAndValues[i+1]})
	}
	return ps
}

// truth is what a store that holds only pairs must show.
func truth(keysAndValues ...string) map[string]string {
	m := map[string]string{}
	for _, p := range pairs(keysAndValues...) {
		m[p.Key] = p.Value
	}
	return m
}

func number(i int) string { return fmt.Sprintf("%04d", i) }
