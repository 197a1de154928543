package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/kv"
)

func (p *program) keysCommand() *cli.Command {
	return &cli.Command{
		Name: "keys", Usage: "say which keys a resource may see, and which it reads", ArgsUsage: "[RESOURCE ...]",
		Description: "Each resource is rendered, and its checks are asked; nothing is written, and no value is printed.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print a list of objects"}, fixtureFlag},
		Action:      p.keysAction,
	}
}

func (p *program) keysAction(c *cli.Context) error {
	s, rt, err := p.look(c)
	if err != nil {
		return err
	}
	defer rt.Close()
	looks, broken := resources(rt, c.Args().Slice())
	if broken != nil && looks == nil {
		return broken
	}
	var all []keyUse
	for _, l := range looks {
		keys, err := p.keysOf(c, s, l)
		if err != nil {
			return err
		}
		plan, err := l.Plan(c.Context, keys)
		if err == nil {
			err = l.Vet(c.Context, plan) // checks read keys, too
		}
		all = append(all, useOf(l, keys, plan.Reads, err))
	}
	if c.Bool("json") {
		if err := p.json(all); err != nil {
			return err
		}
		return broken
	}
	for i, u := range all {
		if i > 0 {
			fmt.Fprintln(p.out)
		}
		u.print(p)
	}
	return broken
}

// keyUse is what one resource has to do with keys; all but Sees are relative to
// Prefix.
type keyUse struct {
	Resource string   `json:"resource"`
	Backend  string   `json:"backend"`
	Prefix   string   `json:"prefix"`
	Sees     []string `json:"sees"`    // full paths, with all below them
	Present  int      `json:"present"` // how many keys there are
	Reads    []string `json:"reads"`   // values
	Missing  []string `json:"missing"` // values that were asked for and are not there
	Asks     []string `json:"asks"`    // whether they are there
	Lists    []string `json:"lists"`   // directories
	Matches  int      `json:"patterns"`
	World    []string `json:"world"` // functions that look at more than keys
	Error    string   `json:"error,omitempty"`
}

func useOf(l runtime.Look, keys *kv.Snapshot, reads kv.ReadSet, err error) keyUse {
	prefix := l.Scope().Prefix()
	u := keyUse{Resource: l.Config.Name, Backend: l.Backend(), Prefix: prefix, Sees: l.Scope().Roots(), World: reads.World()}
	for _, root := range u.Sees {
		for range keys.Under(root) {
			u.Present++
		}
	}
	relative := func(full string) string { return strings.TrimPrefix(full, prefix) }
	for _, full := range slices.Sorted(reads.Values()) {
		if _, ok := keys.Get(full); ok {
			u.Reads = append(u.Reads, relative(full))
		} else {
			u.Missing = append(u.Missing, relative(full))
		}
	}
	for _, full := range slices.Sorted(reads.Presence()) {
		u.Asks = append(u.Asks, relative(full))
	}
	for _, full := range slices.Sorted(reads.Dirs()) {
		u.Lists = append(u.Lists, relative(full)+"/")
	}
	matched := map[string]struct{}{}
	for below, matches := range reads.Globs() {
		u.Matches++
		for full := range keys.Under(below) {
			if l.Scope().Grants(full) && matches(full) {
				matched[relative(full)] = struct{}{}
			}
		}
	}
	u.Reads = slices.Compact(slices.Sorted(maps.Keys(union(matched, u.Reads))))
	if err != nil {
		u.Error = err.Error()
	}
	return u
}

func union(m map[string]struct{}, more []string) map[string]struct{} {
	for _, s := range more {
		m[s] = struct{}{}
	}
	return m
}

func (u keyUse) print(p *program) {
	fmt.Fprintf(p.out, "%s (%s)\n", u.Resource, u.Backend)
	row := func(name string, words []string) {
		for i, w := range words {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(p.out, "  %-9s %s\n", name, w)
		}
	}
	if u.Prefix != "" {
		row("prefix", []string{u.Prefix})
	}
	sees := slices.Clone(u.Sees)
	if len(sees) == 0 {
		sees = []string{"nothing: it has no keys"}
	}
	row("sees", sees)
	row("present", []string{fmt.Sprint(u.Present)})
	row("reads", u.Reads)
	row("missing", u.Missing)
	row("asks", u.Asks)
	row("lists", u.Lists)
	row("world", u.World)
	if u.Error != "" {
		row("fails", []string{u.Error})
	}
}
