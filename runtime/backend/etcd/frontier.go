package etcd

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
	"github.com/wconf/wconf/runtime/kv"
)

// etcd promises order within one watcher and nothing across several: of one
// transaction over two spans, one half can arrive long before the other. So
// each watcher has a front, the revision up to which its span is known whole,
// and changes are handed on only up to the lowest of them.

// watcher is one span that a stream watches.
type watcher struct {
	request
	created bool
	gone    bool  // refused; others stand for it
	front   int64 // everything in the span up to this revision has arrived
	last    int64 // newest revision of which anything has arrived
	partial bool  // in the middle of an answer that came in fragments
}

// took checks the order of events and moves the front. A revision can be split
// over fragments, so that the newest one counts only when the last fragment is
// there.
func (w *watcher) took(events []*api.Event, fragment bool) error {
	for _, e := range events {
		mod, key := e.Kv.ModRevision, e.Kv.Key
		switch {
		case mod <= w.front || mod < w.last:
			return fmt.Errorf("an event of revision %d came after revision %d", mod, max(w.front, w.last))
		case !w.span.holds(key):
			return fmt.Errorf("an event came for key %q, which is not watched", key)
		}
		w.last = mod
	}
	w.partial = fragment
	if fragment {
		w.front = max(w.front, w.last-1)
	} else {
		w.front = max(w.front, w.last)
	}
	return nil
}

// progress moves the front to a revision up to which the server says that
// there is nothing more.
func (w *watcher) progress(rev int64) error {
	if rev < w.front || w.partial {
		return fmt.Errorf("progress to revision %d came after revision %d", rev, w.last)
	}
	w.front = rev
	return nil
}

// frontier is the fronts of all watchers, and the events that wait for it.
type frontier struct {
	watchers []*watcher
	pending  []*api.Event
	bytes    int // of pending
}

// maxPending is how many bytes of events may wait for the slowest watcher.
const maxPending = 64 << 20

func (f *frontier) add(events []*api.Event) error {
	for _, e := range events {
		f.bytes += len(e.Kv.Key) + len(e.Kv.Value)
	}
	f.pending = append(f.pending, events...)
	if f.bytes > maxPending {
		return fmt.Errorf("%d MiB of events wait for one watcher", maxPending>>20)
	}
	return nil
}

// created tells whether the server has confirmed every watcher.
func (f *frontier) created() bool {
	return !slices.ContainsFunc(f.watchers, func(w *watcher) bool { return !w.created && !w.gone })
}

// partial tells whether the rest of some answer is still on its way.
func (f *frontier) partial() bool {
	return slices.ContainsFunc(f.watchers, func(w *watcher) bool { return w.partial })
}

// progress moves every front.
func (f *frontier) progress(rev int64) error {
	for _, w := range f.watchers {
		if w.gone {
			continue
		}
		if err := w.progress(rev); err != nil {
			return err
		}
	}
	return nil
}

// rev is the revision up to which every span is known whole.
func (f *frontier) rev() int64 {
	lowest := int64(math.MaxInt64)
	for _, w := range f.watchers {
		if !w.gone {
			lowest = min(lowest, w.front)
		}
	}
	return lowest
}

// sorted is the events that wait, oldest first.
func (f *frontier) sorted() []*api.Event {
	slices.SortStableFunc(f.pending, func(a, b *api.Event) int { return cmp.Compare(a.Kv.ModRevision, b.Kv.ModRevision) })
	return f.pending
}

// take removes and returns the events up to rev, oldest first.
func (f *frontier) take(rev int64) []*api.Event {
	if len(f.pending) == 0 {
		return nil
	}
	n, _ := slices.BinarySearchFunc(f.sorted(), rev+1, func(e *api.Event, r int64) int { return cmp.Compare(e.Kv.ModRevision, r) })
	taken := slices.Clone(f.pending[:n])
	f.pending = slices.Delete(f.pending, 0, n)
	for _, e := range taken {
		f.bytes -= len(e.Kv.Key) + len(e.Kv.Value)
	}
	return taken
}

// steps splits events, oldest first, into those of one revision each.
func steps(events []*api.Event) iter.Seq[[]*api.Event] {
	return func(yield func([]*api.Event) bool) {
		for len(events) > 0 {
			n := 1
			for n < len(events) && events[n].Kv.ModRevision == events[0].Kv.ModRevision {
				n++
			}
			if !yield(events[:n]) {
				return
			}
			events = events[n:]
		}
	}
}

// advance moves a cursor over the events of one revision and returns those
// that are within the scope. etcd changes a key at most once in a revision.
func (c *cursor) advance(step []*api.Event, sc scope) ([]*api.Event, error) {
	rev, kept := step[0].Kv.ModRevision, step[:0]
	for _, e := range step {
		if sc.holds(e.Kv.Key) {
			kept = append(kept, e)
			c.counts(e)
		}
	}
	if len(kept) > 0 && rev <= c.rev {
		return nil, fmt.Errorf("an event of revision %d came after revision %d was complete", rev, c.rev)
	}
	c.rev = max(c.rev, rev)
	for _, e := range slices.Backward(kept) {
		if e.Type == api.PUT {
			c.mark = markOf(&e.Kv)
			break
		}
	}
	return kept, nil
}

// counts keeps the number of keys. A version of 1 is a key that was not there
// before.
func (c *cursor) counts(e *api.Event) {
	switch {
	case e.Type == api.DELETE:
		c.count--
	case e.Kv.Version == 1:
		c.count++
	}
}

// batchOf is what the events of one revision say to a cache.
func batchOf(events []*api.Event, at cursor) backend.Batch {
	b := backend.Batch{Cursor: at.text()}
	for _, e := range events {
		if e.Type == api.DELETE {
			b.Deletes = append(b.Deletes, e.Kv.Key)
		} else {
			b.Puts = append(b.Puts, kv.Pair{Key: e.Kv.Key, Value: e.Kv.Value})
		}
	}
	return b
}
