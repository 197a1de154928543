// Package memory is a store held in the process, with its history: for tests
// and for `wconf test`. It can be taken down and can forget its history.
//
// It keeps nothing beyond the process.
package memory

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// maxHistory is how many steps are remembered; cursors before them are lost.
const maxHistory = 10_000

// Store is a key store and the backend that reads it. Its zero value is empty
// and up. The methods may be called from several goroutines.
type Store struct {
	life backend.Lifetime

	mu      sync.Mutex
	keys    *kv.Snapshot
	history []step
	first   int   // number of the oldest step in history; the first of all is 0
	failure error // nil while the store is up
	news    chan struct{}
}

type step struct {
	puts    []kv.Pair
	deletes []string
}

// New is a store that holds pairs and has no history.
func New(pairs ...kv.Pair) *Store { return &Store{keys: kv.NewSnapshot(pairs)} }

// Put sets one key in a step of its own.
func (s *Store) Put(key, value string) { s.Apply([]kv.Pair{{Key: key, Value: value}}, nil) }

// Puts sets several keys in one step.
func (s *Store) Puts(pairs ...kv.Pair) { s.Apply(pairs, nil) }

// Delete removes keys in one step.
func (s *Store) Delete(keys ...string) { s.Apply(nil, keys) }

// Replace makes pairs the whole content in one step.
func (s *Store) Replace(pairs ...kv.Pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, changes := s.keys.Replace(pairs)
	var puts []kv.Pair
	var deletes []string
	for _, c := range changes {
		if c.New == nil {
			deletes = append(deletes, c.Key)
		} else {
			puts = append(puts, kv.Pair{Key: c.Key, Value: *c.New})
		}
	}
	s.apply(puts, deletes)
}

// Apply makes one step: deletes first, then puts. A step that changes nothing
// is a step all the same.
func (s *Store) Apply(puts []kv.Pair, deletes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apply(puts, deletes)
}

func (s *Store) apply(puts []kv.Pair, deletes []string) {
	s.keys, _ = s.keys.Apply(puts, deletes)
	s.history = append(s.history, step{puts, deletes})
	if extra := len(s.history) - maxHistory; extra > 0 {
		s.history, s.first = s.history[extra:], s.first+extra
	}
	s.tell()
}

// Forget drops the history: every cursor taken so far is lost, and watches
// that run end with backend.ErrCursorLost.
func (s *Store) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first += len(s.history) + 1
	s.history = nil
	s.tell()
}

// Down makes List and Watch, also those that run, fail with err; nil lets them
// work again.
func (s *Store) Down(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
	s.tell()
}

// tell wakes the watches.
func (s *Store) tell() {
	if s.news != nil {
		close(s.news)
		s.news = nil
	}
}

// List implements backend.Backend.
func (s *Store) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	ctx, free := s.life.Bind(ctx)
	defer free()
	if ctx.Err() != nil {
		return backend.Listing{}, context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return backend.Listing{}, s.failure
	}
	var pairs []kv.Pair
	for _, p := range prefixes {
		for k, v := range s.keys.Under(p) {
			pairs = append(pairs, kv.Pair{Key: k, Value: v})
		}
	}
	return backend.Listing{Pairs: pairs, Cursor: s.cursor(s.first + len(s.history))}, nil
}

// Watch implements backend.Backend: each step is a batch, also one that leaves
// the prefixes alone.
func (s *Store) Watch(ctx context.Context, prefixes []string, from backend.Cursor, out chan<- backend.Batch) error {
	ctx, free := s.life.Bind(ctx)
	defer free()
	next, ok := s.number(from)
	if !ok {
		return backend.ErrCursorLost
	}
	for {
		st, news, err := s.step(next)
		switch {
		case err != nil:
			return err
		case news != nil:
			select {
			case <-news:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		default:
			next++
			select {
			case out <- st.below(prefixes, s.cursor(next)):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
}

// step is the step with number n; or, when it has not happened yet, a channel
// that is closed when there is something new.
func (s *Store) step(n int) (step, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := n - s.first
	switch {
	case s.failure != nil:
		return step{}, nil, s.failure
	case i < 0 || i > len(s.history):
		return step{}, nil, backend.ErrCursorLost
	case i < len(s.history):
		return s.history[i], nil, nil
	}
	if s.news == nil {
		s.news = make(chan struct{})
	}
	return step{}, s.news, nil
}

func (st step) below(prefixes []string, at backend.Cursor) backend.Batch {
	b := backend.Batch{Cursor: at}
	for _, p := range st.puts {
		if backend.Under(p.Key, prefixes) {
			b.Puts = append(b.Puts, p)
		}
	}
	for _, k := range st.deletes {
		if backend.Under(k, prefixes) {
			b.Deletes = append(b.Deletes, k)
		}
	}
	return b
}

// cursor says that step n is the next one to see. It names the store by its
// address: cursors of other stores are lost here.
func (s *Store) cursor(n int) backend.Cursor { return backend.Cursor(fmt.Sprintf("%p %d", s, n)) }

func (s *Store) number(c backend.Cursor) (int, bool) {
	text, ok := strings.CutPrefix(string(c), fmt.Sprintf("%p ", s))
	n, err := strconv.Atoi(text)
	return n, ok && err == nil
}

// Close implements backend.Backend.
func (s *Store) Close() error { return s.life.Close() }

var _ backend.Backend = (*Store)(nil)
