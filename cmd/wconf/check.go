package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
)

// check is -check-config, -validate and -preflight of the living fork: lint
// and a look at the store, with its exit codes.
func (p *program) check(c *cli.Context, s *settings) error {
	if s.Resource != "" {
		s.Resource = belowConfd(s.Resource, s.Confdir)
		s.single, s.templates = s.Resource, templatesOf(s)
	}
	if err := s.served(); err != nil {
		return err
	}
	if !s.merged.Set("log-level") {
		s.LogLevel = "warn"
	}
	rt, err := p.openLook(c.Context, s)
	if err != nil {
		return err
	}
	defer rt.Close()
	if s.CheckConfig || s.Validate {
		if err := p.validate(c, s, rt); err != nil {
			return err
		}
	}
	if s.Preflight {
		return p.preflight(c, s, rt)
	}
	return nil
}

// belowConfd is the path of a resource file that may be named below conf.d, as
// the living fork has it.
func belowConfd(path, confdir string) string {
	below := filepath.Join(confdir, "conf.d", path)
	if _, err := os.Stat(path); err == nil || filepath.IsAbs(path) {
		return path
	}
	if _, err := os.Stat(below); err != nil {
		return path
	}
	return below
}

// validate is lint without a store: only mock data is rendered.
func (p *program) validate(c *cli.Context, s *settings, rt *runtime.Runtime) error {
	l := &linter{}
	l.configuration(rt, s.warnings)
	for _, look := range rt.Looks() {
		l.resource(look)
		if s.Validate && s.MockData != "" {
			keys, err := p.fixture(c, s, []string{s.MockData})
			if err != nil {
				return err
			}
			l.rendered(c.Context, look, keys)
		}
	}
	if s.CheckConfig && !s.Validate {
		l.forgive()
	}
	p.findings(l.findings, "text")
	if l.problems() > 0 {
		return &exit{code: exitFailed}
	}
	return nil
}

// preflight asks every store for the keys of its resources.
func (p *program) preflight(c *cli.Context, s *settings, rt *runtime.Runtime) error {
	var failed []error
	for _, l := range rt.Looks() {
		begun := time.Now()
		keys, err := p.lintKeys(c, s, l)
		if err == nil && keys.reason != "" {
			err = errors.New(keys.reason)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", l.Config.Name, err))
			continue
		}
		n := 0
		for _, root := range l.Scope().Roots() {
			for range keys.snapshot.Under(root) {
				n++
			}
		}
		fmt.Fprintf(p.out, "%s: backend %s: %s, %s\n", l.Config.Name, l.Backend(), plural(n, "key"), time.Since(begun).Round(time.Millisecond))
	}
	for _, problem := range rt.Problems() {
		failed = append(failed, problem)
	}
	return errors.Join(failed...)
}
