package etcd

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
	"github.com/wconf/wconf/runtime/kv"
)

var _ backend.Resyncer = (*Backend)(nil)

// Differs compares s with the store page by page and keeps no page: it is the
// daily look behind the watch, and the one on demand. The store is read as it
// was at the last batch that Watch handed over (or was handing over) for these
// prefixes; without a watch, or where these revisions have been compacted, as it
// is now. Keys that the cache hides do not count.
func (b *Backend) Differs(ctx context.Context, prefixes []string, s *kv.Snapshot) (bool, error) {
	ctx, stop := b.bind(ctx)
	defer stop()
	sc := b.scope(prefixes)
	var differs bool
	var err error
	for _, rev := range b.sent.at(sc.id) {
		if differs, err = b.differs(ctx, sc, s, rev); err == nil && !differs {
			return false, nil
		}
		if err != nil && !moved(err) {
			break
		}
	}
	if err != nil {
		return false, b.explain(ctx, fmt.Errorf("compare %s: %w", strings.Join(sc.prefixes, " "), err))
	}
	return true, nil
}

// errDifferent ends a comparison at the first difference.
var errDifferent = errors.New("different")

func (b *Backend) differs(ctx context.Context, sc scope, s *kv.Snapshot, rev int64) (bool, error) {
	if sc.bare {
		return b.differsBare(ctx, sc, s, rev)
	}
	p := &pages{b: b, rev: rev}
	for i, pt := range sc.parts() {
		next, stop := iter.Pull2(s.Under(sc.prefixes[i]))
		err := p.eachOf(ctx, pt, func(e *api.KeyValue) error {
			key := e.Key
			if !kv.Canonical(key) {
				return nil
			}
			if k, v, ok := next(); !ok || k != key || v != e.Value {
				return errDifferent
			}
			return nil
		})
		_, _, more := next()
		stop()
		if errors.Is(err, errDifferent) || err == nil && more {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// differsBare needs all keys at once: those with and without a slash are far
// apart in the store.
func (b *Backend) differsBare(ctx context.Context, sc scope, s *kv.Snapshot, rev int64) (bool, error) {
	l, err := b.list(ctx, sc, rev)
	if err != nil {
		return false, err
	}
	n := 0
	for _, p := range l.Pairs {
		if !kv.Canonical(p.Key) {
			continue
		}
		if v, ok := s.Get(p.Key); !ok || v != p.Value {
			return true, nil
		}
		n++
	}
	for _, prefix := range sc.prefixes {
		for range s.Under(prefix) {
			n--
		}
	}
	return n != 0, nil
}

// lastSent is the revisions of the batches that were sent last, by scope.
type lastSent struct {
	mu  sync.Mutex
	got map[uint32]int64 // received
	now map[uint32]int64 // being sent
}

func (l *lastSent) offer(scope uint32, rev int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		l.got, l.now = map[uint32]int64{}, map[uint32]int64{}
	}
	l.now[scope] = rev
}

func (l *lastSent) taken(scope uint32, rev int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got[scope] = rev
	delete(l.now, scope)
}

// at is the revisions that a cache can stand at; 0 is the newest, which nothing
// compacts.
func (l *lastSent) at(scope uint32) (revs []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range []map[uint32]int64{l.got, l.now} {
		if rev, ok := m[scope]; ok {
			revs = append(revs, rev)
		}
	}
	return append(revs, 0)
}
