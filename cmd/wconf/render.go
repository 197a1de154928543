package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl"
)

func (p *program) renderCommand() *cli.Command {
	return &cli.Command{
		Name: "render", Usage: "print what a resource would be; writes no destination", ArgsUsage: "RESOURCE|-",
		Description: "RESOURCE is a name, a file of conf.d, or a destination. With - a template is read from standard input;\n" +
			"it sees the keys of --set and --fixture, and those of the store where one is named.\n" +
			"What output_format or a check refuses is printed all the same, but replaces no FILE of -o; standard error says why,\n" +
			"and the exit code is that of a refusal. No command of the resource runs: check_cmd is not asked.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "set", Usage: "lay `KEY=VALUE` over the keys of the store, relative to the prefix; repeatable"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to this `FILE` instead of standard output"},
			fixtureFlag,
		},
		Action: p.renderAction,
	}
}

func (p *program) renderAction(c *cli.Context) error {
	if err := arity(c, 1, 1); err != nil {
		return err
	}
	if c.Args().First() == "-" {
		content, err := p.renderStdin(c)
		if err != nil {
			return err
		}
		return p.give(c, content)
	}
	return p.renderResource(c)
}

// renderResource prints a resource, and then says who refuses it.
func (p *program) renderResource(c *cli.Context) error {
	s, rt, err := p.look(c)
	if err != nil {
		return err
	}
	defer rt.Close()
	l, err := resource(rt, c.Args().First())
	if err != nil {
		return err
	}
	keys, err := p.keysOf(c, s, l)
	if err != nil {
		return err
	}
	if keys, err = set(keys, l.Scope().Prefix(), c.StringSlice("set")); err != nil {
		return err
	}
	plan, err := l.Plan(c.Context, keys)
	if err != nil {
		return err
	}
	refused := coded(l.Vet(c.Context, plan))
	if refused != nil && toFile(c) {
		return refused
	}
	if err := p.give(c, plan.Content); err != nil {
		return err
	}
	return refused
}

func toFile(c *cli.Context) bool { return c.String("output") != "" && c.String("output") != "-" }

// give writes to where the command line says.
func (p *program) give(c *cli.Context, content []byte) error {
	if toFile(c) {
		return os.WriteFile(c.String("output"), content, 0o600)
	}
	_, err := p.out.Write(content)
	return err
}

// renderStdin renders a template that belongs to no resource.
func (p *program) renderStdin(c *cli.Context) ([]byte, error) {
	s, err := p.lookSettings(c)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(p.in)
	if err != nil {
		return nil, fmt.Errorf("read the template: %w", err)
	}
	scope := kv.NewScope(s.Prefix, []string{"/"})
	keys, err := p.looseKeys(c, s, scope)
	if err != nil {
		return nil, err
	}
	if keys, err = set(keys, scope.Prefix(), c.StringSlice("set")); err != nil {
		return nil, err
	}
	t, err := gotmpl.Compile("-", string(text), gotmpl.Options{File: "-", Dir: filepath.Join(s.Confdir, "templates")})
	if err != nil {
		return nil, &exit{exitLoad, err}
	}
	return t.Render(c.Context, kv.NewView(keys, scope))
}

// looseKeys are the keys for a template without a resource: none, unless a
// fixture or a store is named.
func (p *program) looseKeys(c *cli.Context, s *settings, scope kv.Scope) (*kv.Snapshot, error) {
	if files := c.StringSlice("fixture"); len(files) > 0 {
		return p.fixture(c, s, files)
	}
	if !s.named() && s.Store.Backend != "file" {
		return kv.NewSnapshot(nil), nil
	}
	log, err := p.logger(s)
	if err != nil {
		return nil, err
	}
	keys, err := runtime.ReadKeys(c.Context, s.Store, log, scope.Roots()...)
	return keys, unreachable(err)
}

// set lays KEY=VALUE pairs over a snapshot.
func set(s *kv.Snapshot, prefix string, pairs []string) (*kv.Snapshot, error) {
	var puts []kv.Pair
	for _, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		key = prefix + "/" + strings.TrimPrefix(key, "/")
		if !ok || !kv.Canonical(key) {
			return nil, &usageError{fmt.Sprintf("--set %q is no KEY=VALUE", pair), "for example --set /app/name=shop"}
		}
		puts = append(puts, kv.Pair{Key: key, Value: value})
	}
	s, _ = s.Apply(puts, nil)
	return s, nil
}
