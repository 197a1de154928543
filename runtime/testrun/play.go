package testrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	wconf "github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/resource"
)

// play is one row on its way through its steps.
type play struct {
	*world
	row      *Row
	res      *Result
	goldens  *goldens
	update   Update
	clock    clock
	disk     *disk
	commands *fakeCommands
	journal  journal
	ctx      context.Context

	rt      *wconf.Runtime // nil before start
	state   string         // state directory, where a restart needs one
	keys    map[string]string
	down    bool
	fed     bool
	edited  map[string][]byte // templates that a step has changed
	replays bool              // what is rendered now is not the daemon's doing

	step  *record
	plan  *resource.Plan // the last good render
	total int            // reloads that worked
}

// playRow plays a row; what it finds goes into res.
func (r *runner) playRow(ctx context.Context, w *world, res *Result) {
	ctx, stop := context.WithTimeout(ctx, w.file.Timeout)
	defer stop()
	p := &play{
		world: w, row: res.row, res: res, goldens: &r.goldens, update: r.opt.Update, ctx: ctx,
		clock: clock{now: w.file.Clock}, disk: newDisk(w.seed),
		keys: maps.Clone(w.store.keys), edited: map[string][]byte{},
	}
	p.commands = &fakeCommands{clock: &p.clock, disk: p.disk, real: res.row.Run, stubs: map[string]*Stub{}, used: map[string]int{}, tell: p.ran}
	defer p.close()
	p.story()
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		res.fail(Failure{Place: res.row.place("name"), Msg: fmt.Sprintf("the case took longer than %s", w.file.Timeout)})
	}
}

func (p *play) close() {
	if p.rt != nil {
		p.rt.Close() //nolint:errcheck // it has no store
	}
	if p.state != "" {
		os.RemoveAll(p.state)
	}
}

// story plays the steps. A step that fails does not end it.
func (p *play) story() {
	row := p.row
	p.commands.stub(row.Stub)
	p.change(row.Set, row.Delete, row.path())
	steps, path := row.Steps, func(i int) []string { return row.path("step", fmt.Sprint(i)) }
	starts := slices.ContainsFunc(steps, func(s Step) bool { return s.Do == "start" })
	if len(steps) == 0 {
		steps, path = []Step{{Do: "start", Expect: row.Expect}}, func(int) []string { return row.path() }
	}
	if !starts && len(row.Steps) > 0 {
		p.begin(0, Step{Do: "start"}, row.path())
		p.do("start", nil)
		p.settle()
		p.judge(nil)
	}
	for i, s := range steps {
		if p.ctx.Err() != nil {
			return
		}
		p.play(i, s, path(i))
	}
	if len(row.Steps) > 0 && row.Expect != nil {
		p.step.path = row.path()
		p.expect(row.Expect)
	}
}

// play is one step: a fault that lasts over it begins, its time passes, then
// it does what it does and changes its keys.
func (p *play) play(i int, s Step, path []string) {
	p.begin(i, s, path)
	if s.Do == "backend-down" || s.Do == "disk-full" {
		p.do(s.Do, s.Text)
	}
	p.pass(s.After)
	p.commands.stub(s.Stub)
	if s.Do != "backend-down" && s.Do != "disk-full" {
		p.do(s.Do, s.Text)
	}
	p.change(s.Set, s.Delete, path)
	p.settle()
	p.judge(s.Expect)
	p.disk.setFull(false)
}

// begin opens the record of a step.
func (p *play) begin(i int, s Step, path []string) {
	p.step = &record{number: i, step: s, path: path, total: len(p.row.Steps)}
	p.step.before, p.step.stood = p.standing()
}

// standing is what the destination holds.
func (p *play) standing() ([]byte, bool) {
	content, stood, _ := p.disk.Read(p.conf.Dest) // memory never fails
	return content, stood
}

// pass lets virtual time pass, with everything that becomes due on the way.
func (p *play) pass(d time.Duration) {
	end := p.clock.Now().Add(d)
	for p.rt != nil && p.ctx.Err() == nil {
		next := p.rt.Step(p.ctx)
		p.check()
		if next.IsZero() || next.After(end) {
			break
		}
		p.clock.Set(next)
	}
	p.clock.Set(end)
	p.settle()
}

// settle does what is due now.
func (p *play) settle() {
	if p.rt != nil && p.ctx.Err() == nil {
		p.rt.Step(p.ctx)
		p.check()
	}
}
