package etcd

import (
	"context"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/wconf/wconf/runtime/backend/etcd/api"
	"github.com/wconf/wconf/runtime/problem"
)

// progress asks the server how far its watchers are. It answers at once when
// all of them have caught up, and not at all when one has not; so the question
// is repeated, ever more slowly. Where the server cannot be asked a survey
// answers (see there).
type progress struct {
	none     bool      // the server cannot be asked
	asked    time.Time // zero: no question is open
	pause    time.Duration
	settling bool // a survey is under way
}

const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// wantProgress asks when events wait for other watchers, or when a probe has
// seen a newer revision than the watchers have come to.
func (w *watch) wantProgress() error {
	wanted := len(w.pending) > 0 && !w.frontier.partial() || w.pulse.target > w.reached()
	switch {
	case !wanted:
		w.progress.asked = time.Time{}
	case w.progress.asked.IsZero() && w.frontier.created():
		w.progress.pause = firstPause
		return w.requestProgress(time.Now())
	}
	return nil
}

func (w *watch) requestProgress(now time.Time) error {
	w.progress.asked = now
	if !w.progress.none {
		// An error is the end of the stream; the receiver brings its reason.
		_ = w.stream.Progress()
		return nil
	}
	if w.progress.settling {
		return nil
	}
	c, came, err := w.expected()
	if err != nil {
		return err
	}
	w.progress.settling = true
	rev := w.pulse.target
	if len(w.pending) > 0 {
		rev = c.rev
	}
	w.pulse.start(settling, c, rev, came)
	return nil
}

// repeatProgress asks again when there was no answer for a while.
func (w *watch) repeatProgress(now time.Time) error {
	if w.progress.asked.IsZero() || now.Sub(w.progress.asked) < w.progress.pause {
		return nil
	}
	w.progress.pause = min(2*w.progress.pause, longestPause)
	return w.requestProgress(now)
}

// everyoneAt takes the answer, which speaks for all watchers of the stream.
func (w *watch) everyoneAt(rev int64) error {
	if w.progress.none || !w.frontier.created() {
		return nil
	}
	w.progress.asked = time.Time{}
	w.b.mute.Store(false)
	return broken(w.frontier.progress(rev))
}

// lacksProgress tells whether the server is one whose answers can run ahead of
// its events (etcd issue 15220, mended in 3.4.25 and 3.5.8). Those are watched
// over one span and never asked.
func (b *Backend) lacksProgress(ctx context.Context) (bool, error) {
	s, err := ask(ctx, b, b.api.Status, &api.StatusRequest{})
	if denied(err) {
		return false, nil // only new servers deny it
	}
	if err != nil {
		return false, err
	}
	v := "v" + strings.TrimPrefix(s.Version, "v")
	if semver.IsValid(v) && semver.Compare(v, "v3.4.0-0") < 0 {
		return false, &problem.Problem{Code: problem.StoreDown, Msg: "etcd at " + b.nodes.String() + " is version " + s.Version, Hint: "wconf needs etcd 3.4 or later"}
	}
	old := semver.Compare(v, "v3.4.25") < 0 || semver.Compare(v, "v3.5.0-0") >= 0 && semver.Compare(v, "v3.5.8") < 0
	return semver.IsValid(v) && old, nil
}
