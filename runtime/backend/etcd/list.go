package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// A list whose revision is compacted while it is read begins anew this often.
const listAttempts = 5

var errNoPrefix = errors.New("no prefix is asked for")

// List reads everything at or below prefixes at one revision of the store, in
// pages. A store that cannot be connected to is an error within the dial
// timeout, and says which node refused and why.
func (b *Backend) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	ctx, stop := b.bind(ctx)
	defer stop()
	b.settle(ctx)
	sc := b.scope(prefixes)
	l, err := b.list(ctx, sc, 0)
	for range listAttempts - 1 {
		if !moved(err) || ctx.Err() != nil {
			break
		}
		b.log.Debug("the store moved on during a list; listing again", "backend", Factory.Name, "err", err)
		l, err = b.list(ctx, sc, 0)
	}
	if err != nil {
		return backend.Listing{}, b.explain(ctx, fmt.Errorf("list %s: %w", strings.Join(sc.prefixes, " "), err))
	}
	return l, nil
}

func (b *Backend) list(ctx context.Context, sc scope, rev int64) (backend.Listing, error) {
	p := &pages{b: b, rev: rev}
	l, at := &listing{scope: sc}, cursor{scope: sc.id()}
	for _, pt := range sc.parts() {
		if err := p.eachOf(ctx, pt, l.add); err != nil {
			return backend.Listing{}, err
		}
	}
	if p.rev == 0 {
		return backend.Listing{}, errNoPrefix
	}
	at.cluster, at.rev, at.count = p.cluster, p.rev, l.count
	if l.newest != nil {
		at.mark = markOf(l.newest)
	}
	return backend.Listing{Pairs: l.pairs, Cursor: at.text()}, nil
}

// listing grows as keys are read.
type listing struct {
	scope  scope
	pairs  []kv.Pair
	seen   map[string]struct{} // paths, where two keys can appear under one
	count  int64
	newest *mvccpb.KeyValue
}

func (l *listing) add(e *mvccpb.KeyValue) error {
	l.count++
	if l.newest == nil || e.ModRevision > l.newest.ModRevision {
		l.newest = e
	}
	path := l.scope.path(string(e.Key))
	if l.scope.bare && l.shadowed(e.Key, path) {
		return nil
	}
	l.pairs = append(l.pairs, kv.Pair{Key: path, Value: string(e.Value)})
	return nil
}

// shadowed tells whether a key without a slash has a twin with one, which then
// stands. The twins with a slash are read first.
func (l *listing) shadowed(key []byte, path string) bool {
	if l.seen == nil {
		l.seen = map[string]struct{}{}
	}
	if slices.Contains(key[:1], '/') {
		l.seen[path] = struct{}{}
		return false
	}
	_, twin := l.seen[path]
	return twin
}
