package testrun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	wconf "github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
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

var errAway = errors.New("the store is away (backend-down)")

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

// do makes happen what a step is about.
func (p *play) do(what string, content *string) {
	if p.rt == nil && slices.Contains([]string{"tick", "reload", "restart", "template-edit"}, what) {
		p.fault("nothing runs, so there is no %s", what)
		return
	}
	switch what {
	case "start":
		p.start()
	case "tick":
		p.rt.Tick()
	case "reload":
		p.rt.Reload()
	case "restart":
		p.rt.Close() //nolint:errcheck // it has no store
		p.rt = nil
		p.start()
	case "backend-down":
		if p.rt != nil {
			if p.fed {
				p.rt.Feed(backend.Batch{}) // it was there until now
			}
			p.rt.Lose(errAway)
		}
		p.down = true
	case "backend-up":
		p.down = false
		p.feedAll()
	case "template-edit":
		p.edited[p.conf.Path(p.conf.Src)] = []byte(*content)
		p.rt.Reload()
	case "edit-dest":
		p.disk.put(p.conf.Dest, []byte(*content))
		p.look()
	case "remove-dest":
		if !p.disk.remove(p.conf.Dest) {
			p.fault("there is no %s to remove", p.conf.Dest)
		}
		p.look()
	case "disk-full":
		p.disk.setFull(true)
	}
}

func (p *play) look() {
	if p.rt != nil {
		p.rt.Tick()
	}
}

// start opens the runtime as a daemon that begins.
func (p *play) start() {
	rt, err := p.world.open(wconf.Options{
		Log: p.journal.logger(), Stager: p.disk, Commands: p.commands, Now: p.clock.Now,
		World:  p.machine(&p.clock, p.disk, p.res.warn),
		Daemon: config.Daemon{StateDir: p.stateDir()},
	}, wconf.Offline{
		ReadFile:  p.readSource,
		Observer:  resource.Observer{Planned: p.planned, Judged: p.judged, Applied: p.applied},
		GuestUsed: p.guestUsed,
	})
	if err != nil {
		p.fault("the resource does not open: %v", err)
		return
	}
	p.rt = rt
	p.rt.Sweep()
	p.fed = false
	if p.down {
		p.rt.Lose(errAway)
		return
	}
	p.feedAll()
}

// stateDir is where a daemon that restarts finds what it knew; a case that does
// not restart needs none.
func (p *play) stateDir() string {
	restarts := slices.ContainsFunc(p.row.Steps, func(s Step) bool { return s.Do == "restart" })
	if restarts && p.state == "" {
		dir, err := os.MkdirTemp("", "wconf-test-")
		if err != nil {
			p.fault("no state directory: %v", err)
		}
		p.state = dir
	}
	return p.state
}

func (p *play) readSource(path string) ([]byte, error) {
	if content, ok := p.edited[path]; ok {
		return content, nil
	}
	return p.world.read(path)
}

// feedAll hands everything that the store holds to the cache.
func (p *play) feedAll() {
	if p.rt == nil || p.down {
		return
	}
	all := make([]kv.Pair, 0, len(p.keys))
	for k, v := range p.keys {
		all = append(all, kv.Pair{Key: k, Value: v})
	}
	p.rt.Feed(backend.Batch{Full: true, Puts: all})
	p.fed = true
}

// change is one step of the store's history. A delete takes a key and
// everything below it.
func (p *play) change(set map[string]string, del, path []string) {
	var b backend.Batch
	for i, k := range del {
		gone := p.below(p.scope.Prefix() + k)
		if len(gone) == 0 {
			p.faultAt(append(slices.Clone(path), "delete", fmt.Sprint(i)), "there is no key %s to delete", k)
		}
		b.Deletes = append(b.Deletes, gone...)
	}
	for _, k := range b.Deletes {
		delete(p.keys, k)
	}
	for k, v := range set {
		b.Puts = append(b.Puts, kv.Pair{Key: p.scope.Prefix() + k, Value: v})
		p.keys[p.scope.Prefix()+k] = v
	}
	if p.rt != nil && !p.down && len(b.Puts)+len(b.Deletes) > 0 {
		p.rt.Feed(b)
	}
}

func (p *play) below(key string) (found []string) {
	for k := range p.keys {
		if k == key || strings.HasPrefix(k, key+"/") {
			found = append(found, k)
		}
	}
	return found
}

// fault is a step that cannot be done.
func (p *play) fault(format string, args ...any) { p.faultAt(p.step.path, format, args...) }

func (p *play) faultAt(path []string, format string, args ...any) {
	p.res.fail(Failure{Place: p.file.place(path...), Step: p.step.title(), Msg: fmt.Sprintf(format, args...)})
}
