// Package guest makes a Wasm module serve a resource: as its renderer, as a
// filter or a checker of rendered bytes, or as functions of its templates.
//
// A guest sees the keys that the resource's View grants and nothing else; what
// it asked for is in the View's ReadSet. Each invocation is a fresh instance,
// so that no state and no secret of one reaches the next.
package guest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/wasm"
)

// Role is what a guest does for the resource. It is the name of the export.
type Role string

// The roles of a guest.
const (
	Renderer  Role = "render" // makes the whole file; the zero Role, too
	Filter    Role = "filter" // rewrites rendered bytes
	Checker   Role = "check"  // judges rendered bytes
	Functions Role = "call"   // functions of templates
)

// Options say how a resource uses a guest. The zero value is a renderer without
// parameters, within the default limits.
type Options struct {
	Role   Role
	Name   string            // the resource's name; the guest's parameter wconf.name
	Dest   string            // its destination; the guest's parameter wconf.dest
	Params map[string]string // [template.params]
	Others []string          // parameters that other guests of the resource take
	Stdin  Stdin             // of a command
	Limits wasm.Limits       // [template.limits]
	Scope  *kv.Scope         // the resource's keys, held against those that the manifest asks for; nil: not held
	Log    *slog.Logger      // gets what the guest logs; nil: nobody does
	// Secrets are hidden in what a guest logs or fails with; nil hides nothing.
	Secrets *kv.Secrets
	// Stats is told what each invocation used, also of one whose call failed.
	Stats func(wasm.Stats)
}

// Guest is a module bound to a resource. It is safe for concurrent use; it does
// not own the module.
type Guest struct {
	module *wasm.Module
	about  wasm.Inspection
	o      Options
	limits wasm.Limits
	params map[string]string
	args   []string
	asked  atomic.Int64 // keys, by the last invocation
}

var (
	_ render.Renderer  = (*Guest)(nil)
	_ render.Filter    = (*Guest)(nil)
	_ render.Checker   = (*Guest)(nil)
	_ render.Functions = (*Guest)(nil)
)

// New binds a module to a resource, or says what in the resource does not fit
// it: the role, keys that its manifest asks for, parameters, limits. Errors are
// *problem.Problem.
func New(m *wasm.Module, o Options) (*Guest, error) {
	if o.Role == "" {
		o.Role = Renderer
	}
	g := &Guest{module: m, about: m.Inspect(), o: o}
	for _, check := range []func() error{g.checkRole, g.checkKeys, g.setParams, g.setLimits} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *Guest) refuse(code, hint, format string, args ...any) error {
	return &problem.Problem{Code: code, Msg: fmt.Sprintf("guest %s: ", g.module.Name()) + fmt.Sprintf(format, args...), Hint: hint}
}

func (g *Guest) checkRole() error {
	if g.about.Kind == wasm.Command {
		if g.o.Role != Renderer {
			return g.refuse(problem.GuestLoad, "export "+string(g.o.Role), "it is a command, which can only render a file")
		}
		if g.o.Stdin == "" {
			g.o.Stdin = Lines
		}
		return g.o.Stdin.check()
	}
	if g.o.Stdin != "" {
		return g.refuse(problem.Config, "it asks for keys itself; remove stdin", "stdin is for commands (modules that export _start)")
	}
	if !slices.Contains(g.about.Exports, string(g.o.Role)) {
		return g.refuse(problem.GuestLoad, "it exports "+strings.Join(g.about.Exports, ", "), "it does not export %s", g.o.Role)
	}
	if g.o.Role == Functions && len(g.Names()) == 0 {
		return g.refuse(problem.GuestLoad, `"functions": {"name": {"args": 1}}`, "its manifest names no functions")
	}
	return nil
}

