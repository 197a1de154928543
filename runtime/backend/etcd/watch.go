package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/metadata"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// Watch sends every revision after from that touches prefixes, each as one
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
	case at.scope != w.scope.id:
		return lost("it is one of other prefixes")
	}
	b.settle(ctx)
	token := b.login.current()
	if err = w.follow(ctx); errors.Is(err, errManyBetween) {
		err = w.follow(ctx)
	}
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
	stream    api.WatchStream
	settledAt int64      // a survey showed that everything up to it has arrived
	old       bool       // the server cannot be asked for progress
	waiting   []*watcher // for the server's confirmation, in the order of asking
	member    uint64
	frontier
	pulse
	progress
	between between
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
	w.frontier, w.pulse, w.progress, w.between = frontier{}, pulse{}, progress{none: old}, between{}
	w.waiting, w.member, w.from, w.settledAt, w.old = nil, 0, w.at.rev, 0, old
	leader := metadata.AppendToOutgoingContext(ctx, rpctypes.MetadataRequireLeaderKey, rpctypes.MetadataHasLeader)
	if w.stream, err = w.b.api.Watch(leader); err != nil {
		return err
	}
	each := requests(w.scope.parts())
	all := together(each)
	silent := old || w.b.mute.Load()
	w.between.watched = len(each) > 1 && !silent && w.watchesTogether(ctx, all.span)
	if silent || w.between.watched {
		each = []request{all}
	}
	w.ask(each)
	return nil
}

// ask adds watchers to the stream. Their ids count from 1. They begin with the
// cursor's own revision, which is then dropped: a server whose history begins
// right after it says that the history is gone, where some have lost a delete
// at the very revision that they compacted to (etcd issue 19179).
func (w *watch) ask(rs []request) {
	for _, r := range rs {
		one := &watcher{request: r, front: w.from - 1, last: w.from - 1}
		w.watchers, w.waiting = append(w.watchers, one), append(w.waiting, one)
		create := &api.WatchCreateRequest{
			Key: r.span.start, RangeEnd: r.span.end,
			StartRevision: w.from, WatchId: int64(len(w.watchers)), ProgressNotify: true, Fragment: true,
		}
		// An error is the end of the stream; the receiver brings its reason.
		_ = w.stream.Create(create)
	}
}
