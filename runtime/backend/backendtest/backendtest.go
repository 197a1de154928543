// Package backendtest asks of a store what backend.Backend promises: one suite
// that every backend passes, those that stream each step of their history and
// those that can only be polled alike.
//
// It never looks into a backend; it changes the store by the harness's hand
// and follows it as a cache would. Only tests may import it.
package backendtest

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// Store is one store under test, the backend that reads it, and the hands that
// change it. What a store cannot do is nil, and is not asked of it.
type Store struct {
	Backend backend.Backend

	// Apply makes one step of the history: deletes first, then puts, all of it
	// at one moment. Nil: the store never changes.
	Apply func(puts []kv.Pair, deletes []string)

	// Forget drops the history, so that cursors taken before it are worth
	// nothing.
	Forget func()

	// Down makes the store fail, or work again.
	Down func(down bool)
}

// Harness is a kind of store. The keys that the suite uses are lower-case
// letters, digits and slashes; none has a value and keys below it.
type Harness struct {
	// Open makes a fresh store that holds pairs. It frees the store with
	// t.Cleanup; the suite closes the backend.
	Open func(t *testing.T, pairs []kv.Pair) Store

	// Steps says that each step of the history arrives as a batch of its own,
	// however fast they follow each other.
	Steps bool

	// Patience is how long a change may take to arrive; 0 means 10 s.
	Patience time.Duration
}

// Suite runs every test that the harness's stores have the hands for. It looks
// for goroutines left behind, so nothing may run in parallel to it.
func Suite(t *testing.T, h Harness) {
	if h.Patience == 0 {
		h.Patience = 10 * time.Second
	}
	for _, part := range []struct {
		name string
		test func(*testing.T, Harness)
	}{
		{"ListEmpty", listEmpty},
		{"ListWhole", listWhole},
		{"ListBelowPrefixes", listBelowPrefixes},
		{"ListCanceled", listCanceled},
		{"WatchFromListing", watchFromListing},
		{"WatchAbsentPrefix", watchAbsentPrefix},
		{"WatchBelowPrefixes", watchBelowPrefixes},
		{"WatchInOrder", watchInOrder},
		{"WatchWholeSteps", watchWholeSteps},
		{"WatchSlowly", watchSlowly},
		{"WatchFromAnyCursor", watchFromAnyCursor},
		{"WatchCanceled", watchCanceled},
		{"WatchCanceledWhileSending", watchCanceledWhileSending},
		{"ManyAtOnce", manyAtOnce},
		{"HistoryLost", historyLost},
		{"ForeignCursor", foreignCursor},
		{"Down", down},
		{"Close", closed},
	} {
		t.Run(part.name, func(t *testing.T) {
			running := goleak.IgnoreCurrent()
			patience := goleak.IgnoreAnyFunction("github.com/wconf/wconf/runtime/needs.Patience.func1")
			t.Cleanup(func() { goleak.VerifyNone(t, running, patience) })
			part.test(t, h)
		})
	}
}

// open makes a store whose backend is closed before the store is freed.
func (h Harness) open(t *testing.T, pairs ...kv.Pair) Store {
	t.Helper()
	s := h.Open(t, pairs)
	t.Cleanup(func() { s.Backend.Close() })
	return s
}

// changing is open for the tests of stores that change.
func (h Harness) changing(t *testing.T, pairs ...kv.Pair) Store {
	t.Helper()
	s := h.open(t, pairs...)
	if s.Apply == nil {
		t.Skip("this store never changes")
	}
	return s
}
