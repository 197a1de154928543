package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// A survey counts the keys and looks for one that is newer than the newest
// that was seen. When the number is right and there is none, nothing was
// missed: whatever was put later would be newer, and a key that was deleted
// would be missing.
//
// It is made hourly, against mistakes of the server. Counting costs the server
// a walk through its index. To find what is newer it reads every key and value
// asked for, so for more than a few keys an hourly survey leaves that to the
// daily comparison, which reads in pages.
//
// Another one (arrived) stands in where a server cannot say how far its
// watchers are: it shows that the events which have arrived are all there are.

// small tells whether there is so little that reading it all is cheap.
func (s scope) small(at cursor) bool { return at.count <= firstPage && len(s.prefixes) <= partsAtOnce }

// survey compares the store as it was at a revision with at. It returns the
// number of keys and, with newest, what is newer than at, if anything.
func (b *Backend) survey(ctx context.Context, sc scope, at cursor, rev int64, newest bool) (count int64, other string, err error) {
	query := func(s span) *api.RangeRequest {
		q := &api.RangeRequest{Key: s.start, RangeEnd: s.end, Revision: rev, CountOnly: !newest}
		if newest { // what is filtered out counts all the same
			q.MinModRevision, q.KeysOnly, q.Limit = at.mark.mod+1, true, 1
		}
		return q
	}
	rs, err := b.askAll(ctx, sc, newest, query)
	for _, r := range rs {
		count += r.Count
		if len(r.Kvs) > 0 {
			other = fmt.Sprintf("key %q of revision %d was never told of", r.Kvs[0].Key, r.Kvs[0].ModRevision)
		}
	}
	return count, other, err
}

// askAll asks for everything that a scope has, for counts together and else
// one by one.
func (b *Backend) askAll(ctx context.Context, sc scope, apart bool, query func(span) *api.RangeRequest) ([]*api.RangeResponse, error) {
	askFor := b.counts
	if apart {
		askFor = b.apart
	}
	var selfs, trees []*api.RangeRequest
	for _, p := range sc.parts() {
		if p.self.start != "" {
			selfs = append(selfs, query(p.self))
		}
		for _, s := range p.tree {
			trees = append(trees, query(s))
		}
	}
	rs, err := askFor(ctx, selfs, true)
	if err != nil {
		return nil, err
	}
	below, err := askFor(ctx, trees, false)
	return append(rs, below...), err
}

// arrivals are the keys that events have put since a revision, each with the
// newest revision that came.
type arrivals struct {
	since int64
	puts  map[string]int64
}

// arrived is the survey that stands in for progress. What has arrived is all
// there is when exactly those keys are newer than what was complete before: of
// one revision, one watcher's half may have come and another's not.
func (b *Backend) arrived(ctx context.Context, sc scope, came arrivals, rev int64) (count int64, other string, err error) {
	rs, err := b.askAll(ctx, sc, true, func(s span) *api.RangeRequest {
		return &api.RangeRequest{
			Key: s.start, RangeEnd: s.end, Revision: rev, MinModRevision: came.since + 1, KeysOnly: true, Limit: int64(len(came.puts)) + 1,
		}
	})
	found := 0
	for _, r := range rs {
		count += r.Count
		found += len(r.Kvs)
		for _, kv := range r.Kvs {
			if came.puts[kv.Key] != kv.ModRevision {
				other = fmt.Sprintf("key %q of revision %d has not arrived", kv.Key, kv.ModRevision)
			}
		}
	}
	if other == "" && found != len(came.puts) {
		other = fmt.Sprintf("%d keys are newer, and %d have arrived", found, len(came.puts))
	}
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
func (w *watch) expected() (c cursor, came arrivals, err error) {
	c, came = w.at, arrivals{w.at.rev, map[string]int64{}}
	for step := range steps(slices.Clone(w.frontier.sorted())) {
		step, err := c.advance(step, w.scope)
		if err != nil {
			return c, came, broken(err)
		}
		for _, e := range step {
			if delete(came.puts, e.Kv.Key); e.Type == api.PUT {
				came.puts[e.Kv.Key] = e.Kv.ModRevision
			}
		}
	}
	return c, came, nil
}

// surveys says when the next hourly survey of each scope is due. Streams may be
// shorter than that.
type surveys struct {
	mu   sync.Mutex
	next map[uint32]time.Time
}

// due is when the next one is due, an hour from now where nobody has asked yet.
func (s *surveys) due(scope uint32, now time.Time) time.Time {
	s.mu.Lock()
	at, ok := s.next[scope]
	s.mu.Unlock()
	if !ok {
		return s.made(scope, now)
	}
	return at
}

// made notes that one is made now, and returns when the next one is due.
func (s *surveys) made(scope uint32, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = map[uint32]time.Time{}
	}
	s.next[scope] = now.Add(jitter(surveyEvery))
	return s.next[scope]
}
