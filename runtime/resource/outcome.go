package resource

import (
	"errors"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// State is how a resource stands. README has the table of the seven.
type State uint8

const (
	InSync  State = iota // the destination is what the keys say, and the service knows it
	Held                 // a reload waits for its time
	Owed                 // a reload must still happen
	Guarded              // the guard refused the new content
	Stale                // the store is away; what it last said stands
	Failed               // a step failed; the old file stands
	Paused               // an operator stopped it
)

var states = [...]string{"in sync", "held", "owed", "guarded", "stale", "failed", "paused"}

func (s State) String() string { return states[s] }

// Cause is why a resource is applied.
type Cause struct {
	Changes []kv.Change // since it was last planned, full keys
	Reason  string      // "keys", "template", "interval", "startup" or "retry"
	Now     time.Time
	// Snapshot is the newest, for the checks: keys that only they read may have
	// changed since the plan was made. Nil: the plan's.
	Snapshot *kv.Snapshot
}

// Outcome is how applying ended.
type Outcome struct {
	State   State
	Step    string    // Failed: stage, check, guard, condition or swap
	Err     error     // Failed: why
	Dest    string    //
	Reason  string    // as conditions see it: Cause.Reason, or "drift"
	Written bool      // the destination was replaced
	InPlace bool      // it is a mount point and was written in place
	Differs bool      // the destination is not as planned: nothing was written
	Noop    bool      // for that was asked for
	Reload  bool      // the service has to load what stands at the destination
	Skipped bool      // the condition says that this change is not worth a reload
	Wake    time.Time // look again then; zero: at the next change
	Why     string    // Held, Guarded: the condition's text
	// Asked is what checks looked at, as far as they were asked; nil: none was.
	Asked *kv.ReadSet
}

// Verb says an outcome in a word, for the log.
func (o Outcome) Verb() string {
	switch {
	case o.State == Held && o.Written:
		return "written, reload held"
	case o.Written && o.Skipped:
		return "written, reload skipped"
	case o.Written:
		return "written"
	}
	return o.State.String()
}

// failed is the outcome of a step that went wrong. An error that has no code
// yet gets the one of its step. A reload that was owed before is owed still.
func (r *Resource) failed(step, code string, err error) Outcome {
	var p *problem.Problem
	if !errors.As(err, &p) {
		err = &problem.Problem{Code: code, Msg: err.Error(), Err: err}
	}
	return Outcome{State: Failed, Step: step, Err: err, Dest: r.Dest(), Reload: r.owed && !r.held}
}
