package testrun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	wconf "github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/wasm"
)

// record is what happened in one step.
type record struct {
	number int
	total  int // steps of the case
	step   Step
	path   []string

	before []byte // at the destination
	stood  bool

	renders  int
	fresh    *resource.Plan // rendered and not checked yet
	reads    kv.ReadSet     // of the last render, and of the checks after it
	decision string         // the last that was made about the reload
	judged   bool
	changed  []string    // keys of the last judgement
	leaves   []gate.Leaf // of the last judgement
	written  bool
	drift    bool
	commands []ran
	guest    wasm.Stats
	invoked  int // guests
	log      []string
	said     []string // by guests
}

// title is how failures name the step; empty in a case of one step.
func (r *record) title() string {
	if r == nil || r.total == 0 {
		return ""
	}
	if r.number < 0 {
		return "end"
	}
	t := fmt.Sprintf("step %d", r.number+1)
	if r.step.After > 0 {
		t += fmt.Sprintf(" (+%s)", r.step.After)
	}
	if r.step.Do != "" {
		t += " " + r.step.Do
	}
	return t
}

func (p *play) planned(plan *resource.Plan, err error) {
	p.step.renders++
	p.step.reads = plan.Reads
	if err == nil {
		p.plan, p.step.fresh = plan, plan
	}
	p.world.markRead(plan.Reads)
}

func (p *play) judged(g *gate.Gate, in gate.Input, v gate.Verdict) {
	p.step.judged = true
	p.step.changed = slices.Concat(in.Added, in.Removed, in.Updated)
	slices.Sort(p.step.changed)
	if g == nil {
		return
	}
	p.world.markKeys(g.Reads())
	if leaves, err := g.Explain(p.ctx, in); err == nil {
		p.step.leaves = leaves
	}
}

func (p *play) applied(out resource.Outcome) {
	if out.Asked != nil {
		p.step.reads = p.step.reads.Union(*out.Asked)
		p.world.markRead(*out.Asked)
	}
	p.step.written = p.step.written || out.Written
	p.step.drift = p.step.drift || out.Reason == "drift"
	switch {
	case out.State == resource.Held:
		p.step.decision = "hold"
	case out.Skipped:
		p.step.decision = "skip"
	}
}

func (p *play) ran(c ran) {
	p.step.commands = append(p.step.commands, c)
	switch {
	case c.name != reloadCmd:
	case c.err != nil:
		p.step.decision = "failed"
	default:
		p.step.decision = "now"
		p.total++
	}
}

// guestUsed adds up what guests use.
func (p *play) guestUsed(s wconf.GuestUse) {
	g := &p.step.guest
	if p.replays {
		return
	}
	p.step.invoked++
	g.Fuel += s.Fuel
	g.Time += s.Time
	g.Memory = max(g.Memory, s.Memory)
	g.Denied = append(g.Denied, s.Denied...)
	if g.Calls == nil {
		g.Calls = map[string]uint64{}
	}
	for name, n := range s.Calls {
		g.Calls[name] += n
	}
}

// draft renders once more, past the daemon.
func (p *play) draft(s *kv.Snapshot, sc kv.Scope) (*resource.Plan, error) {
	p.replays = true
	defer func() { p.replays = false }()
	plan, err := p.rt.Draft(p.ctx, p.name, s, sc)
	return plan, err
}

// status is how the resource stands.
func (p *play) status() engine.Status {
	if p.rt == nil {
		return engine.Status{}
	}
	for _, s := range p.rt.Status() {
		return s
	}
	return engine.Status{}
}

// trouble is the error that stands now, nil for none.
func (p *play) trouble() error {
	if p.rt == nil {
		return nil
	}
	if wrong := p.rt.Problems(); len(wrong) > 0 {
		return p.placed(wrong[0])
	}
	s := p.status()
	if s.State == resource.Guarded {
		return &problem.Problem{Code: problem.Guarded, Msg: "the guard refused the new content: " + s.Last.Why}
	}
	if s.Err != nil && (errors.Is(s.Err, context.DeadlineExceeded) || errors.Is(s.Err, context.Canceled)) && p.ctx.Err() != nil {
		return nil // the case itself took too long, and that is told
	}
	return s.Err
}

// markRead notes which of the fixture's keys a render depends on.
func (w *world) markRead(reads kv.ReadSet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k := range w.unread {
		if reads.Touches(kv.Change{Key: k}) {
			delete(w.unread, k)
		}
	}
}

// markKeys does the same for a condition, which names keys below the prefix.
func (w *world) markKeys(r gate.Reads) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range slices.Concat(r.Keys, r.Globs) {
		fixed, _, special := strings.Cut(l.Text, "*")
		for k := range w.unread {
			key := strings.TrimPrefix(k, w.scope.Prefix())
			if key == l.Text || special && strings.HasPrefix(key, fixed) {
				delete(w.unread, k)
			}
		}
	}
}
