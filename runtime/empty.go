package runtime

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/wconf/wconf/runtime/kv"
)

// sayEmpty tells, once for each store that has been read, which keys were
// looked for where there are none: most often the prefix is another, or the
// store.
func (rt *Runtime) sayEmpty(said map[*store]bool) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	wanted := map[*store]map[string]struct{}{}
	for _, b := range rt.built {
		if b.resource == nil || said[b.store] {
			continue
		}
		keys := b.store.cache.Snapshot()
		refused, _ := b.refused() // and nobody knows what is there
		roots := slices.DeleteFunc(b.resource.Scope().Roots(), func(root string) bool { return slices.Contains(refused, root) })
		if keys != nil && !anyUnder(keys, roots) {
			if wanted[b.store] == nil {
				wanted[b.store] = map[string]struct{}{}
			}
			for _, root := range roots {
				wanted[b.store][root] = struct{}{}
			}
		}
	}
	for st, roots := range wanted {
		const few = 5
		names := slices.Sorted(maps.Keys(roots))
		rt.log.Warn("the store answered and holds nothing of what some resources look for",
			"backend", st.factory.Name, "nodes", st.settings.Nodes, "looked_for", names[:min(few, len(names))], "in_all", len(names))
	}
	for _, st := range rt.stores.all() {
		if st.cache.Snapshot() != nil {
			said[st] = true
		}
	}
}

// refused is what the store does not let wconf's user read of a resource's keys,
// and since when that is known.
func (b *built) refused() (prefixes []string, since time.Time) {
	if b.resource == nil {
		return nil, since
	}
	if prefixes, since = b.store.cache.Refused(); len(prefixes) == 0 {
		return nil, since
	}
	roots := b.resource.Scope().Roots()
	return slices.DeleteFunc(slices.Clone(prefixes), func(p string) bool { return !slices.Contains(roots, p) }), since
}

func anyUnder(keys *kv.Snapshot, roots []string) bool {
	for _, root := range roots {
		for range keys.Under(root) {
			return true
		}
	}
	return len(roots) == 0
}

// followEmpty calls sayEmpty whenever a store has news that has not been looked
// at, until ctx is done. All but the first news of a store cost nothing here.
func (rt *Runtime) followEmpty(ctx context.Context) {
	said := map[*store]bool{}
	for {
		select {
		case <-rt.heard:
			if slices.ContainsFunc(rt.stores.all(), func(st *store) bool { return !said[st] }) {
				rt.sayEmpty(said)
			}
		case <-ctx.Done():
			return
		}
	}
}

// hear is told, by any goroutine, that some store has news.
func (rt *Runtime) hear() {
	rt.engine.Kick()
	select {
	case rt.heard <- struct{}{}:
	default:
	}
}
