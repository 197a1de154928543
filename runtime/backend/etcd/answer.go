package etcd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
)

// message is what a stream brings: an answer, or its end.
type message struct {
	answer *api.WatchResponse
	err    error
}

func receive(ctx context.Context, s api.WatchStream, to chan<- message) {
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

func (w *watch) answer(r *api.WatchResponse) error {
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
	known := slices.IndexFunc(r.Events, func(e *api.Event) bool { return e.Kv.ModRevision > w.from })
	if known < 0 {
		return nil
	}
	if err := w.frontier.add(r.Events[known:]); err != nil {
		return lost("%w", err)
	}
	return nil
}

// confirmed takes the server's word that it watches, or may not.
func (w *watch) confirmed(r *api.WatchResponse) error {
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
	w.ask(one.narrower)
	return nil
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
