package gate

import (
	"context"
	"time"

	"github.com/expr-lang/expr/vm"
)

// judgement is one question to a gate: its input, what it may still spend, and
// what it has found out. Its methods are the functions that conditions call.
type judgement struct {
	ctx context.Context // the caller's
	in  *Input
	now time.Time // Input.Now, or an instant ahead of it

	next         time.Time // the earliest change after now of what was read
	settledAfter time.Time // the latest change seen of things that change once

	steps, text int // left to spend
	slice       context.Context
	endSlice    context.CancelFunc
	slices      int // left after this one
	vm          vm.VM
	values      []truth     // of leaves that do not move with the clock
	reached     func(*leaf) // told of each leaf that is looked at; may be nil
	cache       cache
}

type truth byte

const (
	unknown truth = iota
	isFalse
	isTrue
)

// cache is what several leaves, or several instants, need.
type cache struct {
	changed []string
	lists   map[listKey][]string
}

func newJudgement(ctx context.Context, in *Input, leaves int) *judgement {
	j := &judgement{
		ctx: ctx, in: in, now: in.Now, settledAfter: in.Now,
		vm: vm.VM{MemoryBudget: MaxMemory}, values: make([]truth, leaves),
		slice: ctx, endSlice: func() {},
	}
	j.restart()
	return j
}

// slicesOfDeadline is how often a judgement may find that time has passed. The
// deadline is there for work without end, but a process also loses time when it
// does not run: on a busy host 20 ms and more, when its CPU quota is used up
// 100 ms. Such a pause ends one slice, however long it was.
const slicesOfDeadline = 5

// restart gives the judgement its whole deadline.
func (j *judgement) restart() {
	j.slices = slicesOfDeadline
	j.nextSlice()
}

func (j *judgement) nextSlice() {
	j.endSlice()
	j.slices--
	j.slice, j.endSlice = context.WithTimeout(j.ctx, Deadline/slicesOfDeadline)
}

// late is asked wherever work can grow: in loops and in long texts. What has
// none of them always ends, and is never too late.
func (j *judgement) late() error {
	if j.slice.Err() == nil {
		return nil
	}
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if j.slices == 0 {
		return errDeadline
	}
	j.nextSlice()
	return nil
}

// end frees what the judgement holds.
func (j *judgement) end() { j.endSlice() }

// evaluate is the value of a condition at j.now, with a fresh budget. No
// condition is true.
func (j *judgement) evaluate(n node) (bool, error) {
	if n == nil {
		return true, nil
	}
	j.next, j.steps, j.text = time.Time{}, MaxSteps, MaxText
	return n.eval(j)
}

func (j *judgement) known(l *leaf) (value, ok bool) {
	return j.values[l.index] == isTrue, j.values[l.index] != unknown
}

func (j *judgement) learn(l *leaf, v bool) {
	switch {
	case l.timed:
	case v:
		j.values[l.index] = isTrue
	default:
		j.values[l.index] = isFalse
	}
}

// run executes a leaf's program.
func (j *judgement) run(l *leaf) (bool, error) {
	v, err := j.vm.Run(l.program, environment(j, l.words))
	if err != nil {
		return false, l.failure(err)
	}
	b, ok := v.(bool)
	if !ok {
		return false, l.failure(errNotBool)
	}
	return b, nil
}

type recurrence bool

const (
	once  recurrence = false
	again recurrence = true // it will change back, for ever
)

// changesAt notes that something that was just read changes at an instant.
func (j *judgement) changesAt(t time.Time, r recurrence) {
	if !t.After(j.now) {
		return
	}
	if j.next.IsZero() || t.Before(j.next) {
		j.next = t
	}
	if r == once && t.After(j.settledAfter) {
		j.settledAfter = t
	}
}

// step is put before every pass through a predicate. The VM calls this one
// signature without reflection, and it knows no other way to fail than a panic,
// which the VM turns into an error.
func (j *judgement) step(...any) any {
	if j.steps--; j.steps < 0 {
		panic(errSteps)
	}
	if err := j.late(); err != nil {
		panic(err)
	}
	return nil
}

// spend pays for a text or list that a function makes.
func (j *judgement) spend(bytes int) error {
	if j.text -= bytes; j.text < 0 {
		return errText
	}
	return nil
}
