package etcd

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
)

// following is one Watch under test.
type following struct {
	t       *testing.T
	batches chan backend.Batch
	ended   chan error
	stop    context.CancelFunc
	cursor  backend.Cursor
}

// list lists, which must work.
func list(t *testing.T, b *Backend, prefixes ...string) backend.Listing {
	t.Helper()
	l, err := b.List(t.Context(), prefixes)
	if err != nil {
		t.Fatalf("List(%q): %v", prefixes, err)
	}
	return l
}

// follow watches from a cursor until the test ends.
func follow(t *testing.T, b *Backend, from backend.Cursor, prefixes ...string) *following {
	ctx, stop := context.WithCancel(t.Context())
	f := &following{t: t, batches: make(chan backend.Batch), ended: make(chan error, 1), stop: stop, cursor: from}
	done := make(chan struct{})
	go func() {
		f.ended <- b.Watch(ctx, prefixes, from, f.batches)
		close(done)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return f
}

// next is the next batch that changes something.
func (f *following) next(patience time.Duration) string {
	f.t.Helper()
	for {
		b, ok := f.any(patience)
		if !ok {
			return "nothing"
		}
		if w := words(b); w != "" {
			return w
		}
	}
}

// any is the next batch.
func (f *following) any(patience time.Duration) (backend.Batch, bool) {
	f.t.Helper()
	select {
	case b := <-f.batches:
		f.cursor = b.Cursor
		return b, true
	case err := <-f.ended:
		f.t.Fatalf("Watch ended: %v", err)
	case <-time.After(patience):
	}
	return backend.Batch{}, false
}

// want takes batches with changes and compares them.
func (f *following) want(wanted ...string) {
	f.t.Helper()
	for _, w := range wanted {
		if got := f.next(10 * time.Second); got != w {
			f.t.Fatalf("batch %q, want %q", got, w)
		}
	}
}

// fresh takes the batch without changes that says that the watch is up to date.
func (f *following) fresh(patience time.Duration) {
	f.t.Helper()
	b, ok := f.any(patience)
	if w := words(b); !ok || w != "" {
		f.t.Fatalf("batch %q (%v), want a sign of life within %v", w, ok, patience)
	}
}

// end waits until Watch gives up by itself. Batches without changes are
// dropped, others are failures.
func (f *following) end(patience time.Duration) error {
	f.t.Helper()
	late := time.After(patience)
	for {
		select {
		case err := <-f.ended:
			return err
		case b := <-f.batches:
			if w := words(b); w != "" {
				f.t.Fatalf("batch %q, want an error", w)
			}
		case <-late:
			f.t.Fatalf("Watch goes on after %v, want an error", patience)
		}
	}
}

// lasts takes every batch until Watch ends, or is ended after a time.
func (f *following) lasts(d time.Duration) error {
	late := time.After(d)
	for {
		select {
		case err := <-f.ended:
			return err
		case b := <-f.batches:
			f.cursor = b.Cursor
		case <-late:
			f.stop()
			return <-f.ended
		}
	}
}

// loses waits for ErrCursorLost.
func (f *following) loses(patience time.Duration) {
	f.t.Helper()
	if err := f.end(patience); !errors.Is(err, backend.ErrCursorLost) {
		f.t.Fatalf("Watch ended with %v, want ErrCursorLost", err)
	}
}

// onFake runs a test on a fake, in virtual time. The store holds /app/a=1.
func onFake(t *testing.T, c backend.Config, test func(t *testing.T, f *fake, b *Backend)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f, b := newFake(t, c)
		f.commit("/app/a", "1")
		test(t, f, b)
	})
}

// watching is onFake with a watch of prefixes ("/app" when there are none)
// that has said that it is fresh.
func watching(t *testing.T, c backend.Config, prefixes []string, test func(t *testing.T, f *fake, b *Backend, w *following)) {
	t.Helper()
	if prefixes == nil {
		prefixes = []string{"/app"}
	}
	onFake(t, c, func(t *testing.T, f *fake, b *Backend) {
		if len(prefixes) > 1 {
			f.crowd()
		}
		w := follow(t, b, list(t, b, prefixes...).Cursor, prefixes...)
		w.fresh(time.Second)
		test(t, f, b, w)
	})
}