// checkKeys holds the keys that the manifest requests against those that the
// resource grants.
func (g *Guest) checkKeys() error {
	if g.about.Manifest == nil || g.o.Scope == nil {
		return nil
	}
	var missing []string
	for _, key := range g.about.Manifest.Keys {
		if !g.o.Scope.Grants(g.o.Scope.Prefix() + strings.TrimSuffix(key, "/")) {
			missing = append(missing, fmt.Sprintf("%q", key))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return g.refuse(problem.GuestDenied, fmt.Sprintf("add to the resource: keys = [%s]", strings.Join(missing, ", ")),
		"it asks for keys that the resource does not have")
}

func (g *Guest) setLimits() error {
	own := wasm.Limits{}
	if m := g.about.Manifest; m != nil {
		own.Memory = lower(m.Limits.MemoryMiB<<20, wasm.Defaults.Memory)
		own.Fuel = lower(m.Limits.Fuel, wasm.Defaults.Fuel)
	}
	g.limits = g.o.Limits.Or(own).Or(wasm.Defaults)
	if err := g.limits.Beyond(); err != nil {
		return g.refuse(problem.Config, "", "%v", err)
	}
	return nil
}

// lower is the request of a manifest, if it is lower than the default.
func lower(request, standard uint64) uint64 {
	if request >= standard {
		return 0
	}
	return request
}

// Names maps each template function to its number of arguments.
func (g *Guest) Names() map[string]int {
	names := map[string]int{}
	if g.about.Manifest != nil {
		for name, f := range g.about.Manifest.Functions {
			names[name] = f.Args
		}
	}
	return names
}

// Render makes the whole content of a file.
func (g *Guest) Render(ctx context.Context, v *kv.View) ([]byte, error) {
	if g.about.Kind == wasm.Command {
		return g.invoke(ctx, v, "_start", nil, g.o.Stdin.source(v))
	}
	return g.invoke(ctx, v, string(Renderer), nil, nil)
}

// Filter rewrites content.
func (g *Guest) Filter(ctx context.Context, v *kv.View, content []byte) ([]byte, error) {
	return g.invoke(ctx, v, string(Filter), present(content), nil)
}

// Check judges content; nil accepts. A guest that refuses is a problem with the
// code check-failed.
func (g *Guest) Check(ctx context.Context, v *kv.View, content []byte) error {
	_, err := g.invoke(ctx, v, string(Checker), present(content), nil)
	return err
}

// present is an input that is there, even when it is empty.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// invoke runs one export in an instance of its own.
func (g *Guest) invoke(ctx context.Context, v *kv.View, export string, input []byte, stdin hostfuncs.Source) ([]byte, error) {
	session := g.session(v)
	session.Input, session.Expect = input, int(g.asked.Load())
	i, err := g.module.Open(ctx, wasm.Invocation{Session: session, Limits: g.limits, Args: g.args, Stdin: stdin})
	if err == nil {
		err = i.Call(export)
		g.tell(i)
		i.Close()
	}
	g.asked.Store(int64(session.Asked()))
	g.log(v, session)
	if err != nil {
		return nil, g.explain(v, session, err)
	}
	return session.Output(), nil
}

func (g *Guest) session(v *kv.View) *hostfuncs.Session { return NewSession(v, g.params) }

// NewSession is what the host functions know during one render: the keys of a
// view, and parameters.
func NewSession(v *kv.View, params map[string]string) *hostfuncs.Session {
	return &hostfuncs.Session{Keys: keys{v}, Params: maps.Clone(params), Revision: keys{v}.revision}
}

func (g *Guest) tell(i *wasm.Instance) {
	if g.o.Stats != nil {
		g.o.Stats(i.Stats())
	}
}

// mask hides the secrets that a guest may have got from a view.
func (g *Guest) mask(v *kv.View) func(string) string {
	return func(text string) string { return v.Hide(text, g.o.Secrets) }
}

func (g *Guest) log(v *kv.View, session *hostfuncs.Session) {
	Say(g.o.Log, "guest", g.module.Name(), g.o.Name, session.Lines(), g.mask(v))
}
