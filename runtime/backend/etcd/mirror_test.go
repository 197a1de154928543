package etcd

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/needs"
)

// mirror keeps a map equal to a real store, as the cache does: list, watch,
// resume, list again when the cursor is lost.
type mirror struct {
	t        testing.TB
	b        *Backend
	prefixes []string
	check    func(at cursor, state map[string]string) // each step, on the mirror's goroutine

	mu     sync.Mutex
	news   chan struct{} // closed with the next change
	state  map[string]string
	at     cursor
	lists  int
	errs   []error
	pause  time.Duration
	breaks int // how often a watch ended
}

// openReal opens a backend on real servers.
func openReal(t testing.TB, c backend.Config, nodes ...string) *Backend {
	t.Helper()
	c.Nodes = nodes
	b, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func newMirror(t testing.TB, b *Backend, prefixes ...string) *mirror {
	return &mirror{t: t, b: b, prefixes: prefixes, news: make(chan struct{}), check: func(cursor, map[string]string) {}}
}

// run follows until the test ends.
func (m *mirror) run() *mirror {
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { m.loop(ctx) })
	m.t.Cleanup(func() {
		stop()
		done.Wait()
	})
	return m
}

func (m *mirror) loop(ctx context.Context) {
	listed := false
	for ctx.Err() == nil {
		if !listed {
			l, err := m.b.List(ctx, m.prefixes)
			if err == nil {
				m.fold(backend.Batch{Full: true, Puts: l.Pairs, Cursor: l.Cursor})
				listed = true
			}
			m.failed(err)
		}
		if listed {
			err := m.watch(ctx)
			m.failed(err)
			listed = !errors.Is(err, backend.ErrCursorLost)
		}
		wait(ctx, m.again())
	}
}

const shortest = 10 * time.Millisecond

// again is how long to wait before the next attempt: longer each time.
func (m *mirror) again() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pause = min(2*max(m.pause, shortest), time.Second)
	return m.pause
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (m *mirror) watch(ctx context.Context) error {
	out, ended := make(chan backend.Batch), make(chan error, 1)
	go func() { ended <- m.b.Watch(ctx, m.prefixes, m.at.text(), out) }()
	for {
		select {
		case b := <-out:
			m.fold(b)
		case err := <-ended:
			m.mu.Lock()
			m.breaks++
			m.mu.Unlock()
			return err
		}
	}
}

func (m *mirror) failed(err error) {
	if err == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errs = append(m.errs, err)
	m.tell()
}

func (m *mirror) fold(b backend.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.Full {
		m.state = map[string]string{}
		m.lists++
	}
	for _, k := range b.Deletes {
		delete(m.state, k)
	}
	for _, p := range b.Puts {
		m.state[p.Key] = p.Value
	}
	at, err := parseCursor(b.Cursor)
	if err != nil {
		m.t.Errorf("cursor: %v", err)
	}
	m.at, m.pause = at, shortest
	m.check(at, m.state)
	m.tell()
}

func (m *mirror) tell() {
	close(m.news)
	m.news = make(chan struct{})
}

// until waits for something to be true of the mirror, and returns how long
// that took.
func (m *mirror) until(what string, patience time.Duration, true func(m *mirror) bool) time.Duration {
	m.t.Helper()
	began, late := time.Now(), needs.Patience(patience)
	for {
		m.mu.Lock()
		ok, news := true(m), m.news
		m.mu.Unlock()
		if ok {
			return time.Since(began)
		}
		select {
		case <-news:
		case <-late:
			m.mu.Lock()
			defer m.mu.Unlock()
			m.t.Fatalf("not within %v: %s\nstate %v\nerrors %v", patience, what, m.state, m.errs)
		}
	}
}

// holds waits until the mirror is exactly these keys and values.
func (m *mirror) holds(patience time.Duration, kvs ...string) time.Duration {
	m.t.Helper()
	want := map[string]string{}
	for i := 0; i < len(kvs); i += 2 {
		want[kvs[i]] = kvs[i+1]
	}
	return m.until("the right keys", patience, func(m *mirror) bool { return maps.Equal(m.state, want) })
}

// errors forgets the failures so far and returns how many there were.
func (m *mirror) forget() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.errs)
	m.errs = nil
	return n
}

// fails waits for a failure.
func (m *mirror) fails(patience time.Duration) (time.Duration, error) {
	m.t.Helper()
	took := m.until("a failure", patience, func(m *mirror) bool { return len(m.errs) > 0 })
	m.mu.Lock()
	defer m.mu.Unlock()
	return took, m.errs[0]
}

func (m *mirror) listings() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lists
}

func (m *mirror) stands() cursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}
