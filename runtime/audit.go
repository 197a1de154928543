package runtime

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/wconf/wconf/runtime/cache"
)

// Audit compares every store that can be compared with what is held of it, for
// a runtime that runs. What comes of it is logged, and is in Stores.
func (rt *Runtime) Audit(ctx context.Context) {
	var all sync.WaitGroup
	for _, st := range rt.stores.all() {
		all.Go(func() { rt.stores.audit(ctx, st) })
	}
	all.Wait()
}

func (ss *stores) audit(ctx context.Context, st *store) {
	switch _, err := st.cache.Audit(ctx); {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, errors.ErrUnsupported):
		ss.log.Info("this store cannot be compared with the cache", "backend", st.factory.Name)
	case errors.Is(err, cache.ErrNotConnected):
		ss.log.Warn("the store is away; it is compared with the cache when it is back", "backend", st.factory.Name)
	default:
		ss.log.Warn("the store could not be compared with the cache", "backend", st.factory.Name, "err", err)
	}
}

func (ss *stores) all() []*store {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return slices.Clone(ss.open)
}
