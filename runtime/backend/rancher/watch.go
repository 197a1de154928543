package rancher

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/wconf/wconf/runtime/backend"
)

// fullLook is how often everything is read whatever the version says: it may
// have come back to an old value, or not cover what is asked for.
const fullLook = time.Minute

// Watch implements backend.Backend: a batch for each change of what is below
// prefixes, and one that changes nothing after each long poll without news. A
// cursor from before this backend's first read, or from before a Watch that
// failed, is of unknown age, for a server that begins anew may come back to the
// version that it had: then everything is read at once.
func (m *metadata) Watch(ctx context.Context, prefixes []string, from backend.Cursor, out chan<- backend.Batch) error {
	ctx, free := m.life.Bind(ctx)
	defer free()
	defer func() {
		if ctx.Err() == nil {
			m.broke.Store(true)
		}
	}()
	held := parseCursor(from)
	looked := time.Now()
	for {
		var now versions
		var err error
		changed := m.last.Load() == nil || m.broke.Load()
		if !changed {
			if now, changed, err = m.news(ctx, prefixes, held.Versions); err != nil {
				return err
			}
		}
		if !changed && time.Since(looked) < jittered(fullLook) {
			if err := backend.Send(ctx, out, backend.Batch{Cursor: from}); err != nil {
				return err
			}
			continue
		}
		looked = time.Now()
		s, err := m.read(ctx, prefixes, now)
		if err == nil {
			err = m.accept(s)
		}
		if err != nil {
			return err
		}
		b := backend.Batch{Cursor: s.cursor()}
		switch {
		case s.content == held.Content:
		case s.from == held.Content && s.from != "":
			b.Puts, b.Deletes = s.change.puts, s.change.deletes
		default:
			b.Full, b.Puts = true, s.pairs()
		}
		if err := backend.Send(ctx, out, b); err != nil {
			return err
		}
		held, from = cursor{s.versions, s.content}, b.Cursor
	}
}

// news waits until there may be something new, and returns the versions where
// it knows them then. A cursor of other prefixes, or of no store, is news at
// once; a root without a version always is, after an interval.
func (m *metadata) news(ctx context.Context, prefixes []string, held versions) (now versions, changed bool, err error) {
	want := roots(prefixes)
	if len(held) != len(want) || slices.ContainsFunc(want, func(root string) bool { _, ok := held[root]; return !ok }) {
		return nil, true, nil
	}
	now, err = m.await(ctx, held)
	return now, now != nil || slices.ContainsFunc(want, func(root string) bool { return held[root] == absent }), err
}

// jittered spreads the looks of many clients.
func jittered(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5) }
