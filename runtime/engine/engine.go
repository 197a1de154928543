// Package engine is the flow: it routes each change of a store to the
// resources whose last render read the changed key, renders and applies them,
// and runs the reload commands that become due, each once for all resources
// that share it.
//
// One loop owns all decisions; what takes time runs beside it. The same loop
// runs inline, one thing after the other, for one-shot runs and for wconf
// test, where the clock is virtual.
package engine

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
)

// Source is where a resource's keys come from; a *cache.Cache is one.
type Source interface {
	Take() (cache.Update, bool)
}

// Member is a resource and the source of its keys.
type Member struct {
	Resource *resource.Resource
	Source   Source
}

// Options has a useful zero value.
type Options struct {
	// Interval is how often destinations are compared with what they should
	// be, and how often resources are rendered again that look at more than
	// keys. Zero: never.
	Interval time.Duration
	// Poll makes changes wait for the interval, as confd does without -watch.
	Poll bool
	// FailFast makes Once end at the first resource that fails.
	FailFast bool
	// Writers is how many destinations Once writes at one time. Zero: one for
	// each core.
	Writers int
	// Grace is how long a command that runs when the engine stops may go on.
	Grace time.Duration
	// Steady makes retries wait for exactly their time. Else chance moves them
	// by up to a fifth, so that many hosts do not try in one moment.
	Steady bool
	// Pulse is how often the loop of Run turns at least, so that others can
	// tell that it is not stuck. Zero: when there is something to do.
	Pulse    time.Duration
	Observer Observer
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	Log *slog.Logger // nil: discard
}

// Engine runs resources.
type Engine struct {
	opt  Options
	log  *slog.Logger
	kick chan struct{}

	crew  *crew
	slots *slots

	mu      sync.Mutex
	tasks   []*task // in the order of their files
	reloads map[string]*reload
	sources map[Source]*source
	queue   queue
	running int       // tasks and reloads
	oneShot bool      // Once moves it
	open    readers   // tasks whose read-set is out of date
	tick    time.Time // the next interval
	sleeps  time.Time // until when there is nothing to do
}

// source is what the engine knows of one store.
type source struct {
	snapshot *kv.Snapshot // nil before the first
	prefixes []string     // what it holds all keys of
	covers   kv.Scope     // the same
	index    *index
}

// covered tells whether a snapshot holds every key that a resource may see. A
// resource that is new, and whose keys have not been listed yet, has to wait:
// rendered now it would see them absent.
func (s *source) covered(t *task) bool {
	if s.snapshot == nil {
		return false
	}
	for _, root := range t.member.Resource.Scope().Roots() {
		if !s.covers.Grants(strings.TrimSuffix(root, "/")) {
			return false
		}
	}
	return true
}

// New makes an engine; Run, Once or Step move it.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{
		opt: o, log: o.Log,
		kick: make(chan struct{}, 1), crew: newCrew(), slots: newSlots(),
		reloads: map[string]*reload{}, sources: map[Source]*source{}, open: readers{},
	}
}

// Kick makes a running engine look at its sources. It never blocks.
func (e *Engine) Kick() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// Set says which resources there are. A member that was there before, by the
// same pointers, goes on as if nothing had happened; a new one is rendered as
// soon as its source has a snapshot.
func (e *Engine) Set(members []Member) {
	e.mu.Lock()
	defer e.mu.Unlock()
	known, before := map[Member]*task{}, map[string]*task{}
	for _, t := range e.tasks {
		known[t.member], before[t.status.Resource] = t, t
	}
	e.tasks = e.tasks[:0:0]
	for i, m := range members {
		t := known[m]
		delete(known, m)
		if t == nil {
			t = e.join(m, before[m.Resource.ID()])
		}
		t.order = i
		e.tasks = append(e.tasks, t)
	}
	for _, t := range known {
		e.leave(t)
	}
	e.Kick()
}

