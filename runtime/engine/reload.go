package engine

import (
	"context"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wconf/wconf/runtime/resource"
)

// straggler is how long a reload that is due waits for the other resources of
// its command.
const straggler = time.Second

// atOnce is before everything that waits: a reload whose resources are all
// applied runs before the next resource is looked at, as in confd.
var atOnce = time.Unix(0, 0)

// reload is one reload command and the resources that share it. It runs once
// per pass: after the last of them has been applied, or after a second.
type reload struct {
	key     string
	members []*task
	due     time.Time
	at      int
	running bool

	wanted time.Time // since when it is due; zero: it is not
	retry  backoff.BackOff
}

func (rl *reload) dueAt() time.Time   { return rl.due }
func (rl *reload) setDue(d time.Time) { rl.due = d }
func (rl *reload) rank() int          { return -1 }
func (rl *reload) place() *int        { return &rl.at }

// want says that the service has to load what stands at a destination.
func (rl *reload) want(now time.Time) {
	if rl.wanted.IsZero() {
		rl.wanted = now
	}
}

// scheduleReload decides when a reload runs.
func (e *Engine) scheduleReload(rl *reload) {
	switch {
	case rl.running:
	case rl.wanted.IsZero():
		e.schedule(rl, time.Time{})
	case rl.busy(rl.wanted.Add(straggler)):
		e.schedule(rl, rl.wanted.Add(straggler))
	default:
		e.schedule(rl, atOnce)
	}
}

// busy tells whether a resource of the command will be applied before end.
func (rl *reload) busy(end time.Time) bool {
	for _, t := range rl.members {
		if t.running || t.waits && !t.due.IsZero() && t.due.Before(end) {
			return true
		}
	}
	return false
}

// beginReload settles what runs against what is on disk now; what a resource
// writes while the command runs is owed anew.
func (e *Engine) beginReload(ctx context.Context, rl *reload) func() {
	e.schedule(rl, time.Time{})
	rl.running, rl.wanted = true, time.Time{}
	e.running++
	members := slices.Clone(rl.members)
	return func() {
		var debts []resource.Debt
		required := false
		for _, t := range members {
			if d, ok := t.member.Resource.Debt(); ok {
				debts = append(debts, d)
				required = required || d.Required
			}
		}
		if !required {
			e.endReload(rl, nil, nil)
			return
		}
		result := members[0].member.Resource.Reload(ctx)
		result.At = e.opt.Now()
		for _, d := range debts {
			if err := d.Settle(result); err != nil {
				e.log.Warn("the state could not be kept", "resource", d.Resource().ID(), "err", err)
			}
		}
		e.endReload(rl, &result, debts)
	}
}

// endReload notes how a reload ended. After a failure its resources are looked
// at again after a while: their conditions may say when the next try is.
func (e *Engine) endReload(rl *reload, result *resource.Reloaded, debts []resource.Debt) {
	e.mu.Lock()
	defer e.mu.Unlock()
	rl.running = false
	e.running--
	if result != nil {
		e.settled(rl, *result, debts)
	}
	e.scheduleReload(rl)
}

func (e *Engine) settled(rl *reload, result resource.Reloaded, debts []resource.Debt) {
	now, wait := e.opt.Now(), time.Duration(0)
	if result.Err == nil {
		rl.retry.Reset()
	} else {
		wait = rl.retry.NextBackOff()
	}
	var names []string
	for _, t := range rl.members {
		if !slices.ContainsFunc(debts, func(d resource.Debt) bool { return d.Resource() == t.member.Resource }) {
			continue
		}
		names = append(names, t.status.Resource)
		t.noteReload(result, now)
		if result.Err != nil && !t.waits && !t.running {
			t.look = true
			e.schedule(t, now.Add(wait))
		}
	}
	switch {
	case result.Err != nil && e.oneShot:
		e.log.Error("reload_cmd failed; the next run tries it again", "resources", names, "err", result.Err, "took", result.Took)
	case result.Err != nil:
		e.log.Error("reload_cmd failed; it will be tried again", "resources", names, "err", result.Err, "took", result.Took, "retry_in", wait)
	default:
		e.log.Info("reloaded", "resources", names, "took", result.Took)
	}
}
