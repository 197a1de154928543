package gate

import (
	"context"
	"errors"
	"time"
)

// Decision is what to do about a change.
type Decision int

const (
	Hold Decision = iota // write and reload later, see Verdict.Wake
	Skip                 // accept the change without a reload
	Now                  // reload
)

func (d Decision) String() string {
	switch d {
	case Now:
		return "now"
	case Skip:
		return "skip"
	}
	return "hold"
}

// Verdict is a decision and what the engine needs to carry it out. The zero
// value changes nothing: it holds.
type Verdict struct {
	Decision Decision
	// Wake is when a held change must be judged again: the first instant at
	// which the condition is true if nothing else happens. Only when looking
	// ahead took too long it is an earlier one. Zero unless Decision is Hold.
	Wake time.Time
	// OnlyInterval says that nothing but min_reload_interval holds the reload,
	// so that the file is written at once.
	OnlyInterval bool
}

// errNoTime is a mistake of the caller.
var errNoTime = errors.New("judge condition: Input.Now is not set")

// Judge decides about a change: true is Now; false is Hold when the condition
// will become true by the passing of time alone, and Skip when it will not.
//
// An error (a *problem.Problem with the code problem.Condition, or ctx's) comes
// with a Hold without Wake; the caller tries again at the next event.
func (g *Gate) Judge(ctx context.Context, in Input) (Verdict, error) {
	j, err := g.begin(ctx, in)
	if err != nil {
		return Verdict{}, err
	}
	defer j.end()
	open, err := j.evaluate(g.root)
	switch {
	case err != nil:
		return Verdict{}, j.cause(err)
	case open:
		return Verdict{Decision: Now}, nil
	}
	only := g.interval && j.holdsNow(g.rest)
	wake := j.wake(g.root, true)
	if wake.IsZero() {
		return Verdict{Decision: Skip}, nil
	}
	return Verdict{Decision: Hold, Wake: wake, OnlyInterval: only}, nil
}

// Allows is the answer of a guard: whether the condition is true now.
func (g *Gate) Allows(ctx context.Context, in Input) (bool, error) {
	j, err := g.begin(ctx, in)
	if err != nil {
		return false, err
	}
	defer j.end()
	open, err := j.evaluate(g.root)
	return open, j.cause(err)
}

func (g *Gate) begin(ctx context.Context, in Input) (*judgement, error) {
	if in.Now.IsZero() {
		return nil, errNoTime
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in = in.withoutFuture()
	return newJudgement(ctx, &in, len(g.leaves)), nil
}

// cause prefers the caller's own reason to stop.
func (j *judgement) cause(err error) error {
	if err != nil && j.ctx.Err() != nil {
		return j.ctx.Err()
	}
	return err
}

// holdsNow says whether a part of the condition is true; an error is not.
func (j *judgement) holdsNow(n node) bool {
	v, err := j.evaluate(n)
	return err == nil && v
}

// Bounds of looking ahead. Windows open and close for ever; when nothing else
// moves any more, two weeks of them show what they can do (two, because a
// window may fall into the hour that summer time skips).
const (
	lookAhead    = 15 * 24 * time.Hour
	maxLookAhead = 500 // instants
)

// wake finds the first instant at which a condition has a value that it does
// not have now, zero if time alone never brings that. It looks only at instants
// at which something that was just read changes: between them nothing moves.
// When it must give up (deadline, too many instants, an error that lies ahead)
// it answers the instant that it could not decide about.
func (j *judgement) wake(n node, want bool) time.Time {
	start := j.now
	defer func() { j.now = start }()
	if _, err := j.evaluate(n); err != nil {
		return time.Time{}
	}
	for range maxLookAhead {
		if j.next.IsZero() || j.next.Sub(j.settledAfter) > lookAhead {
			return time.Time{}
		}
		j.now = j.next
		if j.late() != nil {
			return j.now
		}
		if got, err := j.evaluate(n); err != nil || got == want {
			return j.now
		}
	}
	return j.now
}
