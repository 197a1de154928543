package resource

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/stage"
)

// Reloaded is how a reload command ended.
type Reloaded struct {
	At   time.Time
	Exit int
	Err  error // nil: the service has loaded what was on disk when it began
	Took time.Duration
}

// Reload runs the resource's reload_cmd.
func (r *Resource) Reload(ctx context.Context) Reloaded {
	c := r.spec.Reload
	c.Src, c.Dest = r.stagedPath(), r.Dest()
	result, err := r.parts.Commands.Run(ctx, c)
	r.logOutput("reload_cmd", result, err, r.shown())
	if err != nil {
		err = &problem.Problem{Code: problem.ReloadFailed, Msg: "reload_cmd: " + err.Error(), Err: err}
	}
	return Reloaded{Exit: result.Exit, Err: err, Took: result.Took}
}

// stagedPath is what {{.src}} means to reload_cmd: as in the living fork the
// path that the staged file had before it became the destination, or one like
// it where that is not known.
func (r *Resource) stagedPath() string {
	path := filepath.Join(filepath.Dir(r.Dest()), "."+filepath.Base(r.Dest()))
	if !r.mu.TryLock() {
		return path
	}
	defer r.mu.Unlock()
	return cmp.Or(r.stagedAt, path)
}

// shown is the snapshot behind what stands at the destination.
func (r *Resource) shown() *kv.Snapshot {
	if !r.mu.TryLock() {
		return nil
	}
	defer r.mu.Unlock()
	if r.written == nil {
		return nil
	}
	return r.written.Snapshot
}

// Debt is what a reload that begins now will settle.
type Debt struct {
	r        *Resource
	plan     *Plan
	Required bool // the reload must happen; else the resource only profits
}

// Debt is what a reload that begins now will settle; false when that is
// nothing. A resource whose reload is held has none, nor has one that is being
// applied now: it says itself what it owes when that has ended. What is written
// after this call is owed anew.
func (r *Resource) Debt() (Debt, bool) {
	if !r.mu.TryLock() {
		return Debt{}, false
	}
	defer r.mu.Unlock()
	if r.held || r.written == nil || r.running.hash == r.disk && r.accepted == r.disk && !r.owed {
		return Debt{}, false
	}
	r.inflight, r.pending = r.inflight.before(r.pending), pending{}
	return Debt{r, r.written, r.owed}, true
}

// Resource is whose debt it is.
func (d Debt) Resource() *Resource { return d.r }

// Settle notes how the reload ended.
func (d Debt) Settle(result Reloaded) error {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	since := r.pending
	r.last.tried(result)
	if result.Err != nil {
		r.pending, r.inflight = r.inflight.before(since), pending{}
		return r.keep()
	}
	r.knows(d.plan)
	r.pending, r.inflight = since, pending{}
	if r.disk != d.plan.Hash { // something newer stands there, and is owed
		return r.keep()
	}
	r.owed = false
	err := r.parts.Stager.ClearMark(r.Dest(), ledger.MarkFor(r.ID(), d.plan.Hash))
	return errors.Join(err, r.paid(), r.keep())
}

func (l *last) tried(result Reloaded) {
	l.at, l.exit = result.At, result.Exit
	l.history = append(l.history, result.At)
	if len(l.history) > 1000 {
		l.history = l.history[len(l.history)-1000:]
	}
	if result.Err != nil {
		l.failures++
		return
	}
	l.failures = 0
	l.count++
}

// owes tells whether the reload of what stands at the destination is still
// due, by the mark that was committed together with the content, or by the
// ledger where the file system keeps no marks.
func (a applying) owes() bool {
	if a.ReloadKey() == "" {
		return false
	}
	if a.asked {
		return a.owed
	}
	a.asked = true
	mark, has, err := a.parts.Stager.ReadMark(a.Dest())
	switch {
	case err == nil && has && mark == ledger.MarkFor(a.ID(), a.plan.Hash):
		a.owed = true
	case err == nil && has: // of other content, or of another resource
		a.parts.Stager.ClearMark(a.Dest(), mark) //nolint:errcheck // it is read again at the next start
	}
	return a.owed
}

// commit writes the debt where Swap carries it along with the content.
func (a applying) commit(debt bool) error {
	a.asked, a.owed = true, debt
	if !debt {
		a.accepted, a.inLedger = a.plan.Hash, false
		return nil
	}
	err := a.staged.Mark(ledger.MarkFor(a.ID(), a.plan.Hash))
	if errors.Is(err, stage.ErrNoMarks) {
		return a.oweInLedger()
	}
	return err
}
