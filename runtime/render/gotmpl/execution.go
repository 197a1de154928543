package gotmpl

import (
	"context"
	"fmt"
	"sync"
	"text/template"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

// execution is a bound copy of a template: functions that know which render
// they serve. It serves one render at a time, and many in turn.
type execution struct {
	template *Template
	run      *funcs.Run
	bound    map[*file]*template.Template

	ctx    context.Context
	view   *kv.View
	levels int
	stack  []string // included files that are being rendered
	calls  map[string]render.Calls
}

func newExecution(t *Template) *execution {
	e := &execution{template: t, bound: map[*file]*template.Template{}}
	e.run = funcs.NewRun(t.opts.World, t.opts.Keyring, e.include)
	return e
}

func (e *execution) begin(ctx context.Context, v *kv.View) {
	e.ctx, e.view, e.levels, e.stack = ctx, v, 0, e.stack[:0]
	e.run.Begin(ctx, keys{v}, e.template.opts.limits())
}

// end closes what was opened and forgets the render.
func (e *execution) end() error {
	err := e.closeCalls()
	e.ctx, e.view = nil, nil
	e.run.End()
	return err
}

// render executes a file. room is how large the result may well be.
func (e *execution) render(f *file, dot any, room int) (out []byte, err error) {
	m := &meter{
		ticks: &f.ticks, budget: &e.run.Budget, levels: &e.levels,
		most: int(e.template.opts.MaxOutput), out: make([]byte, 0, min(room+room/8, int(e.template.opts.MaxOutput))),
	}
	defer func() {
		if r := recover(); r != nil { // a fault of text/template itself, which passes on its own
			out, err = nil, e.explain(f, m, fmt.Errorf("template cannot be executed: %T", r))
		}
	}()
	t, err := e.bind(f)
	if err == nil {
		err = e.ctx.Err()
	}
	if err == nil {
		err = t.Execute(m, dot)
	}
	if err != nil {
		return nil, e.explain(f, m, err)
	}
	return m.out, nil
}

// bind makes the trees of a file executable with the functions of e.
func (e *execution) bind(f *file) (*template.Template, error) {
	if t, ok := e.bound[f]; ok {
		return t, nil
	}
	t := template.New(f.name).Funcs(e.functions(f))
	for name, tree := range f.trees {
		if _, err := t.AddParseTree(name, tree); err != nil {
			return nil, err
		}
	}
	e.bound[f] = t
	return t, nil
}

// functions binds those that a file calls.
func (e *execution) functions(f *file) template.FuncMap {
	m := template.FuncMap{}
	for name := range f.called {
		if function, ok := table()[name]; ok {
			m[name] = function.Code(e.run)
		}
	}
	if has(f.called, guarded) {
		m[guarded] = e.run.Pay
	}
	for prefix, set := range e.template.opts.Functions {
		for name, arity := range set.Names() {
			if full := prefix + "_" + name; has(f.called, full) {
				m[full] = e.guest(prefix, name, arity)
			}
		}
	}
	return m
}

// table is all functions by name.
var table = sync.OnceValue(func() map[string]funcs.Function {
	m := map[string]funcs.Function{}
	for f := range funcs.All() {
		m[f.Name] = f
	}
	return m
})

func has[K comparable](set map[K]struct{}, k K) bool { _, ok := set[k]; return ok }

// keys is a view as functions see it.
type keys struct{ *kv.View }

func (k keys) Glob(pattern string) ([]funcs.Pair, error) {
	found, err := k.View.Glob(pattern)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	pairs := make([]funcs.Pair, len(found))
	for i, p := range found {
		pairs[i] = funcs.Pair(p)
	}
	return pairs, nil
}
