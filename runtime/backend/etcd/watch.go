package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/metadata"

	"github.com/wconf/wconf/runtime/backend"
)

// Watch sends every revision after from that touches prefixes., each as one
// batch. It needs nothing but the cursor.
//
// A batch without changes follows each good probe (see pulse): the cache then
// knows that it is up to date. Watch ends with an error as soon as it cannot
// vouch for that: within 15 s after the store fell silent, within 5 s after
// its member lost the others, and with ErrCursorLost when the store's history
// is compacted, rolled back, rewritten or another cluster's.
func (b *Backend) Watch(ctx context.Context, prefixes []string, from backend.Cursor, out chan<- backend.Batch) error {
	ctx, stop := b.bind(ctx)
	defer stop()
	at, err := parseCursor(from)
	if err != nil {
		return err
	}
	w := &watch{b: b, scope: b.scope(prefixes), at: at, out: out}
	switch {
	case len(prefixes) == 0:
		return errNoPrefix
	case at.scope != w.scope.id():
		return lost("it is one of other prefixes")
	}
	b.settle(ctx)
	token := b.login.current()
	err = w.follow(ctx)
	if tokenRefused(cause(err)) && ctx.Err() == nil {
		if err = b.login.renew(ctx, token); err == nil {
			err = w.follow(ctx)
		}
	}
	return b.explain(ctx, wrap(w.scope, err))
}

func wrap(sc scope, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("watch %s: %w", strings.Join(sc.prefixes, " "), err)
}

// watch is one call of Watch. All of it belongs to the goroutine that called.
type watch struct {
	b     *Backend
	scope scope
	out   chan<- backend.Batch
	at    cursor // everything up to it has been sent
	twins *twins // where keys without a slash count

	// of one stream:
	from      int64 // the cursor's revision when it began
	stream    etcdserverpb.Watch_WatchClient
	settledAt int64      // a survey showed that everything up to it has arrived
	old       bool       // the server cannot be asked for progress
	waiting   []*watcher // for the server's confirmation, in the order of asking
	member    uint64
	frontier
	pulse
	progress
}

// lost says that the store has to be listed again.
func lost(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{backend.ErrCursorLost}, args...)...)
}

// maxUnproved is how many bytes of events are taken before the first probe.
const maxUnproved = 1 << 20

// follow watches on one stream until it ends.
func (w *watch) follow(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if err := w.open(ctx); err != nil {
		return err
	}
	messages := make(chan message) // unbuffered: who reads slowly slows the server down, not our memory
	tasks.Go(func() { receive(ctx, w.stream, messages) })
	w.pulse.begin(ctx, w, &tasks)
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		var err error
		in := messages
		if !w.proved && w.frontier.bytes > maxUnproved {
			in = nil
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case m := <-in:
			err = w.message(m)
		case f := <-w.pulse.findings:
			err = w.found(f)
		case <-alarm.C:
			err = w.tick(time.Now())
		}
		if err == nil {
			err = w.hand(ctx)
		}
		if err != nil {
			return err
		}
		alarm.Reset(time.Until(w.due()))
	}
}

// open starts a stream and asks it for the spans.
func (w *watch) open(ctx context.Context) error {
	if err := w.b.login.with(ctx, func() error { return nil }); err != nil {
		return err
	}
	old, err := w.b.lacksProgress(ctx)
	if err != nil {
		return err
	}
	if w.scope.bare && w.twins == nil {
		if w.twins, err = w.b.findTwins(ctx, w.scope, w.at.rev); err != nil {
			return err
		}
	}
	w.frontier, w.pulse, w.progress = frontier{}, pulse{}, progress{none: old || w.b.mute.Load()}
	w.waiting, w.member, w.from, w.settledAt, w.old = nil, 0, w.at.rev, 0, old
	leader := metadata.AppendToOutgoingContext(ctx, rpctypes.MetadataRequireLeaderKey, rpctypes.MetadataHasLeader)
	if w.stream, err = w.b.watches.Watch(leader); err != nil {
		return err
	}
	if w.progress.none {
		return w.ask(oneRequest(w.scope.parts()))
	}
	return w.ask(requests(w.scope.parts()))
}

// ask adds watchers to the stream. Their ids count from 1. They begin with the
// cursor's own revision, which is then dropped: a server whose history begins
// right after it says that the history is gone, where some have lost a delete
// at the very revision that they compacted to (etcd issue 19179).
func (w *watch) ask(rs []request) error {
	for _, r := range rs {
		one := &watcher{request: r, front: w.from - 1, last: w.from - 1}
		w.watchers, w.waiting = append(w.watchers, one), append(w.waiting, one)
		create := &etcdserverpb.WatchCreateRequest{
			Key: []byte(r.span.start), RangeEnd: []byte(r.span.end),
			StartRevision: w.from, WatchId: int64(len(w.watchers)), ProgressNotify: true, Fragment: true,
		}
		if err := w.stream.Send(&etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{CreateRequest: create}}); err != nil {
			return streamError(w.stream, err)
		}
	}
	return nil
}

// message is what a stream brings: an answer, or its end.
type message struct {
	answer *etcdserverpb.WatchResponse
	err    error
}

