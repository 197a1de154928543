package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/wconf/wconf/runtime/backend"
)

// A survey counts the keys and looks for one that is newer than the newest
// that was seen. When the number is right and there is none, nothing was
// missed: whatever was put later would be newer, and a key that was deleted
// would be missing.
//
// It is made hourly, against mistakes of the server. And it stands in where a
// server cannot say how far its watchers are: then it shows that the events
// which have arrived are all there are.

// survey compares the store as it was at a revision with at. It returns the
// number of keys, and what else differs. It costs the server a read of the keys asked for, and the network next to
// nothing.
func (b *Backend) survey(ctx context.Context, sc scope, at cursor, rev int64) (count int64, other string, err error) {
	spans := func(yield func(span) error) error {
		for _, p := range sc.parts() {
			if p.self.start != "" {
				if err := yield(p.self); err != nil && !denied(err) {
					return err
				}
			}
			for _, s := range p.tree {
				if err := yield(s); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err = spans(func(s span) error {
		q := &etcdserverpb.RangeRequest{Key: []byte(s.start), RangeEnd: []byte(s.end), Revision: rev, CountOnly: true}
		r, err := ask(ctx, b, b.kv.Range, q)
		if err != nil {
			return err
		}
		count += r.Count
		q = &etcdserverpb.RangeRequest{Key: q.Key, RangeEnd: q.RangeEnd, Revision: rev, MinModRevision: at.mark.mod + 1, KeysOnly: true, Limit: 1}
		if r, err = ask(ctx, b, b.kv.Range, q); err != nil {
			return err
		}
		if len(r.Kvs) > 0 {
			other = fmt.Sprintf("key %q of revision %d was never told of", r.Kvs[0].Key, r.Kvs[0].ModRevision)
		}
		return nil
	})
	return count, other, err
}

// surveyed judges the hourly survey.
func (w *watch) surveyed(f finding) error {
	w.pulse.surveying = false
	switch {
	case denied(f.err):
		return f.err
	case errors.Is(rpctypes.Error(f.err), rpctypes.ErrCompacted):
		return nil // the next one will be newer
	case f.err != nil:
		w.b.log.Warn("the hourly look at the store failed", "backend", Factory.Name, "err", f.err)
		return nil
	case f.other == "" && f.count == f.from.count:
		return nil
	case f.other == "":
		f.other = fmt.Sprintf("there are %d keys, and %d were told of", f.count, f.from.count)
	}
	w.b.log.Error("the store holds other keys than its watch told of; it is listed again", "backend", Factory.Name, "err", f.other)
	return lost("%w: %s", backend.ErrDiffers, f.other)
}

// settled judges a survey that stands in for the server's progress.
func (w *watch) settled(f finding) error {
	w.progress.settling = false
	if denied(f.err) {
		return f.err
	}
	if f.err != nil || f.other != "" || f.count != f.from.count {
		return nil // more is on its way; the question will be repeated
	}
	w.settledAt = max(w.settledAt, f.rev)
	w.progress.asked = time.Time{}
	if !w.old && !w.b.mute.Swap(true) {
		w.b.log.Warn("etcd does not say how far its watchers are (a grpc-proxy?); reads stand in for that", "backend", Factory.Name)
	}
	return nil
}

// expected is what the store must look like if the events that have arrived
// are all there are.
func (w *watch) expected() (c cursor, err error) {
	c = w.at
	for step := range steps(slices.Clone(w.frontier.sorted())) {
		if _, err := c.advance(step, w.scope); err != nil {
			return c, broken(err)
		}
	}
	return c, nil
}
