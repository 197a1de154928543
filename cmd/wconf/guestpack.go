package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

func (p *program) guestPackCommand() *cli.Command {
	return &cli.Command{
		Name: "pack", Usage: "put a manifest into a module that any tool chain has built", ArgsUsage: "FILE",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "manifest", Usage: "the `FILE` of JSON; it takes the place of one that the module has"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to this `FILE` instead of the module itself"},
		},
		Action: p.guestPack,
	}
}

func (p *program) guestPack(c *cli.Context) error {
	if err := arity(c, 1, 1); err != nil {
		return err
	}
	file, manifest := c.Args().First(), c.String("manifest")
	if manifest == "" {
		return &usageError{"guest pack needs --manifest FILE", `for example {"abi": "1.0", "name": "site", "keys": ["/site"]}`}
	}
	bin, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if bin, err = packed(bin, "", manifest); err != nil {
		return err
	}
	about, err := wasm.Inspect(file, bin)
	if err != nil {
		return &exit{exitLoad, err}
	}
	if err := replace(cmp.Or(c.String("output"), file), bin); err != nil {
		return fmt.Errorf("guest pack: %w", err)
	}
	p.manifest(about.Manifest)
	return nil
}

func (p *program) guestPrecompileCommand() *cli.Command {
	return &cli.Command{
		Name: "precompile", Usage: "compile guests into the cache of --state-dir, so that a daemon or an image starts with them", ArgsUsage: "FILE ...",
		Description: "The cache serves the same wconf on the same kind of processor, run by the same user. Another one compiles anew.\n" +
			"A script (*.js) stands for the engine of all scripts.",
		Action: p.guestPrecompile,
	}
}

func (p *program) guestPrecompile(c *cli.Context) error {
	if err := arity(c, 1, -1); err != nil {
		return err
	}
	s, err := p.lookSettings(c)
	if err != nil {
		return err
	}
	if s.StateDir == "" {
		return &usageError{"guest precompile needs a --state-dir", "the one that the daemon has"}
	}
	log, err := p.logger(s)
	if err != nil {
		return err
	}
	rt, err := wasm.NewRuntime(wasm.Options{Cache: runtime.GuestCache(s.StateDir), Log: log})
	if err != nil {
		return fmt.Errorf("guest precompile: %w", err)
	}
	var failed []error
	for _, file := range c.Args().Slice() {
		if err := p.precompile(c, rt, file); err != nil {
			failed = append(failed, err)
		}
	}
	err = errors.Join(failed...)
	if closed := rt.Close(); err == nil {
		return closed
	}
	return coded(err)
}

func (p *program) precompile(c *cli.Context, rt *wasm.Runtime, file string) error {
	bin, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	began := time.Now()
	load := func() (*wasm.Module, error) { return rt.Load(c.Context, file, bin) }
	if strings.HasSuffix(file, ".js") { // what has to be compiled is the engine of all scripts
		load = func() (*wasm.Module, error) { return script.Load(c.Context, rt, file) }
	}
	m, err := load()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: %d bytes, %s\n", file, len(bin), time.Since(began).Round(100*time.Microsecond))
	return m.Close()
}
