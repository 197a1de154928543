package engine

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Once renders and applies every resource in the order of their files, and
// runs the reloads that become due. What a condition holds back stays held.
//
// As in confd one resource is done before the next begins, for the check of
// the next may read what the first wrote; only neighbours without any command
// are applied side by side.
func (e *Engine) Once(ctx context.Context) []Status {
	e.oneShot = true
	rendered := e.renderAhead(ctx)
	defer rendered.Wait()
	which := neighbours
	if e.opt.FailFast {
		which = one
	}
	for e.turn(ctx, which, e.sideBySide) == 0 {
		if e.opt.FailFast {
			e.stopAtFailure()
		}
	}
	e.Step(ctx)
	return e.Status()
}

// stopAtFailure takes what still waits off the queue once a resource has
// failed; reloads of what was written before stay.
func (e *Engine) stopAtFailure() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.ContainsFunc(e.tasks, func(t *task) bool { return t.status.Err != nil }) {
		return
	}
	for _, t := range e.tasks {
		e.schedule(t, time.Time{})
	}
}

func (e *Engine) sideBySide(due []func()) {
	var all sync.WaitGroup
	slots := make(chan struct{}, cmp.Or(e.opt.Writers, runtime.GOMAXPROCS(0)))
	for _, do := range due {
		slots <- struct{}{}
		all.Go(func() { do(); <-slots })
	}
	all.Wait()
}

// renderAhead renders everything that waits, in order and on all cores, while
// applying, which goes one by one, follows.
func (e *Engine) renderAhead(ctx context.Context) *sync.WaitGroup {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lookAtSources()
	var waiting []func()
	for _, t := range e.tasks {
		if t.waits {
			r, snapshot := &rendered{done: make(chan struct{})}, t.source.snapshot
			t.early = r
			waiting = append(waiting, func() {
				r.plan, r.err = e.render(ctx, t, snapshot)
				close(r.done)
			})
		}
	}
	all, next := &sync.WaitGroup{}, atomic.Int64{}
	for range min(len(waiting), runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := next.Add(1); int(i) <= len(waiting); i = next.Add(1) {
				waiting[i-1]()
			}
		})
	}
	return all
}
