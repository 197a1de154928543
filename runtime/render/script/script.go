// Package script makes a script serve a resource in any role of a guest:
// JavaScript, run by QuickJS-NG, which is a Wasm module in the cage of every
// guest. No tool chain is needed.
//
// A script sees the keys that the resource's View grants, its parameters, and
// nothing else: no files, no clock, no network, no modules. What it asked for
// is in the View's ReadSet. Each render begins from the same image of the
// engine, in which the script is compiled and has not run, so that no state and
// no secret of one render reaches the next. Functions of templates are there
// once a script has run: such a script runs when it is loaded, without any
// keys, and the image is what it left.
package script

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// Options say how a resource uses a script. The zero value has no parameters
// and the default limits.
type Options struct {
	Role   guest.Role        // the zero Role renders
	File   string            // the path of the script, for problems
	Name   string            // the resource's name; the parameter wconf.name
	Dest   string            // its destination; the parameter wconf.dest
	Params map[string]string // [template.params]
	Limits wasm.Limits       // [template.limits]
	Scope  *kv.Scope         // the resource's keys, for hints; nil: hints do without
	Log    *slog.Logger      // gets what the script logs; nil: nobody does
	// Secrets are hidden in what a script logs or fails with; nil hides nothing.
	Secrets *kv.Secrets
	// Stats is told what each render used, also of one that failed.
	Stats func(wasm.Stats)
}

// Script is a compiled script, bound to a resource. It is safe for concurrent
// use; it does not own the module.
type Script struct {
	o      Options
	source source
	module *wasm.Module
	limits wasm.Limits
	params map[string]string
	start  start
	arity  map[string]int // of what it declares for templates
	asked  *atomic.Int64  // keys, by the last render
}

var (
	_ render.Renderer  = (*Script)(nil)
	_ render.Filter    = (*Script)(nil)
	_ render.Checker   = (*Script)(nil)
	_ render.Functions = (*Script)(nil)
)

// Load makes the engine ready for a script: name is the script's, for errors.
// Engines share what was compiled, and the cache of compiled guests. The module
// must be closed.
func Load(ctx context.Context, r *wasm.Runtime, name string) (*wasm.Module, error) {
	return r.LoadEngine(ctx, name, engine, engineDigest)
}

// longest is how many bytes a script may have.
const longest = 1 << 20

// New compiles a script on an engine that Load gave. What is wrong with it, or
// with the resource, is a *problem.Problem.
func New(ctx context.Context, m *wasm.Module, text []byte, o Options) (*Script, error) {
	s, err := newScript(m, text, o)
	if err == nil {
		err = s.compile(ctx)
	}
	if err == nil && s.o.Role == guest.Checker && !s.declares(ctx, string(guest.Checker)) {
		err = s.noCheck()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// newScript is a script that is not compiled yet; it is there also beside an error.
func newScript(m *wasm.Module, text []byte, o Options) (*Script, error) {
	if o.Role == "" {
		o.Role = guest.Renderer
	}
	s := &Script{o: o, module: m, asked: new(atomic.Int64), source: newSource(o.File, string(text)), limits: o.Limits.Or(wasm.Limits{Stack: stackUnits}).Or(wasm.Defaults)}
	if err := s.limits.Beyond(); err != nil {
		return s, s.problem(problem.Config, err.Error(), "")
	}
	if err := s.setParams(); err != nil {
		return s, err
	}
	if len(text) > longest || !utf8.Valid(text) {
		return s, s.problem(problem.TemplateParse, fmt.Sprintf("a script is UTF-8 text of at most %d bytes", longest), "")
	}
	return s, nil
}

func (s *Script) setParams() error {
	for _, name := range slices.Sorted(maps.Keys(s.o.Params)) {
		if strings.HasPrefix(name, "wconf.") {
			return s.problem(problem.Config, fmt.Sprintf("parameter %s: names that begin with wconf. are wconf's own", name), "")
		}
	}
	s.params = map[string]string{"wconf.name": s.o.Name, "wconf.dest": s.o.Dest}
	maps.Copy(s.params, s.o.Params)
	return nil
}

// Render runs the script and gives the file that it made.
func (s *Script) Render(ctx context.Context, v *kv.View) ([]byte, error) {
	return s.invoke(ctx, v, nil)
}

// Filter runs the script and gives what it made of content.
func (s *Script) Filter(ctx context.Context, v *kv.View, content []byte) ([]byte, error) {
	return s.invoke(ctx, v, present(content))
}

// Check runs the script on content; nil accepts. A script that refuses is a
// problem with the code check-failed.
func (s *Script) Check(ctx context.Context, v *kv.View, content []byte) error {
	_, err := s.invoke(ctx, v, present(content))
	return err
}

// present is an input that is there, even when it is empty.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// invoke runs the script once, from its image.
func (s *Script) invoke(ctx context.Context, v *kv.View, input []byte) ([]byte, error) {
	h, err := s.open(ctx, v, input)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	err = s.run(h)
	s.asked.Store(int64(h.session.Asked()))
	if err != nil {
		err = s.explain(h, err)
	}
	s.tell(h)
	if err != nil {
		return nil, err
	}
	return h.session.Output(), nil
}

// open is the engine at the place where the script begins. It must be closed.
func (s *Script) open(ctx context.Context, v *kv.View, input []byte) (*host, error) {
	session := guest.NewSession(v, s.params)
	session.Input, session.Expect = input, int(s.asked.Load())
	h := &host{session: session, view: v, interpreter: interpreter{context: s.start.context, room: s.start.room}}
	i, err := s.module.Start(ctx, wasm.Invocation{Session: session, Limits: s.limits}, s.start.image, h.answer)
	if err != nil {
		return nil, s.unstarted(err)
	}
	h.Interpreter = i
	return h, nil
}

// tell says what was used and logged.
func (s *Script) tell(h *host) {
	if s.o.Stats != nil {
		s.o.Stats(h.Stats())
	}
	s.log(h)
}

// mask hides the secrets that a script may have got.
func (s *Script) mask(h *host) func(string) string {
	return func(text string) string { return h.view.Hide(text, s.o.Secrets) }
}

func (s *Script) log(h *host) {
	guest.Say(s.o.Log, "script", s.source.name(), s.o.Name, h.session.Lines(), s.mask(h))
}
