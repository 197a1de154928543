package runtime

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// guestsOf is the guests of one resource, in all their roles. They share its
// parameters: each gets those that its manifest declares, and one that declares
// none gets all. stdin is for its src alone.
type guestsOf struct {
	rt      *Runtime
	b       *built
	scope   kv.Scope
	modules map[string]*wasm.Module // by what the resource calls them
	params  []string                // that some guest takes
}

// guestsOf loads every guest of a resource, before any of them is bound to it:
// whose a parameter is can only be said by all.
func (rt *Runtime) guestsOf(b *built, scope kv.Scope) (*guestsOf, error) {
	c := b.config
	if err := fields(c); err != nil {
		return nil, err
	}
	g := &guestsOf{rt: rt, b: b, scope: scope, modules: map[string]*wasm.Module{}}
	if config.KindOf(c.Src) == config.Wasm {
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
	if config.KindOf(c.Src) == config.Script { // it declares none, and may ask for any
		g.params = append(g.params, slices.Collect(maps.Keys(c.Params))...)
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
	if g.modules[src] != nil {
		return nil
	}
	switch config.KindOf(src) {
	case config.Wasm:
	case config.Script:
		return c.Problem(problem.Config, fmt.Sprintf("%q is a script: this version runs scripts as src only", src), "write it as a Wasm guest (*.wasm)", field)
	default:
		return c.Problem(problem.Config, fmt.Sprintf("%q is no Wasm guest (*.wasm)", src), "", field)
	}
	path := c.Path(src)
	bin, err := g.b.sources.read(path)
	if err != nil {
		return c.Problem(problem.GuestLoad, fmt.Sprintf("missing guest: %v", reason(err)), "guests are looked for in "+c.Templates(), field)
	}
	m, err := g.rt.guests.load(g.rt.opt.Loading, filepath.Base(path), bin)
	if err != nil {
		return g.at(field, err)
	}
	g.modules[src] = m
	if manifest := m.Inspect().Manifest; manifest != nil {
		g.params = append(g.params, slices.Collect(maps.Keys(manifest.Params))...)
	}
	return nil
}

// as binds a guest to the resource in one of its roles.
func (g *guestsOf) as(role guest.Role, src string) (*guest.Guest, error) {
	c, rt := g.b.config, g.rt
	o := guest.Options{
		Role: role, Name: c.Name, Dest: c.Dest, Params: c.Params, Others: g.params, Limits: limits(c), Scope: &g.scope,
		Log: rt.log, Mask: g.b.mask(g.scope), Stats: rt.opt.Offline.guestUsed(),
	}
	if role == guest.Renderer {
		o.Stdin = guest.Stdin(c.Stdin)
	}
	bound, err := guest.New(g.modules[src], o)
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
