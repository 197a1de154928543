package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// A survey counts the keys and looks for one that is newer than the newest
// that was seen. When the number is right and there is none, the watch has
// missed nothing: whatever was put later would be newer, and a key that was
// deleted would be missing. It is made hourly, against mistakes of the server;
// and after each probe where the server cannot say how far its watchers are.

// silent tells whether the watch has to be proved by surveys.
func (w *watch) silent() bool { return w.progress.none }

// survey compares the store with at: at its revision, or with now at the
// newest, which it returns. It costs the server a read of the keys asked for,
// and the network next to nothing.
func (b *Backend) survey(ctx context.Context, sc scope, at cursor, now bool) (rev, count int64, other string, err error) {
	if !now {
		rev = at.rev
	}
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
		if rev == 0 {
			rev = r.Header.Revision
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
	return rev, count, other, err
}

// surveyed judges a survey.
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
	case !w.counted: // the cursor came from other prefixes
		w.counted = true
		w.at.count += f.count - f.from.count
		return nil
	case f.other == "" && f.count != f.from.count:
		f.other = fmt.Sprintf("there are %d keys, and %d were told of", f.count, f.from.count)
	}
	if f.other == "" {
		return w.caughtUp(f)
	}
	if f.rev > f.from.rev {
		return nil // the newer ones are on their way, or the watch is stuck
	}
	w.b.log.Error("the store holds other keys than its watch told of; it is listed again", "backend", Factory.Name, "err", f.other)
	return lost("%s", f.other)
}

// caughtUp moves the cursor to a revision up to which nothing happened.
func (w *watch) caughtUp(f finding) error {
	if w.silent() && w.at == f.from {
		w.at.rev = f.rev
	}
	return nil
}

// stuck is a watch that has not come to what a probe saw long ago.
func (w *watch) stuck() error {
	several := len(w.watchers) > 1
	switch {
	case several && len(w.pending) > 0 && !w.b.mute.Load():
		w.b.mute.Store(true)
		w.b.log.Warn("etcd does not say how far its watchers are (a grpc-proxy?); one range over all prefixes is watched from now on", "backend", Factory.Name)
	case !w.silent() && len(w.pending) == 0 && w.frontier.created():
		w.progress.none = true
		w.pulse.behind = w.pulse.clock
		w.pulse.survey(w.pulse.clock)
		return nil
	}
	return fmt.Errorf("the watch is stuck at revision %d, the store is at %d", w.at.rev, w.pulse.target)
}
