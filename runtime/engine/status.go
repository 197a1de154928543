package engine

import (
	"time"

	"github.com/wconf/wconf/runtime/resource"
)

// Status is how one resource stands.
type Status struct {
	Resource string
	State    resource.State
	Step     string    // Failed: at which step
	Err      error     // Failed, Owed: why
	Since    time.Time // of the state; zero: it was not looked at yet
	Wake     time.Time // Held: when it is looked at again; zero: at the next change
	Last     resource.Outcome
	Counts
}

// Status is how the resources stand, in the order of their files.
func (e *Engine) Status() []Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]Status, 0, len(e.tasks))
	for _, t := range e.tasks {
		all = append(all, t.status)
	}
	return all
}

// note takes an outcome into the status, and says it in the log: once, not at
// every try.
func (e *Engine) note(t *task, out resource.Outcome, j job, now time.Time) {
	s := &t.status
	same := s.State == out.State && s.Step == out.Step && text(s.Err) == text(out.Err)
	if !same || s.Since.IsZero() {
		s.Since = now
	}
	s.State, s.Step, s.Err, s.Wake, s.Last = out.State, out.Step, out.Err, out.Wake, out
	if out.Written {
		s.Writes++
	}
	log, took := e.log.With("resource", s.Resource), now.Sub(j.at)
	switch {
	case out.State == resource.Failed && same:
		log.Debug("still not applied", "step", out.Step, "err", out.Err)
	case out.State == resource.Failed:
		log.Error("not applied; the old file stands", "step", out.Step, "err", out.Err)
	case out.State == resource.Guarded && !same:
		log.Warn("guard refused the new content; the old file stands", "keys", len(j.changes), "why", out.Why)
	case out.State == resource.Held && !same:
		log.Info("reload held", "written", out.Written, "wake", out.Wake, "why", out.Why)
	case out.Noop:
		log.Warn("Noop mode enabled. The destination will not be modified", "dest", out.Dest)
	case out.Written:
		log.Info("updated", "dest", out.Dest, "reason", out.Reason, "keys", len(j.changes), "outcome", out.Verb(), "took", took)
	default:
		log.Debug("in sync", "reason", j.reason, "took", took)
	}
}

// noteReload takes the end of a reload into the status, unless something newer
// stands there.
func (t *task) noteReload(result resource.Reloaded, now time.Time) {
	s := &t.status
	if result.Err == nil {
		s.Reloads++
	} else {
		s.FailedReloads++
	}
	if s.State != resource.Owed && s.State != resource.InSync {
		return
	}
	s.State, s.Step, s.Err, s.Since = resource.InSync, "", nil, now
	if result.Err != nil {
		s.State, s.Step, s.Err = resource.Owed, "reload", result.Err
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
