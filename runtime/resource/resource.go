// Package resource is one rendered file: how it is planned from keys, how the
// plan is applied to its destination, and what its service still has to load.
//
// A resource decides nothing about time: the engine says when, and is told
// when to come back. It never changes a destination whose new content failed
// a check, and it never forgets a reload that must still happen.
package resource

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/stage"
)

// Spec is what a resource is; its fields are those of a [template] table
// (COMPAT of confd's documentation, "template resources").
type Spec struct {
	ID     string // its file below conf.d, without .toml
	Scope  kv.Scope
	Target stage.Target

	Check  command.Command // the zero value: no check_cmd
	Reload command.Command // the zero value: no reload_cmd

	OutputFormat  string
	ConditionText string // of reload_when and its sugar, for people
	GuardText     string
	Secrets       *kv.Secrets   // whose values are masked in the output of commands; nil: none are
	Debounce      time.Duration // quiet time before a render
	DebounceMax   time.Duration // longest wait after the first change
	HeldNew       bool          // while_held = "new": write at once what a condition holds back
	ErrorReloads  bool          // on_error = "reload": a condition that fails counts as true
	ReportDrift   bool          // on_drift = "report": only say that somebody edited the destination

	LockTimeout time.Duration // how long another wconf may keep the destination

	Noop     bool // compare, never write
	SyncOnly bool // write without check_cmd and reload_cmd
	Once     bool // a one-shot run: nothing comes back for what is held
}

// Parts is what a resource works with.
type Parts struct {
	Renderer  render.Renderer
	Filters   []render.Filter
	Checkers  []render.Checker
	Format    func(format string, content []byte) error // checks output_format
	Condition *gate.Gate                                // reload_when; nil: always
	Guard     *gate.Gate                                // nil: none
	Labels    map[string]string                         // of the host, for conditions
	Stager    Stager
	Commands  command.Runner
	Ledger    *ledger.Ledger
	Log       *slog.Logger
	Observer  Observer
}

// Observer is told what a resource does; wconf test is one. Its functions may
// be nil. They must not call the resource, which is locked meanwhile.
type Observer struct {
	Planned func(p *Plan, err error)
	// Judged is told of each judgement, also where there is no condition: then
	// g is nil.
	Judged  func(g *gate.Gate, in gate.Input, v gate.Verdict)
	Applied func(out Outcome)
}

// Stager is where destinations are; stage.Disk and stage.Dry are Stagers.
type Stager interface {
	stage.Stager
	stage.Destinations
}

// Resource is one rendered file. Plan, Apply, Reload and Debt may be called
// from several goroutines; applying happens one at a time.
type Resource struct {
	spec  Spec
	parts Parts

	mu sync.Mutex
	memory
	pending  pending
	inflight pending // what a reload that runs now will have settled
}

// New makes a resource; nothing is read or written yet.
func New(s Spec, p Parts) *Resource {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	return &Resource{spec: s, parts: p}
}

// Succeed takes over what an earlier version of the resource knew: what its
// service runs, what is pending, and what it owes.
func (r *Resource) Succeed(old *Resource) {
	if old.Dest() != r.Dest() {
		return
	}
	old.mu.Lock()
	defer old.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.memory, r.pending, r.inflight = old.memory, old.inflight.before(old.pending), pending{}
}

// ID is the resource's file below conf.d, without .toml.
func (r *Resource) ID() string { return r.spec.ID }

// Scope is which keys the resource sees.
func (r *Resource) Scope() kv.Scope { return r.spec.Scope }

// Dest is the path that the resource writes.
func (r *Resource) Dest() string { return r.spec.Target.Path }

// Debounce is the quiet time before a render and the longest wait for it; both
// are zero in a one-shot run.
func (r *Resource) Debounce() (quiet, longest time.Duration) {
	if r.spec.Once {
		return 0, 0
	}
	return r.spec.Debounce, r.spec.DebounceMax
}

// ReloadKey is the same for resources whose reload commands are the same;
// empty when there is none.
func (r *Resource) ReloadKey() string {
	if r.spec.SyncOnly || r.spec.Noop {
		return ""
	}
	c := r.spec.Reload
	if c.Shell != "" {
		return command.Expand(c.Shell, r.Dest(), r.Dest())
	}
	return strings.Join(c.Argv, "\x00")
}

// Quiet tells whether applying the resource runs no command.
func (r *Resource) Quiet() bool {
	return r.spec.SyncOnly || r.spec.Noop || none(r.spec.Check) && none(r.spec.Reload)
}

func none(c command.Command) bool { return c.Shell == "" && len(c.Argv) == 0 }

// Checked tells whether guests are asked before new content is written.
func (r *Resource) Checked() bool {
	return len(r.parts.Checkers) > 0 && !r.spec.SyncOnly && !r.spec.Noop
}

// Plan is what a snapshot would make of a resource. Making one touches
// nothing.
type Plan struct {
	Content  []byte
	Hash     string // hex SHA-256 of Content
	Reads    kv.ReadSet
	Snapshot *kv.Snapshot
}

// Plan renders. A plan comes with every error, too: it then holds no content,
// only what was read.
func (r *Resource) Plan(ctx context.Context, s *kv.Snapshot) (*Plan, error) {
	p, err := r.Draft(ctx, s, r.spec.Scope)
	if r.parts.Observer.Planned != nil {
		r.parts.Observer.Planned(p, err)
	}
	return p, err
}

// Draft is what Plan would make if the resource saw the keys of another scope.
func (r *Resource) Draft(ctx context.Context, s *kv.Snapshot, sc kv.Scope) (*Plan, error) {
	v := kv.NewView(s, sc)
	content, err := r.render(ctx, v)
	p := &Plan{Content: content, Reads: v.Reads(), Snapshot: s}
	if err != nil {
		p.Content = nil
		return p, err
	}
	sum := sha256.Sum256(content)
	p.Hash = hex.EncodeToString(sum[:])
	return p, nil
}

// render is the renderer, then the filters in their order.
func (r *Resource) render(ctx context.Context, v *kv.View) ([]byte, error) {
	content, err := r.parts.Renderer.Render(ctx, v)
	for i, f := range r.parts.Filters {
		if err != nil {
			break
		}
		if content, err = f.Filter(ctx, v, content); err != nil {
			err = fmt.Errorf("filter %d: %w", i+1, err)
		}
	}
	return content, err
}

// Sweep mends what a killed wconf left at the destination.
func (r *Resource) Sweep() error {
	if r.spec.Noop {
		return nil
	}
	removed, err := r.parts.Stager.Sweep(r.spec.Target)
	if len(removed) > 0 {
		r.parts.Log.Info("removed staged files that a stopped run left", "resource", r.spec.ID, "files", len(removed))
	}
	return err
}
