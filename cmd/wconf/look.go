package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
)

// look opens the configuration for a command that only looks at it. Log lines
// begin at warnings there, unless a level was asked for.
func (p *program) look(c *cli.Context) (*settings, *runtime.Runtime, error) {
	s, err := p.lookSettings(c)
	if err != nil {
		return nil, nil, err
	}
	rt, err := p.openLook(c.Context, s)
	return s, rt, err
}

func (p *program) openLook(ctx context.Context, s *settings) (*runtime.Runtime, error) {
	log, err := p.logger(s)
	if err != nil {
		return nil, err
	}
	if err := s.served(); err != nil {
		return nil, err
	}
	rt, err := runtime.Open(runtime.Options{Daemon: s.Daemon, Single: s.single, Templates: s.templates, Log: log, Loading: ctx})
	if err != nil {
		return nil, &exit{exitLoad, err}
	}
	return rt, nil
}

func (p *program) lookSettings(c *cli.Context) (*settings, error) {
	s, err := p.settings(c)
	if err != nil {
		return nil, err
	}
	if !s.merged.Set("log-level") && s.LogLevel == "info" {
		s.LogLevel = "warn"
	}
	s.keysBeside()
	return s, nil
}

// keysBeside takes a keys.yaml beside conf.d for the store where nobody names
// one, so that a first try needs no store.
func (s *settings) keysBeside() {
	file := filepath.Join(s.Confdir, "keys.yaml")
	if s.named() {
		return
	}
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		s.Store.Backend, s.Store.Files = "file", []string{file}
	}
}

// named tells whether anything says which store is meant.
func (s *settings) named() bool {
	for _, option := range []string{"backend", "node", "file", "command", "srv-domain", "srv-record"} {
		if s.merged.Set(option) {
			return true
		}
	}
	return len(s.Store.Nodes) > 0
}

var fixtureFlag = &cli.StringSliceFlag{Name: "fixture", Usage: "read the keys from this `FILE` (YAML, JSON, TOML) instead of the store; repeatable"}

// keysOf is what a resource's store holds, or the fixture in its place.
func (p *program) keysOf(c *cli.Context, s *settings, l runtime.Look) (*kv.Snapshot, error) {
	if files := c.StringSlice("fixture"); len(files) > 0 {
		return p.fixture(c, s, files)
	}
	keys, err := l.Snapshot(c.Context)
	return keys, unreachable(err)
}

func (p *program) fixture(c *cli.Context, s *settings, files []string) (*kv.Snapshot, error) {
	log, err := p.logger(s)
	if err != nil {
		return nil, err
	}
	keys, err := runtime.ReadKeys(c.Context, config.Store{Backend: "file", Files: files, Filter: "*"}, log, "/")
	if err != nil {
		return nil, &exit{exitLoad, err}
	}
	return keys, nil
}

// unreachable gives the error of a store its exit code.
func unreachable(err error) error {
	if err == nil || codeOf(err) == exitLoad {
		return err
	}
	return &exit{exitStore, err}
}

// resource finds the resource that an argument names.
func resource(rt *runtime.Runtime, name string) (runtime.Look, error) {
	l, err := rt.Look(name)
	switch {
	case errors.Is(err, runtime.ErrNoResource):
		return l, &exit{exitNothing, err}
	case err != nil:
		return l, &exit{exitLoad, err}
	}
	return l, nil
}

// resources are those that the arguments name, or all; broken tells whether
// one of all does not load.
func resources(rt *runtime.Runtime, names []string) (all []runtime.Look, err error) {
	if len(names) == 0 {
		var broken []error
		for _, p := range rt.Problems() {
			broken = append(broken, p)
		}
		if len(broken) > 0 {
			err = &exit{exitLoad, errors.Join(broken...)}
		}
		return rt.Looks(), err
	}
	for _, name := range names {
		l, err := resource(rt, name)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// codeOf is the exit code that the table of codes has for an error; for several
// that do not agree it is 1.
func codeOf(err error) int {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		code := -1
		for _, e := range joined.Unwrap() {
			switch c := codeOf(e); {
			case code < 0:
				code = c
			case code != c:
				return exitFailed
			}
		}
		return code
	}
	var coded *exit
	if errors.As(err, &coded) {
		return coded.code
	}
	var p *problem.Problem
	if !errors.As(err, &p) {
		return exitFailed
	}
	switch p.Code {
	case problem.Config, problem.UnknownKey, problem.TemplateParse, problem.GuestLoad:
		return exitLoad
	case problem.StoreDown:
		return exitStore
	case problem.CheckFailed, problem.ReloadFailed:
		return exitCommand
	}
	return exitFailed
}

// coded gives an error its exit code.
func coded(err error) error {
	if err == nil {
		return nil
	}
	return &exit{codeOf(err), err}
}

// arity refuses a wrong number of arguments.
func arity(c *cli.Context, least, most int) error {
	n := c.Args().Len()
	path := c.Command.HelpName
	use := fmt.Sprintf("%s %s", path, c.Command.ArgsUsage)
	switch {
	case n < least:
		return &usageError{fmt.Sprintf("%q needs more arguments", path), "usage: " + use}
	case most >= 0 && n > most:
		return &usageError{fmt.Sprintf("%q does not take %q", path, c.Args().Get(most)), "usage: " + use}
	}
	return nil
}
