package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

func (p *program) guestCommand() *cli.Command {
	return &cli.Command{
		Name: "guest", Usage: "begin, build, look at or try a Wasm guest",
		Subcommands: []*cli.Command{
			p.guestNewCommand(), p.guestBuildCommand(), p.guestPackCommand(),
			{
				Name: "inspect", Usage: "say what a module or a script is, needs and offers", ArgsUsage: "FILE",
				Description: "A module is not run. A script runs once, in its cage and without keys: only so it is known which functions it declares\n" +
					"for templates, and that it loads. A script that asks for keys outside of all functions declares none.",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print an object"}},
				Action: p.guestInspect,
			},
			{
				Name: "run", Usage: "run a guest: its output goes to standard output, what it used to standard error", ArgsUsage: "FILE [FUNCTION [ARGUMENT ...]]",
				Description: "With --role call a function of templates is called, and what it gives is a line.\n" +
					"Compiled guests are kept as the daemon keeps its own: below --state-dir, or among the caches of an ordinary user.",
				Flags:  trialFlags(),
				Action: p.guestRun,
			},
			p.guestBenchCommand(), p.guestPrecompileCommand(),
		},
	}
}

// trialFlags are the flags of commands that run a guest outside of any resource.
func trialFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "keys", Usage: "read the keys from this `FILE` (YAML, JSON, TOML); repeatable"},
		&cli.StringSliceFlag{Name: "set", Usage: "lay `KEY=VALUE` over the keys; repeatable"},
		&cli.StringSliceFlag{Name: "param", Usage: "give the guest the parameter `NAME=VALUE`; repeatable"},
		&cli.StringFlag{Name: "role", Usage: "what the guest does, a `ROLE`: render, filter, check or call (default render)"},
		&cli.StringFlag{Name: "input", Usage: "for filter and check: the `FILE` that they get (default standard input)"},
		&cli.StringFlag{Name: "stdin", Usage: "for a command: how keys are written, a `FORMAT`: lines, json or json-tree"},
		&cli.StringFlag{Name: "fuel", Usage: "at most `N` instructions, by the price list " + wasm.PriceList},
		&cli.DurationFlag{Name: "time", Usage: "at most this `TIME`"},
	}
}

func (p *program) guestInspect(c *cli.Context) error {
	if err := arity(c, 1, 1); err != nil {
		return err
	}
	file := c.Args().First()
	bin, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if strings.HasSuffix(file, ".js") {
		return p.scriptInspect(c, file, bin)
	}
	i, refused := wasm.Inspect(file, bin)
	switch {
	case c.Bool("json"):
		err = p.json(i)
	case refused != nil:
		p.measured(file, i)
	default:
		p.inspection(file, i)
	}
	if refused != nil {
		return &exit{exitLoad, refused}
	}
	return err
}

// identity says which file it is.
func (p *program) identity(file string, digest any, size int) {
	p.row("file", "%s", file)
	p.row("sha256", "%s", digest)
	p.row("size", "%d bytes", size)
}

// measured says what can be said of any file.
func (p *program) measured(file string, i wasm.Inspection) {
	p.identity(file, i.Digest, i.Size)
	p.measures(i.Measures)
}

func (p *program) measures(all []wasm.Measure) {
	name := "measures"
	for _, m := range all {
		p.row(name, "%d %s (at most %d)", m.Got, m.What, m.Most)
		name = ""
	}
}

// row is one line about what is inspected; the name is empty in further lines.
// Its text is that of a file which nobody trusts yet.
func (p *program) row(name, format string, args ...any) {
	fmt.Fprintf(p.out, "%-11s %s\n", name, hostfuncs.Printable(fmt.Sprintf(format, args...)))
}

