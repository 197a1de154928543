package engine

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/resource"
)

// task is one resource on its way. Its fields belong to the engine's lock,
// but for what runs: a task runs at most once at a time.
type task struct {
	member Member
	source *source
	reload *reload // nil: no reload_cmd
	order  int     // of its file
	gone   bool

	listed  bool // its keys are in the source's snapshot
	due     time.Time
	at      int // in the queue
	running bool

	// What waits for it. While a render runs every update is accepted until
	// its read-set is known: a key that it is about to read must not be
	// missed.
	waits   bool        // it has to be rendered
	look    bool        // its destination has to be looked at
	changes []kv.Change // since the last render began
	reason  string
	since   time.Time // of the first change that waits
	last    time.Time // of the last
	pace    pace

	from   *kv.Snapshot   // of the last run that began: what changed before and could alter it is known
	reads  kv.ReadSet     // of renders and checks: what wakes it
	good   kv.ReadSet     // of the last good render
	asked  *kv.ReadSet    // of the last checks; nil before
	plan   *resource.Plan // the last good render
	broken bool           // the last render failed
	early  *rendered      // made before its turn came
	retry  backoff.BackOff
	status Status
}

func (t *task) dueAt() time.Time   { return t.due }
func (t *task) setDue(d time.Time) { t.due = d }
func (t *task) rank() int          { return t.order }
func (t *task) place() *int        { return &t.at }

// offer makes a task render again, after its quiet time.
func (e *Engine) offer(t *task, changes []kv.Change, reason string) {
	now := e.opt.Now()
	if !t.waits || t.reason != "startup" {
		t.reason = reason
	}
	if !t.waits {
		t.waits, t.since, t.changes = true, now, nil
	}
	t.last = now
	t.changes = kv.Merge(t.changes, changes)
	if !t.running {
		e.schedule(t, e.dueOf(t))
	}
}

// dueOf is when a task that waits is to be rendered: after its quiet time, but
// never later than the longest wait after the first change.
func (e *Engine) dueOf(t *task) time.Time {
	quiet, longest := t.member.Resource.Debounce()
	due := t.last.Add(quiet)
	if end := t.since.Add(longest); longest > 0 && due.After(end) {
		due = end
	}
	if t.reason == "startup" {
		return t.last
	}
	if due.Before(t.pace.rest) {
		due = t.pace.rest
	}
	if e.opt.Poll && t.reason == "keys" && due.Before(e.tick) {
		return e.tick
	}
	return due
}

// begin takes the first of the queue and returns what is to be done for it.
func (e *Engine) begin(ctx context.Context, i item) func() {
	if rl, ok := i.(*reload); ok {
		return e.beginReload(ctx, rl)
	}
	t := i.(*task)
	e.schedule(t, time.Time{})
	now := e.opt.Now()
	t.pace.begin(now, t.since, len(t.changes), e.running >= cap(e.slots.places))
	t.running = true
	e.running++
	job := job{engine: e, task: t, snapshot: t.source.snapshot, reason: t.reason, at: now}
	if t.waits || t.plan == nil || t.broken || t.look && len(t.reads.World()) > 0 {
		job.render, job.changes, job.from = true, t.changes, t.from
	}
	t.from = job.snapshot
	if job.render || t.member.Resource.Checked() {
		e.open[t] = struct{}{}
	}
	if !t.waits && t.look {
		job.reason = "interval"
	}
	t.waits, t.look, t.changes = false, false, nil
	return func() { job.do(ctx) }
}

// job is one run of a task.
type job struct {
	engine   *Engine
	task     *task
	snapshot *kv.Snapshot
	render   bool
	from     *kv.Snapshot // of the run before
	changes  []kv.Change  // since then
	reason   string
	at       time.Time
}

func (j job) do(ctx context.Context) {
	e, t := j.engine, j.task
	if j.render {
		plan, err := e.plan(ctx, t, j.snapshot)
		j.changes = altering(plan.Reads.Union(t.reads), j.changes, j.from, j.snapshot)
		e.learn(t, plan, err)
		if err != nil {
			e.finish(t, t.member.Resource.Missed(j.cause(), err), j)
			return
		}
	}
	out := t.member.Resource.Apply(ctx, t.plan, j.cause())
	e.finish(t, out, j)
}

func (j job) cause() resource.Cause {
	return resource.Cause{Changes: j.changes, Reason: j.reason, Now: j.engine.opt.Now(), Snapshot: j.snapshot}
}