func receive(ctx context.Context, s etcdserverpb.Watch_WatchClient, to chan<- message) {
	for {
		r, err := s.Recv()
		select {
		case to <- message{r, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// streamError is the reason behind the io.EOF that Send returns.
func streamError(s etcdserverpb.Watch_WatchClient, err error) error {
	if _, reason := s.Recv(); reason != nil {
		return reason
	}
	return err
}

// message takes one answer of the stream.
func (w *watch) message(m message) error {
	r := m.answer
	switch {
	case tooLarge(m.err): // an answer that etcd did not cut into fragments
		return lost("an answer was larger than %d MiB", maxMessage>>20)
	case m.err != nil:
		return m.err
	case r.Header == nil:
		return lost("an answer says not where it comes from")
	case r.Header.ClusterId != w.at.cluster:
		return lost("cluster %x answers instead of %x", r.Header.ClusterId, w.at.cluster)
	}
	if w.member != 0 && w.member != r.Header.MemberId {
		w.pulse.suspect(time.Now())
	}
	w.member = r.Header.MemberId
	err := w.answer(r)
	if v := new(violation); errors.As(err, &v) {
		w.b.log.Error("etcd broke its promise; the store is listed again", "backend", Factory.Name, "err", v.error)
		return lost("%w", v.error)
	}
	return err
}

// violation is an answer that etcd promises never to give.
type violation struct{ error }

func broken(err error) error {
	if err == nil {
		return nil
	}
	return &violation{err}
}

func (w *watch) answer(r *etcdserverpb.WatchResponse) error {
	switch {
	case r.Created:
		return w.confirmed(r)
	case r.Canceled && r.CompactRevision != 0:
		return lost("the history up to revision %d is compacted, and revision %d was reached", r.CompactRevision, w.at.rev)
	case r.Canceled:
		return refusal(r.CancelReason)
	case r.WatchId == -1 && len(r.Events) == 0:
		return w.everyoneAt(r.Header.Revision)
	case r.WatchId < 1 || int(r.WatchId) > len(w.watchers) || !w.watchers[r.WatchId-1].created:
		return broken(fmt.Errorf("an answer came for watcher %d, which was not confirmed", r.WatchId))
	}
	one := w.watchers[r.WatchId-1]
	if len(r.Events) == 0 && !r.Fragment && !one.partial {
		return broken(one.progress(r.Header.Revision))
	}
	if err := one.took(r.Events, r.Fragment); err != nil {
		return broken(err)
	}
	known := slices.IndexFunc(r.Events, func(e *mvccpb.Event) bool { return e.Kv.ModRevision > w.from })
	if known < 0 {
		return nil
	}
	if err := w.frontier.add(r.Events[known:]); err != nil {
		return lost("%w", err)
	}
	return nil
}

// confirmed takes the server's word that it watches, or may not.
func (w *watch) confirmed(r *etcdserverpb.WatchResponse) error {
	if len(w.waiting) == 0 {
		return broken(errors.New("a watcher was confirmed that nobody asked for"))
	}
	one := w.waiting[0]
	w.waiting = w.waiting[1:]
	if !r.Canceled {
		if r.WatchId < 1 || int(r.WatchId) > len(w.watchers) || w.watchers[r.WatchId-1] != one {
			return broken(fmt.Errorf("watcher %d was confirmed instead of another", r.WatchId))
		}
		one.created = true
		w.b.log.Debug("watching", "backend", Factory.Name, "member", fmt.Sprintf("%x", r.Header.MemberId), "key", one.span.start, "rev", w.from)
		return nil
	}
	if r.CompactRevision != 0 {
		return lost("the history up to revision %d is compacted, and revision %d was reached", r.CompactRevision, w.at.rev)
	}
	err := refusal(r.CancelReason)
	if !denied(err) || !one.optional && len(one.narrower) == 0 {
		return err
	}
	one.gone = true
	if one.optional {
		w.b.logRefused(one.span)
	}
	return w.ask(one.narrower)
}

// refusal turns the reason for which a watcher was cancelled back into etcd's
// error.
func refusal(reason string) error {
	for _, known := range []error{rpctypes.ErrGRPCPermissionDenied, rpctypes.ErrGRPCInvalidAuthToken, rpctypes.ErrGRPCAuthOldRevision, rpctypes.ErrGRPCUserEmpty, rpctypes.ErrGRPCNoLeader} {
		if strings.Contains(reason, rpctypes.ErrorDesc(known)) {
			return known
		}
	}
	if strings.Contains(reason, rpctypes.ErrorDesc(rpctypes.ErrGRPCCompacted)) {
		return lost("the history is compacted")
	}
	return fmt.Errorf("etcd ended the watch: %s", reason)
}

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
	if rev > w.at.rev {
		w.pulse.moved(time.Now())
	}
	for step := range steps(events) {
		step, err := w.at.advance(step, w.scope)
		if err != nil {
			return lost("%w", err)
		}
		if len(step) == 0 {
			continue
		}
		if err := w.tell(ctx, step); err != nil {
			return err
		}
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
func (w *watch) tell(ctx context.Context, step []*mvccpb.Event) (err error) {
	batch := batchOf(step, w.at)
	if w.twins != nil {
		if batch, err = w.twins.batch(ctx, w.b, w.scope, step, w.at); err != nil {
			return err
		}
	}
	w.vouches() // a batch with changes vouches, too
	return w.send(ctx, batch)
}

// send waits for the receiver. Its slowness is not the stream's.
func (w *watch) send(ctx context.Context, b backend.Batch) error {
	began := time.Now()
	w.b.sent.offer(w.scope.id(), w.at.rev)
	select {
	case w.out <- b:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.b.sent.taken(w.scope.id(), w.at.rev)
	w.pulse.held(time.Since(began))
	return nil
}
