package resource

import (
	"context"
	"strings"

	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
)

// judge asks reload_when whether the service has to load the new content, and
// whether it may do so now. Without a reload there is nothing to withhold.
func (a applying) judge(ctx context.Context) (gate.Verdict, error) {
	if a.parts.Condition == nil || a.ReloadKey() == "" {
		v := gate.Verdict{Decision: gate.Now}
		a.tell(nil, gate.Input{}, v)
		return v, nil
	}
	in := a.input(a.parts.Condition.Reads(), a.running, true)
	v, err := a.parts.Condition.Judge(ctx, in)
	a.tell(a.parts.Condition, in, v)
	if err != nil && ctx.Err() == nil && a.spec.ErrorReloads {
		a.parts.Log.Warn("the condition failed and on_error says reload", "resource", a.ID(), "err", err)
		return gate.Verdict{Decision: gate.Now}, nil
	}
	return v, err
}

// tell shows a judgement to the observer, with the changes that it is about.
func (a applying) tell(g *gate.Gate, in gate.Input, v gate.Verdict) {
	if a.parts.Observer.Judged == nil {
		return
	}
	if g == nil {
		in.Added, in.Removed, in.Updated = a.sorted(a.pending.changes)
	}
	a.parts.Observer.Judged(g, in, v)
}

// guard asks whether the new content may be written at all. It compares with
// the file on disk, not with what the service knows.
func (a applying) guard(ctx context.Context) (ok bool, why string, err error) {
	if a.parts.Guard == nil {
		return true, "", nil
	}
	standing, _ := a.staged.Old()
	base := content{bytes: standing, snapshot: a.running.snapshot, pairs: a.running.pairs}
	if a.written != nil {
		base.snapshot, base.pairs = a.written.Snapshot, nil
	}
	ok, err = a.parts.Guard.Allows(ctx, a.input(a.parts.Guard.Reads(), base, false))
	return ok, a.spec.GuardText, err
}

// input is what a condition sees: the new content beside base. Where base is
// what the service runs, the changes that are pending are those between the
// two, and nothing has to be compared; a scope can have many keys.
func (a applying) input(reads gate.Reads, base content, running bool) gate.Input {
	in := gate.Input{
		Now: a.cause.Now, Resource: a.ID(), Reason: a.cause.Reason,
		First: !a.applied, Drift: a.cause.Reason == "drift",
		Last:    gate.Reload{At: a.last.at, Exit: a.last.exit, OK: a.last.failures == 0, Failures: a.last.failures, Count: a.last.count},
		History: a.last.history,
		Pending: gate.Pending{Events: a.pending.events, Since: a.pending.first, Latest: a.pending.latest},
		Check:   gate.Check{Ran: !none(a.spec.Check) || len(a.parts.Checkers) > 0, OK: true},
		Labels:  a.parts.Labels,
	}
	compare := base.pairs != nil || !running && reads.Changes
	if compare || reads.Pairs {
		in.Old, in.New = base.pairs, a.pairs(a.plan.Snapshot)
		if base.pairs == nil {
			in.Old = a.pairs(base.snapshot)
		}
	}
	if compare {
		in.Added, in.Removed, in.Updated = gate.Changes(in.Old, in.New)
	} else {
		in.Added, in.Removed, in.Updated = a.sorted(a.pending.changes)
	}
	if reads.Bytes {
		in.Diff = gate.Compare(base.bytes, a.plan.Content, gate.CommentsOf(a.Dest()))
	}
	return in
}

// pairs is everything the resource sees of a snapshot, by keys relative to its
// prefix.
func (r *Resource) pairs(s *kv.Snapshot) map[string]string {
	pairs := map[string]string{}
	if s == nil {
		return pairs
	}
	for _, root := range r.spec.Scope.Roots() {
		for k, v := range s.Under(root) {
			pairs[strings.TrimPrefix(k, r.spec.Scope.Prefix())] = v
		}
	}
	return pairs
}

// sorted puts changes in the three lists that conditions know.
func (r *Resource) sorted(changes []kv.Change) (added, removed, updated []string) {
	for _, c := range changes {
		key := strings.TrimPrefix(c.Key, r.spec.Scope.Prefix())
		switch {
		case c.Old == nil:
			added = append(added, key)
		case c.New == nil:
			removed = append(removed, key)
		default:
			updated = append(updated, key)
		}
	}
	return added, removed, updated
}
