package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
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
	l, at := &listing{scope: sc}, cursor{scope: sc.id}
	p := &pages{b: b, rev: rev, expect: l.expect}
	parts := sc.parts()
	if len(parts) == 0 {
		return backend.Listing{}, errNoPrefix
	}
	if all := together(requests(parts)).span; len(parts) > partsAtOnce && b.listsTogether(ctx, sc, all) {
		if err := p.each(ctx, all, l.addWanted); err != nil {
			return backend.Listing{}, err
		}
	} else {
		if err := p.eachOf(ctx, parts[0], l.add); err != nil { // it decides the revision of all
			return backend.Listing{}, err
		}
		if err := p.besides(ctx, parts[1:], l.add); err != nil {
			return backend.Listing{}, err
		}
	}
	at.cluster, at.rev, at.count = p.cluster, p.rev, l.count
	if l.newest != nil {
		at.mark = markOf(l.newest)
	}
	return backend.Listing{Pairs: l.pairs, Cursor: at.text()}, nil
}

// besides reads further parts at the revision of the first, several at a time:
// resources that name each of their keys make thousands of parts. f is called
// in the order of the parts.
func (p *pages) besides(ctx context.Context, parts []part, f func(*api.KeyValue) error) error {
	read := make([][]*api.KeyValue, len(parts))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(partsAtOnce)
	for i, pt := range parts {
		all.Go(func() error {
			own := &pages{b: p.b, rev: p.rev, cluster: p.cluster}
			return own.eachOf(ctx, pt, func(kv *api.KeyValue) error {
				read[i] = append(read[i], kv)
				return nil
			})
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for _, kvs := range read {
		for _, kv := range kvs {
			if err := f(kv); err != nil {
				return err
			}
		}
	}
	return nil
}

const partsAtOnce = 8

// listing grows as keys are read.
type listing struct {
	scope  scope
	pairs  []kv.Pair
	seen   map[string]struct{} // paths, where two keys can appear under one
	count  int64
	newest *api.KeyValue
}

// expect makes room for as many keys as a server may well say that there are.
func (l *listing) expect(n int64) { l.pairs = slices.Grow(l.pairs, int(min(n, 1<<20))) }

// addWanted adds a key if it is asked for.
func (l *listing) addWanted(e *api.KeyValue) error {
	if !l.scope.holds(e.Key) {
		return nil
	}
	return l.add(e)
}

func (l *listing) add(e *api.KeyValue) error {
	l.count++
	if l.newest == nil || e.ModRevision > l.newest.ModRevision {
		l.newest = e
	}
	path := l.scope.path(e.Key)
	if l.scope.bare && l.shadowed(e.Key, path) {
		return nil
	}
	l.pairs = append(l.pairs, kv.Pair{Key: path, Value: e.Value})
	return nil
}

// shadowed tells whether a key without a slash has a twin with one, which then
// stands. The twins with a slash are read first.
func (l *listing) shadowed(key, path string) bool {
	if l.seen == nil {
		l.seen = map[string]struct{}{}
	}
	if strings.HasPrefix(key, "/") {
		l.seen[path] = struct{}{}
		return false
	}
	_, twin := l.seen[path]
	return twin
}
