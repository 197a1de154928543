package runtime

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// guestsOf is the guests and scripts of one resource, in all their roles. They
// share its parameters: each gets those that its manifest declares, and one that
// declares none gets all. stdin is for its src alone.
type guestsOf struct {
	rt     *Runtime
	b      *built
	scope  kv.Scope
	loaded map[string]loaded // by what the resource calls them
	params []string          // that some guest takes
}

// loaded is a guest, or a script and its engine.
type loaded struct {
	module *wasm.Module
	text   []byte
}

// worker is a guest or a script that is bound to a resource, in one role.
type worker interface {
	render.Renderer
	render.Filter
	render.Checker
	render.Functions
}

// guestsOf loads every guest of a resource, before any of them is bound to it:
// whose a parameter is can only be said by all.
func (rt *Runtime) guestsOf(b *built, scope kv.Scope) (*guestsOf, error) {
	c := b.config
	if err := fields(c); err != nil {
		return nil, err
	}
	g := &guestsOf{rt: rt, b: b, scope: scope, loaded: map[string]loaded{}}
	if kind := config.KindOf(c.Src); kind == config.Wasm || kind == config.Script {
		if err := g.load("src", c.Src); err != nil {
			return nil, err
		}
	}
	for _, named := range []struct {
		field string
		files []string
	}{
		{"functions", slices.Sorted(maps.Values(c.Functions))}, {"filters", c.Filters}, {"checks", c.Checks},
	} {
		for _, src := range named.files {
			if err := g.load(named.field, src); err != nil {
				return nil, err
			}
		}
	}
	return g, nil
}

// fields says which of a resource's fields are for another kind of src.
func fields(c *config.Resource) error {
	kind := config.KindOf(c.Src)
	switch {
	case c.Stdin != "" && kind != config.Wasm:
		return c.Problem(problem.Config, "stdin is for commands (modules that export _start)", fmt.Sprintf("a %s asks for keys itself; remove stdin", kind), "stdin")
	case len(c.Functions) > 0 && kind == config.Script:
		return c.Problem(problem.Config, "functions are for Go templates", "define the functions in the script", "functions")
	case len(c.Functions) > 0 && kind == config.Wasm:
		return c.Problem(problem.Config, "functions are for Go templates", "filters and checks go with every source", "functions")
	}
	return nil
}

func (g *guestsOf) load(field, src string) error {
	c := g.b.config
	if _, ok := g.loaded[src]; ok {
		return nil
	}
	kind := config.KindOf(src)
	if kind != config.Wasm && kind != config.Script {
		return c.Problem(problem.Config, fmt.Sprintf("%q is no Wasm guest (*.wasm) and no script (*.js)", src), "", field)
	}
	path := c.Path(src)
	text, err := g.b.sources.read(path)
	if err != nil {
		what := map[config.SourceKind]string{config.Wasm: "guest", config.Script: "script"}[kind]
		return c.Problem(problem.GuestLoad, fmt.Sprintf("missing %s: %v", what, reason(err)), what+"s are looked for in "+c.Templates(), field)
	}
	if kind == config.Script {
		engine, err := g.rt.guests.loadEngine(g.rt.opt.Loading, filepath.Base(path))
		if err != nil {
			return g.at(field, err)
		}
		g.loaded[src] = loaded{engine, text}
		g.params = append(g.params, slices.Collect(maps.Keys(c.Params))...) // it declares none, and may ask for any
		return nil
	}
	m, err := g.rt.guests.load(g.rt.opt.Loading, filepath.Base(path), text)
	if err != nil {
		return g.at(field, err)
	}
	g.loaded[src] = loaded{module: m}
	if manifest := m.Inspect().Manifest; manifest != nil {
		g.params = append(g.params, slices.Collect(maps.Keys(manifest.Params))...)
	}
	return nil
}

// as binds a guest or a script to the resource in one of its roles.
func (g *guestsOf) as(role guest.Role, src string) (bound worker, err error) {
	c, rt := g.b.config, g.rt
	if config.KindOf(src) == config.Script {
		bound, err = script.New(rt.opt.Loading, g.loaded[src].module, g.loaded[src].text, script.Options{
			Role: role, File: c.Path(src), Name: c.Name, Dest: c.Dest, Params: c.Params, Limits: limits(c), Scope: &g.scope,
			Log: rt.log, Secrets: g.b.secrets, Stats: rt.opt.Offline.guestUsed(role, src),
		})
	} else {
		o := guest.Options{
			Role: role, Name: c.Name, Dest: c.Dest, Params: c.Params, Others: g.params, Limits: limits(c), Scope: &g.scope,
			Log: rt.log, Secrets: g.b.secrets, Stats: rt.opt.Offline.guestUsed(role, src),
		}
		if role == guest.Renderer {
			o.Stdin = guest.Stdin(c.Stdin)
		}
		bound, err = guest.New(g.loaded[src].module, o)
	}
	if err != nil {
		return nil, g.at(map[guest.Role]string{guest.Renderer: "src", guest.Functions: "functions", guest.Filter: "filters", guest.Checker: "checks"}[role], err)
	}
	return bound, nil
}

// at gives a problem of a guest the place where the resource names it.
func (g *guestsOf) at(field string, err error) error {
	p, ok := err.(*problem.Problem)
	if !ok || p.File != "" {
		return err
	}
	placed := g.b.config.Problem(p.Code, p.Msg, p.Hint, field)
	placed.Err = p
	return placed
}
