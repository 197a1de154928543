package engine

import (
	"slices"
	"time"

	"github.com/wconf/wconf/runtime/kv"
)

// lookAtSources routes what the stores said since the last look.
func (e *Engine) lookAtSources() {
	for src, s := range e.sources {
		u, ok := src.Take()
		if !ok {
			continue
		}
		first, before := s.snapshot == nil, s.snapshot
		s.snapshot = u.Snapshot
		if first || !slices.Equal(s.prefixes, u.Prefixes) {
			s.prefixes, s.covers = u.Prefixes, kv.NewScope("", u.Prefixes)
			e.admit(s)
		}
		found := map[*task][]kv.Change{}
		s.index.readers(u.Changes, before, u.Snapshot, found)
		for t := range e.open {
			if t.source == s {
				found[t] = u.Changes
			}
		}
		for t, changes := range found {
			e.offer(t, changes, "keys")
		}
	}
}

// admit offers the resources whose keys have now been listed.
func (e *Engine) admit(s *source) {
	for _, t := range e.tasks {
		if t.source == s && !t.listed && s.covered(t) {
			t.listed = true
			e.offer(t, nil, t.reason)
		}
	}
}

// lookAtInterval makes everything due that is looked at now and then.
func (e *Engine) lookAtInterval() {
	if e.opt.Interval <= 0 {
		return
	}
	now := e.opt.Now()
	if e.tick.IsZero() {
		e.tick = now.Add(e.opt.Interval)
	}
	if !now.Before(e.tick) {
		e.tick = now.Add(e.opt.Interval)
		e.lookAll(now)
	}
}

// Look makes everything due that the interval would look at.
func (e *Engine) Look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lookAll(e.opt.Now())
	e.Kick()
}

func (e *Engine) lookAll(now time.Time) {
	for _, t := range e.tasks {
		if t.listed && !t.running {
			t.look = true
			e.schedule(t, now)
		}
	}
}