// rendered is how a render ended, once it is done.
type rendered struct {
	done chan struct{}
	plan *resource.Plan
	err  error
}

func (e *Engine) plan(ctx context.Context, t *task, s *kv.Snapshot) (*resource.Plan, error) {
	if r := t.early; r != nil {
		t.early = nil
		<-r.done
		return r.plan, r.err
	}
	return e.render(ctx, t, s)
}

func (e *Engine) render(ctx context.Context, t *task, s *kv.Snapshot) (*resource.Plan, error) {
	defer e.slots.take()()
	began := e.opt.Now()
	plan, err := t.member.Resource.Plan(ctx, s)
	e.rendered(t, began, err)
	return plan, err
}

// learn stores what a render read. After a failed render the old reads stay
// too, so that whatever repairs it wakes the resource again. What changed
// meanwhile and is not among the reads needs no render; where checks follow,
// nobody knows before these are done.
func (e *Engine) learn(t *task, p *resource.Plan, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t.status.Renders++
	if err != nil {
		t.status.FailedRenders++
	}
	if t.gone {
		return
	}
	reads := p.Reads
	if t.broken = err != nil; t.broken {
		reads = reads.Union(t.good) // and not with those of all failures before: a guest could ask for other names each time
	} else {
		t.plan, t.good = p, p.Reads
	}
	if t.asked != nil {
		reads = reads.Union(*t.asked)
	}
	e.knows(t, reads)
	if !t.member.Resource.Checked() {
		e.shut(t)
	}
}

// learnChecks stores what checks read, beside what the render did: a key that
// only a check read may be the one that makes it accept the file.
func (e *Engine) learnChecks(t *task, asked kv.ReadSet) {
	t.asked = &asked
	e.knows(t, t.good.Union(asked))
}

func (e *Engine) knows(t *task, reads kv.ReadSet) {
	if reads.Equal(t.reads) { // most renders read what the one before did
		return
	}
	if !e.oneShot { // nothing will change
		t.source.index.learn(t, t.reads, reads)
	}
	t.reads = reads
}

// shut is for a task whose reads are known: of what came meanwhile only what
// touches them stays.
func (e *Engine) shut(t *task) {
	if t.waits && t.reason == "keys" {
		t.changes = altering(t.reads, t.changes, t.from, t.source.snapshot)
		t.waits = len(t.changes) > 0
	}
	delete(e.open, t)
}

// altering is those of the changes from old to next that can alter a render.
func altering(reads kv.ReadSet, changes []kv.Change, old, next *kv.Snapshot) (kept []kv.Change) {
	for _, c := range changes {
		if reads.Alters(c, old, next) {
			kept = append(kept, c)
		}
	}
	return kept
}

// finish notes how a run ended and when the task is to be looked at again.
func (e *Engine) finish(t *task, out resource.Outcome, j job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.opt.Now()
	t.running = false
	e.running--
	t.pace.end(now)
	e.note(t, out, j, now)
	if t.gone {
		return
	}
	if out.Asked != nil {
		e.learnChecks(t, *out.Asked)
	}
	if _, open := e.open[t]; open {
		e.shut(t)
	}
	if out.State != resource.Failed {
		t.retry.Reset()
	}
	switch {
	case t.waits:
		e.schedule(t, e.dueOf(t))
	case out.State == resource.Failed && mendable(out.Err, t.reads):
		e.schedule(t, now.Add(t.retry.NextBackOff()))
	case !out.Wake.IsZero():
		e.schedule(t, out.Wake)
	}
	if t.reload != nil {
		if out.Reload {
			t.reload.want(now)
		}
		e.scheduleReload(t.reload)
	}
}

// mendable tells whether trying again can help although no key changes. A
// render that looked at keys alone fails in the same way until one does.
func mendable(err error, reads kv.ReadSet) bool {
	var p *problem.Problem
	if len(reads.World()) > 0 || !errors.As(err, &p) {
		return true
	}
	switch p.Code {
	case problem.KeyMissing, problem.KeyDenied, problem.TemplateParse, problem.TemplateRender, problem.GuestFailed, problem.GuestFuel, problem.FormatInvalid:
		return false
	}
	return true
}

func (e *Engine) newRetry() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{InitialInterval: time.Second, Multiplier: 2, MaxInterval: time.Minute, RandomizationFactor: 0.2}
	if e.opt.Steady {
		b.RandomizationFactor = 0
	}
	return b
}
