package etcd

import (
	"context"
	"errors"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// One watcher over everything from the first prefix to the last is cheaper than
// one for each, for the server too, and each of its events is complete in
// itself: the server need not be asked whether the rest of a transaction is
// still on its way to another watcher. It serves as long as hardly anything
// lies between the prefixes, or changes there.

const (
	fewBetween  = 16   // keys, whatever the number of those that are asked for
	manyBetween = 1000 // changes, and four times those that were asked for
)

// between counts, on a stream with one watcher for all prefixes, the changes of
// keys that were asked for and of those that lie between them.
type between struct {
	watched          bool
	wanted, unwanted int
}

var errManyBetween = errors.New("most changes are of keys between the prefixes")

// watchesTogether tells whether one watcher of a span serves for all prefixes.
func (w *watch) watchesTogether(ctx context.Context, all span) bool {
	return !w.b.between.Load() && w.b.nearlyAll(ctx, all, w.at.count)
}

// listsTogether tells whether one list of a span serves for all prefixes. It
// counts their keys, many prefixes to a request.
func (b *Backend) listsTogether(ctx context.Context, sc scope, all span) bool {
	if sc.bare {
		return false // keys with a slash have to be read before those without
	}
	wanted, _, err := b.survey(ctx, sc, cursor{}, 0, false)
	return err == nil && b.nearlyAll(ctx, all, wanted)
}

// nearlyAll tells whether the keys that are wanted are nearly all of a span. A
// server that does not say is asked for each prefix, and then says why not.
func (b *Backend) nearlyAll(ctx context.Context, all span, wanted int64) bool {
	a, err := ask(ctx, b, b.api.Range, &api.RangeRequest{
		Key: all.start, RangeEnd: all.end, CountOnly: true, Serializable: true,
	})
	return err == nil && a.Count <= wanted+wanted/8+fewBetween
}

// count notes a change of so many keys, of which some were asked for.
func (w *watch) count(all, wanted int) error {
	if !w.between.watched {
		return nil
	}
	w.between.wanted += wanted
	w.between.unwanted += all - wanted
	if w.between.unwanted < max(manyBetween, 4*w.between.wanted) {
		return nil
	}
	w.b.between.Store(true)
	w.b.log.Info("most changes are of keys that lie between the prefixes; watching each prefix by itself", "backend", Factory.Name)
	return errManyBetween
}