func (p *program) inspection(file string, i wasm.Inspection) {
	p.identity(file, i.Digest, i.Size)
	p.row("kind", "%s", i.Kind)
	most := "no end of its own"
	if i.MaxMemory > 0 {
		most = "at most " + mebibytes(i.MaxMemory)
	}
	p.row("memory", "%s at the start, %s", mebibytes(i.MinMemory), most)
	p.row("exports", "%s", strings.Join(i.Exports, ", "))
	if len(i.Beside) > 0 {
		p.row("", "beside that: %s", strings.Join(i.Beside, ", "))
	}
	for n, imported := range i.Imports {
		name := ""
		if n == 0 {
			name = "imports"
		}
		p.row(name, "%s", imported)
	}
	p.measures(i.Measures)
	if i.Manifest != nil {
		p.manifest(i.Manifest)
	}
}

func (p *program) manifest(m *wasm.Manifest) {
	row := func(name, text string) {
		if text != "" {
			p.row(name, "%s", text)
		}
	}
	row("name", strings.TrimSpace(m.Name+" "+m.Version))
	row("about", m.Description)
	row("abi", m.ABI)
	row("keys", strings.Join(m.Keys, ", "))
	for _, name := range slices.Sorted(maps.Keys(m.Params)) {
		param := m.Params[name]
		text := name + " " + cmp.Or(param.Type, "string")
		if len(param.Enum) > 0 {
			text += " (" + strings.Join(param.Enum, ", ") + ")"
		}
		if param.Required {
			text += ", required"
		} else if param.Default != "" {
			text += fmt.Sprintf(", default %q", param.Default)
		}
		row("param", strings.TrimSpace(text+"  "+param.Help))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Functions)) {
		row("function", strings.TrimSpace(fmt.Sprintf("%s/%d  %s", name, m.Functions[name].Args, m.Functions[name].Help)))
	}
	var limits []string
	if m.Limits.MemoryMiB > 0 {
		limits = append(limits, fmt.Sprintf("memory %d MiB", m.Limits.MemoryMiB))
	}
	if m.Limits.Fuel > 0 {
		limits = append(limits, fmt.Sprintf("fuel %d", m.Limits.Fuel))
	}
	row("limits", strings.Join(limits, ", "))
}

func mebibytes(n uint64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

func (p *program) guestRun(c *cli.Context) error {
	t, err := p.openTrial(c)
	if err != nil {
		return err
	}
	defer t.runtime.Close()
	output, err := t.run(c.Context)
	if err == nil {
		_, err = p.out.Write(output)
	}
	fmt.Fprint(p.err, t.used())
	return err
}

// openTrial makes ready what a command line says about running a guest.
func (p *program) openTrial(c *cli.Context) (*trial, error) {
	if err := arity(c, 1, -1); err != nil {
		return nil, err
	}
	s, err := p.lookSettings(c)
	if err != nil {
		return nil, err
	}
	log, err := p.logger(s)
	if err != nil {
		return nil, err
	}
	scope := kv.NewScope(s.Prefix, []string{"/"})
	keys, err := p.guestKeys(c, s, scope)
	if err != nil {
		return nil, err
	}
	t, err := newTrial(c, s.StateDir, scope, log)
	if err != nil {
		return nil, err
	}
	t.keys, t.scope = keys, scope
	if t.role != guest.Filter && t.role != guest.Checker {
		return t, nil
	}
	if t.input, err = p.guestInput(c); err != nil {
		t.runtime.Close()
		return nil, fmt.Errorf("read the input: %w", err)
	}
	return t, nil
}

func (p *program) guestKeys(c *cli.Context, s *settings, scope kv.Scope) (*kv.Snapshot, error) {
	keys := kv.NewSnapshot(nil)
	if files := c.StringSlice("keys"); len(files) > 0 {
		var err error
		if keys, err = p.fixture(c, s, files); err != nil {
			return nil, err
		}
	}
	return set(keys, scope.Prefix(), c.StringSlice("set"))
}

func (p *program) guestInput(c *cli.Context) ([]byte, error) {
	if file := c.String("input"); file != "" && file != "-" {
		return os.ReadFile(file)
	}
	return io.ReadAll(p.in)
}
