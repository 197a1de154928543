package etcd

import (
	"context"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// hand sends on what every span has come to, a batch for each revision, once
// the store's history has been proved to be the one that the cursor is of.
func (w *watch) hand(ctx context.Context) error {
	if !w.proved {
		return nil
	}
	rev := w.reached()
	events := w.frontier.take(rev)
	if err := w.wantProgress(); err != nil {
		return err
	}
	for step := range steps(events) {
		all := len(step)
		step, err := w.at.advance(step, w.scope)
		if err != nil {
			return lost("%w", err)
		}
		if len(step) > 0 {
			err = w.tell(ctx, step)
		}
		if err == nil {
			err = w.count(all, len(step))
		}
		if err != nil {
			return err
		}
	}
	if rev > w.at.rev || len(events) > 0 { // and a slow receiver is no fault of the stream
		w.pulse.moved(time.Now())
	}
	w.at.rev = max(w.at.rev, rev)
	if w.vouches() {
		return w.send(ctx, backend.Batch{Cursor: w.at.text()})
	}
	return nil
}

// reached is the revision up to which everything has arrived.
func (w *watch) reached() int64 { return max(w.frontier.rev(), w.settledAt, w.from) }

// tell sends the events of one revision.
func (w *watch) tell(ctx context.Context, step []*api.Event) (err error) {
	batch := batchOf(step, w.at)
	if w.twins != nil {
		if batch, err = w.twins.batch(ctx, w.b, w.scope, step, w.at); err != nil {
			return err
		}
	}
	w.vouches() // a batch with changes vouches, too
	return w.send(ctx, batch)
}

// send waits for the receiver.
func (w *watch) send(ctx context.Context, b backend.Batch) error {
	w.b.sent.offer(w.scope.id, w.at.rev)
	select {
	case w.out <- b:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.b.sent.taken(w.scope.id, w.at.rev)
	return nil
}
