package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

var asFlag = &cli.StringFlag{Name: "as", Usage: "look with the store, prefix and keys of this `RESOURCE`"}

func (p *program) getCommand() *cli.Command {
	return &cli.Command{
		Name: "get", Usage: "print the values of keys as templates see them", ArgsUsage: "KEY ...",
		Description: "Exit 5 when a key is not there. A key that a resource calls secret is refused without --reveal.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one object: keys and values"},
			&cli.BoolFlag{Name: "reveal", Usage: "print secret values, too"},
			asFlag, fixtureFlag,
		},
		Action: p.getAction,
	}
}

func (p *program) lsCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list keys as templates see them", ArgsUsage: "[PREFIX]",
		Description: "A name with a slash behind it has keys below it. Secret values are masked without --reveal.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"r"}, Usage: "list every key below PREFIX"},
			&cli.BoolFlag{Name: "values", Usage: "print every key below PREFIX and its value"},
			&cli.BoolFlag{Name: "json", Usage: "print a list of names, or an object of keys and values"},
			&cli.BoolFlag{Name: "reveal", Usage: "print secret values, too"},
			asFlag, fixtureFlag,
		},
		Action: p.lsAction,
	}
}

func (p *program) getAction(c *cli.Context) error {
	if err := arity(c, 1, -1); err != nil {
		return err
	}
	w, err := p.window(c, c.Args().Slice())
	if err != nil {
		return err
	}
	found := map[string]string{}
	var missing []error
	for _, name := range c.Args().Slice() {
		key := "/" + strings.TrimPrefix(name, "/")
		value, ok := w.view.Get(key)
		switch {
		case !ok:
			missing = append(missing, w.missing(key))
		case w.secret(key) && !c.Bool("reveal"):
			return &exit{exitFailed, fmt.Errorf("%s is secret; --reveal prints it", key)}
		case c.Bool("json"):
			found[key] = value
		default:
			fmt.Fprintln(p.out, value)
		}
	}
	if c.Bool("json") {
		if err := p.json(found); err != nil {
			return err
		}
	}
	if len(missing) > 0 {
		return &exit{exitNothing, errors.Join(missing...)}
	}
	return nil
}

func (p *program) lsAction(c *cli.Context) error {
	if err := arity(c, 0, 1); err != nil {
		return err
	}
	dir := "/" + strings.Trim(c.Args().First(), "/")
	w, err := p.window(c, []string{dir})
	if err != nil {
		return err
	}
	deep := c.Bool("recursive") || c.Bool("values")
	names, values := w.children(dir), map[string]string{}
	if deep {
		names, values = w.below(dir, c.Bool("reveal"))
	}
	if len(names) == 0 {
		return &exit{exitNothing, w.missing(dir)}
	}
	switch {
	case c.Bool("json") && c.Bool("values"):
		return p.json(values)
	case c.Bool("json"):
		return p.json(names)
	}
	for _, name := range names {
		if c.Bool("values") {
			name += " = " + quoteOdd(values[name])
		}
		fmt.Fprintln(p.out, name)
	}
	return nil
}

func (p *program) json(v any) error {
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// quoteOdd quotes values that would not stay on their line.
func quoteOdd(s string) string {
	if s == "" || strings.TrimSpace(s) != s || printable(s) != s || strings.Contains(s, "\t") {
		return fmt.Sprintf("%q", s)
	}
	return s
}

// window is what get and ls look through.
type window struct {
	view  *kv.View
	keys  *kv.Snapshot
	scope kv.Scope
	looks []runtime.Look // whose secrets count
}

// window opens the daemon's store with the daemon's prefix, or looks as a
// resource does. Only what is below wanted is read from the store.
func (p *program) window(c *cli.Context, wanted []string) (window, error) {
	s, err := p.lookSettings(c)
	if err != nil {
		return window{}, err
	}
	rt, err := p.openLook(c.Context, s)
	if err == nil {
		defer rt.Close()
	}
	if name := c.String("as"); name != "" {
		if err != nil {
			return window{}, err
		}
		return p.windowAs(c, s, rt, name)
	}
	w := window{scope: kv.NewScope(s.Prefix, wanted)}
	if err == nil { // secrets are known where there is a configuration
		w.looks = rt.Looks()
	}
	if files := c.StringSlice("fixture"); len(files) > 0 {
		w.keys, err = p.fixture(c, s, files)
	} else {
		w.keys, err = p.stored(c, s, w.scope)
	}
	w.view = kv.NewView(w.keys, w.scope)
	return w, err
}

func (p *program) stored(c *cli.Context, s *settings, scope kv.Scope) (*kv.Snapshot, error) {
	log, err := p.logger(s)
	if err != nil {
		return nil, err
	}
	keys, err := runtime.ReadKeys(c.Context, s.Store, log, scope.Roots()...)
	return keys, unreachable(err)
}

func (p *program) windowAs(c *cli.Context, s *settings, rt *runtime.Runtime, name string) (window, error) {
	l, err := resource(rt, name)
	if err != nil {
		return window{}, err
	}
	keys, err := p.keysOf(c, s, l)
	return window{kv.NewView(keys, l.Scope()), keys, l.Scope(), []runtime.Look{l}}, err
}

// secret tells whether some resource calls a key secret.
func (w window) secret(key string) bool {
	full := w.scope.Prefix() + key
	return slices.ContainsFunc(w.looks, func(l runtime.Look) bool {
		rel, ok := strings.CutPrefix(full, l.Scope().Prefix())
		return ok && l.Secret(rel)
	})
}

// missing says that nothing is there, and what is near.
func (w window) missing(key string) error {
	var near []string
	for full := range w.keys.Under("/") {
		if rel, ok := strings.CutPrefix(full, w.scope.Prefix()); ok && w.scope.Grants(full) && len(near) < 10_000 {
			near = append(near, rel)
		}
	}
	msg := fmt.Sprintf("there is no key %s", key)
	if w.scope.Prefix() != "" {
		msg += " below the prefix " + w.scope.Prefix()
	}
	return &problem.Problem{Code: problem.KeyMissing, Msg: msg, Hint: problem.DidYouMean(key, near)}
}

// children is what ls gives in a template, directories with a slash.
func (w window) children(dir string) []string {
	names, dirs := w.view.List(dir), w.view.ListDirs(dir)
	for i, name := range names {
		if slices.Contains(dirs, name) {
			names[i] = name + "/"
		}
	}
	return names
}

// below is every key at or below a directory, in order, and their values.
func (w window) below(dir string, reveal bool) (keys []string, values map[string]string) {
	values = map[string]string{}
	for full, v := range w.keys.Under(w.scope.Prefix() + strings.TrimSuffix(dir, "/")) {
		key := strings.TrimPrefix(full, w.scope.Prefix())
		if !w.scope.Grants(full) {
			continue
		}
		if keys = append(keys, key); w.secret(key) && !reveal {
			v = masked
		}
		values[key] = v
	}
	return keys, values
}
