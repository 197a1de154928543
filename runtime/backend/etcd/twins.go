package etcd

import (
	"context"
	"fmt"
	"strings"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
	"github.com/wconf/wconf/runtime/kv"
)

// twins knows which keys the store has, where "app" and "/app" appear under
// one path. The one with the slash stands while it is there.
type twins struct{ keys map[string]struct{} }

// findTwins reads the names of all keys as they were at a revision.
func (b *Backend) findTwins(ctx context.Context, sc scope, rev int64) (*twins, error) {
	t := &twins{keys: map[string]struct{}{}}
	p := &pages{b: b, rev: rev, keysOnly: true}
	for _, pt := range sc.parts() {
		err := p.eachOf(ctx, pt, func(e *api.KeyValue) error {
			t.keys[e.Key] = struct{}{}
			return nil
		})
		if moved(err) {
			return nil, lost("read the names of keys: %w", err)
		}
		if err != nil {
			return nil, fmt.Errorf("read the names of keys: %w", err)
		}
	}
	return t, nil
}

func (t *twins) has(key string) bool {
	_, ok := t.keys[key]
	return ok
}

// batch is what events, one for each key, come to. A key with a slash that
// went away can uncover its twin, whose value was never sent: it is read at
// that revision.
func (t *twins) batch(ctx context.Context, b *Backend, sc scope, events []*api.Event, at cursor) (backend.Batch, error) {
	put := map[string]string{}
	for _, e := range events {
		key := e.Kv.Key
		if e.Type == api.DELETE {
			delete(t.keys, key)
		} else {
			t.keys[key], put[key] = struct{}{}, e.Kv.Value
		}
	}
	batch, done := backend.Batch{Cursor: at.text()}, map[string]bool{}
	for _, e := range events {
		path := sc.path(e.Kv.Key)
		if done[path] {
			continue
		}
		done[path] = true
		if err := t.settle(ctx, b, path, put, at, &batch); err != nil {
			return batch, err
		}
	}
	return batch, nil
}

// settle says what stands under path now.
func (t *twins) settle(ctx context.Context, b *Backend, path string, put map[string]string, at cursor, batch *backend.Batch) error {
	stands := path
	if twin := path[1:]; !t.has(path) && !strings.HasPrefix(twin, "/") {
		stands = twin
	}
	value, news := put[stands]
	switch {
	case !t.has(stands):
		batch.Deletes = append(batch.Deletes, path)
		return nil
	case stands == path && !news: // only the twin behind it changed
		return nil
	case !news:
		var err error
		if value, err = b.valueAt(ctx, stands, at.rev); err != nil {
			return err
		}
	}
	batch.Puts = append(batch.Puts, kv.Pair{Key: path, Value: value})
	return nil
}

func (b *Backend) valueAt(ctx context.Context, key string, rev int64) (string, error) {
	r, err := ask(ctx, b, b.api.Range, &api.RangeRequest{Key: key, Revision: rev})
	switch {
	case moved(err) || err == nil && len(r.Kvs) != 1:
		return "", lost("key %q is gone at revision %d", key, rev)
	case err != nil:
		return "", err
	}
	return string(r.Kvs[0].Value), nil
}