// join takes a member in; before is the one of its name that it replaces, nil
// for none.
func (e *Engine) join(m Member, before *task) *task {
	s := e.sources[m.Source]
	if s == nil {
		s = &source{index: newIndex()}
		e.sources[m.Source] = s
	}
	t := &task{member: m, source: s, at: -1, retry: e.newRetry(), status: Status{Resource: m.Resource.ID(), State: resource.InSync}}
	if key := m.Resource.ReloadKey(); key != "" {
		t.reload = e.reloads[key]
		if t.reload == nil {
			t.reload = &reload{key: key, at: -1, retry: e.newRetry()}
			e.reloads[key] = t.reload
		}
		t.reload.members = append(t.reload.members, t)
	}
	t.reason = "startup"
	if before != nil {
		t.reason, t.status.Counts = "template", before.status.Counts
	}
	if t.listed = s.covered(t); t.listed {
		e.offer(t, nil, t.reason)
	}
	return t
}

func (e *Engine) leave(t *task) {
	t.gone = true
	delete(e.open, t)
	e.schedule(t, time.Time{})
	t.source.index.forget(t, t.reads)
	if rl := t.reload; rl != nil {
		rl.members = slices.DeleteFunc(rl.members, func(m *task) bool { return m == t })
		if len(rl.members) == 0 {
			e.schedule(rl, time.Time{})
			delete(e.reloads, rl.key)
		}
	}
}

// Run moves the engine until ctx is done; then it waits for what runs, for as
// long as Options.Grace.
func (e *Engine) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := e.turn(work, everything, func(due []func()) {
			for _, do := range due {
				e.crew.run(func() { do(); e.rouse() })
			}
		})
		e.turned()
		timer.Reset(e.pulse(wait))
		select {
		case <-e.kick:
		case <-timer.C:
		case <-ctx.Done():
			time.AfterFunc(e.opt.Grace, stop)
			e.drain()
			return ctx.Err()
		}
	}
}

// maxRunning bounds what is under way at once: each holds a few descriptors.
const maxRunning = 128

// Step does, inline, everything that is due by Options.Now, and what becomes
// due by that. It returns the time at which there is more to do, zero for
// never. A virtual clock is moved by calling it again.
func (e *Engine) Step(ctx context.Context) time.Time {
	for {
		did := false
		wait := e.turn(ctx, one, func(due []func()) { did = true; due[0]() })
		if !did {
			if wait == forever {
				return time.Time{}
			}
			return e.opt.Now().Add(wait)
		}
	}
}

// How much of what is due a turn starts.
type share int

const (
	everything share = iota
	one
	neighbours // the first, and those behind it as long as all are without commands
)

const forever = 24 * time.Hour

// turn looks at the sources, starts what is due, or a share of it, and tells
// how long there is nothing to do.
func (e *Engine) turn(ctx context.Context, which share, start func(due []func())) time.Duration {
	e.mu.Lock()
	e.lookAtSources()
	e.lookAtInterval()
	var due []func()
	for now := e.opt.Now(); e.running < maxRunning && len(e.queue) > 0 && !e.queue[0].dueAt().After(now); {
		next := e.queue[0]
		if which == neighbours && len(due) > 0 && !quiet(next) {
			break
		}
		due = append(due, e.begin(ctx, next))
		if which == one || which == neighbours && !quiet(next) {
			break
		}
	}
	wait := forever
	if len(e.queue) > 0 && e.running < maxRunning { // else the end of one of them wakes the loop
		wait = e.queue[0].dueAt().Sub(e.opt.Now())
	}
	if e.opt.Interval > 0 && !e.tick.IsZero() {
		wait = min(wait, e.tick.Sub(e.opt.Now()))
	}
	e.sleeps = e.opt.Now().Add(wait)
	e.mu.Unlock()
	if len(due) > 0 {
		start(due)
	}
	return max(wait, 0)
}

// rouse wakes the loop when something has become due before it would look.
func (e *Engine) rouse() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) > 0 && e.queue[0].dueAt().Before(e.sleeps) {
		e.Kick()
	}
}

// quiet tells whether doing an item runs no command.
func quiet(i item) bool {
	t, ok := i.(*task)
	return ok && t.member.Resource.Quiet()
}
