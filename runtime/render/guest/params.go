package guest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
)

// setParams holds the resource's parameters against the manifest, fills in
// defaults, and adds what wconf says itself. A guest that declares parameters
// gets those, one that declares none gets all.
func (g *Guest) setParams() error {
	all := map[string]string{}
	if m := g.about.Manifest; m != nil && m.Params != nil {
		if err := g.declared(m.Params, all); err != nil {
			return err
		}
	} else {
		maps.Copy(all, g.o.Params)
	}
	g.args = []string{g.module.Name()}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if strings.HasPrefix(name, "wconf.") {
			return g.refuse(problem.Config, "", "parameter %s: names that begin with wconf. are wconf's own", name)
		}
		g.args = append(g.args, name+"="+all[name])
	}
	all["wconf.name"], all["wconf.dest"] = g.o.Name, g.o.Dest
	g.params = all
	return nil
}

func (g *Guest) declared(params map[string]wasm.Param, all map[string]string) error {
	names := slices.Sorted(maps.Keys(params))
	known := append(slices.Clone(names), g.o.Others...)
	for _, name := range slices.Sorted(maps.Keys(g.o.Params)) {
		if !slices.Contains(known, name) {
			return g.refuse(problem.Config, problem.DidYouMean(name, known), "it has no parameter %s", name)
		}
	}
	for _, name := range names {
		p := params[name]
		value, set := g.o.Params[name]
		if !set && p.Required {
			return g.refuse(problem.Config, p.Help, "it needs the parameter %s", name)
		}
		if !set && p.Default == "" {
			continue
		}
		if !set {
			value = p.Default
		}
		if why := misfit(p, value); why != "" {
			return g.refuse(problem.Config, p.Help, "parameter %s %s", name, why)
		}
		all[name] = value
	}
	return nil
}

// misfit says why a value is none for a parameter; the value stays unsaid.
func misfit(p wasm.Param, value string) string {
	switch p.Type {
	case "int":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "must be an integer"
		}
	case "bool":
		if value != "true" && value != "false" {
			return "must be true or false"
		}
	}
	if len(p.Enum) > 0 && !slices.Contains(p.Enum, value) {
		return fmt.Sprintf("must be one of %s", strings.Join(p.Enum, ", "))
	}
	return ""
}
