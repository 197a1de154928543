package resource

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/stage"
)

// Missed is the outcome of a render that failed: it notes the changes, so that
// the next condition that is judged knows them.
func (r *Resource) Missed(c Cause, err error) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending.add(c)
	return r.failed("render", problem.TemplateRender, err)
}

// Apply brings a destination to what p says: stage, check, guard, judge, swap.
// Where a step fails the old file stands. The reload itself is the engine's to
// start (Outcome.Reload), for several resources may share one.
func (r *Resource) Apply(ctx context.Context, p *Plan, c Cause) Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.apply(ctx, p, c)
	r.applied = true
	if r.parts.Observer.Applied != nil {
		r.parts.Observer.Applied(out)
	}
	return out
}

func (r *Resource) apply(ctx context.Context, p *Plan, c Cause) Outcome {
	r.pending.add(c)
	staged, err := r.parts.Stager.Stage(ctx, r.spec.Target, p.Content)
	if err != nil {
		return r.failed("stage", problem.StageFailed, err)
	}
	defer staged.Discard() //nolint:errcheck // what is left behind is swept at the next start
	r.recall(staged)
	a := applying{r, p, c, staged}
	if staged.Difference().None() {
		return a.standing(ctx)
	}
	if r.disk == p.Hash && (staged.Difference().Content || staged.Difference().Missing) {
		a.cause.Reason = "drift"
	}
	if r.spec.Noop || a.cause.Reason == "drift" && r.spec.ReportDrift {
		return Outcome{Dest: r.Dest(), Reason: a.cause.Reason, Differs: true, Noop: r.spec.Noop}
	}
	unlock, err := a.lock(ctx)
	if err != nil {
		return r.failed("stage", problem.Busy, err)
	}
	defer unlock()
	return a.replace(ctx)
}

// applying is one plan on its way to the destination.
type applying struct {
	*Resource
	plan   *Plan
	cause  Cause
	staged stage.Staged
}

// standing is for a destination that already is as planned: all that can be
// left to do is a reload that is owed. The condition can still hold it, but no
// more skip it: it was open when the content was written, or was to open.
func (a applying) standing(ctx context.Context) Outcome {
	a.disk = a.plan.Hash
	out := Outcome{Dest: a.Dest(), Reason: a.cause.Reason}
	if !a.owes() {
		if a.running.hash == a.plan.Hash { // other keys, same file: the service knows it all
			a.running.snapshot, a.pending = a.plan.Snapshot, pending{}
		}
		return out
	}
	a.written = a.plan
	v, err := a.judge(ctx)
	if err != nil {
		return a.failed("condition", problem.Condition, err)
	}
	if v.Decision == gate.Hold {
		a.held, out.State, out.Wake, out.Why = true, Held, v.Wake, a.spec.ConditionText
		return out
	}
	a.held, out.State, out.Reload = false, Owed, true
	return out
}

// replace is for a destination that is not as planned.
func (a applying) replace(ctx context.Context) Outcome {
	asked, err := a.Vet(ctx, a.plan, cmp.Or(a.cause.Snapshot, a.plan.Snapshot))
	if err == nil {
		err = a.checkCommand(ctx)
	}
	var out Outcome
	if err != nil {
		out = a.failed("check", problem.CheckFailed, err)
	} else {
		out = a.checked(ctx)
	}
	out.Asked = asked
	return out
}

// checked is for new content that nobody refuses but, perhaps, the guard.
func (a applying) checked(ctx context.Context) Outcome {
	out := Outcome{Dest: a.Dest(), Reason: a.cause.Reason}
	if ok, why, err := a.guard(ctx); err != nil {
		return a.failed("guard", problem.Condition, err)
	} else if !ok {
		out.State, out.Why, out.Differs = Guarded, why, true
		return out
	}
	v, err := a.judge(ctx)
	if err != nil {
		return a.failed("condition", problem.Condition, err)
	}
	if v.Decision == gate.Hold {
		a.held, out.State, out.Wake, out.Why = true, Held, v.Wake, a.spec.ConditionText
		if !a.spec.HeldNew && !v.OnlyInterval {
			out.Differs = true
			return out
		}
	}
	return a.swap(v, out)
}

// Vet asks those who may refuse a plan's content without running a command:
// output_format, and checks, which see the keys of s. It comes with what checks
// looked at, also beside an error; nil when none was asked.
func (r *Resource) Vet(ctx context.Context, p *Plan, s *kv.Snapshot) (*kv.ReadSet, error) {
	if r.spec.OutputFormat != "" {
		if err := r.parts.Format(r.spec.OutputFormat, p.Content); err != nil {
			return nil, &problem.Problem{Code: problem.FormatInvalid, Msg: fmt.Sprintf("output format validation failed (%s): %v", r.spec.OutputFormat, err), Err: err}
		}
	}
	if r.spec.SyncOnly || len(r.parts.Checkers) == 0 {
		return nil, nil
	}
	v := kv.NewView(s, r.spec.Scope)
	var err error
	for _, c := range r.parts.Checkers {
		if err = c.Check(ctx, v, p.Content); err != nil {
			break
		}
	}
	asked := v.Reads()
	return &asked, err
}

// checkCommand runs check_cmd. A command that does not name {{.src}} reads the
// destination itself; it sees the new content there, in a mount namespace of
// its own, while everybody else sees the old.
func (a applying) checkCommand(ctx context.Context) error {
	if a.spec.SyncOnly || none(a.spec.Check) {
		return nil
	}
	c := a.spec.Check
	c.Src, c.Dest = a.staged.Path(), a.Dest()
	if !c.HasSrc() {
		c.Overlays = []command.Overlay{{File: c.Src, Over: c.Dest}}
	}
	result, err := a.parts.Commands.Run(ctx, c)
	if errors.Is(err, command.ErrNoNamespace) {
		c.Overlays = nil
		err = a.staged.CheckInPlace(func() (err error) {
			result, err = a.parts.Commands.Run(ctx, c)
			return err
		})
	}
	a.logOutput("check_cmd", result, err, a.plan.Snapshot)
	if err != nil {
		return &problem.Problem{Code: problem.CheckFailed, Msg: fmt.Sprintf("config check failed: check_cmd: %v", err), Err: err}
	}
	return nil
}

// swap commits the content, together with the debt where a reload must follow.
func (a applying) swap(v gate.Verdict, out Outcome) Outcome {
	debt := v.Decision != gate.Skip && a.ReloadKey() != ""
	if err := a.commit(debt); err != nil {
		return a.failed("swap", problem.StageFailed, err)
	}
	swapped, err := a.staged.Swap()
	if err != nil {
		return a.failed("swap", problem.StageFailed, err)
	}
	a.disk, a.written, a.stagedAt = a.plan.Hash, a.plan, a.staged.Path()
	out.Written, out.InPlace, out.Skipped = true, swapped.InPlace, v.Decision == gate.Skip
	switch {
	case !debt && v.Decision != gate.Skip: // nobody to tell
		a.knows(a.plan)
	case v.Decision == gate.Now:
		a.held, out.State, out.Reload = false, Owed, true
	}
	if err := a.keep(); err != nil {
		a.parts.Log.Warn("the state could not be kept", "resource", a.ID(), "err", err)
	}
	return out
}
