package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/admin"
	"github.com/wconf/wconf/runtime/config"
)

// classic is wconf without a sub-command: the command line of confd and of its
// living fork. Its exit codes are theirs: 0, 1, and 2 for wrong usage.
func (p *program) classic(c *cli.Context) error {
	if c.Bool("version") {
		p.versionLine()
		return nil
	}
	s, err := p.settings(c)
	if err != nil {
		return err
	}
	if terminal(p.in) && s.lost() {
		p.help([]*level{programLevel(c.App)})
		return &exit{code: exitUsage}
	}
	if s.checks() {
		return classicCode(p.check(c, s))
	}
	if !s.Onetime && !s.Watch {
		s.warnings = append(s.warnings, polling(s))
	}
	return classicCode(p.run(c.Context, s))
}

// checks tells whether only the configuration is to be looked at.
func (s *settings) checks() bool { return s.CheckConfig || s.Validate || s.Preflight }

func polling(s *settings) string {
	if s.Interval <= 0 {
		return "interval 0: changes are applied at once, and files are never looked at in between"
	}
	return fmt.Sprintf("polling every %s; add -watch to follow the store", s.Interval)
}

// lost tells whether nothing says what to do: no flag, no variable, no
// configuration.
func (s *settings) lost() bool {
	if slices.ContainsFunc(config.Options, func(o config.Option) bool { return s.merged.Set(o.Name) }) {
		return false
	}
	_, err := os.Stat(filepath.Join(s.Confdir, "conf.d"))
	return errors.Is(err, fs.ErrNotExist)
}

// classicCode keeps to the exit codes of confd.
func classicCode(err error) error {
	var usage *usageError
	var coded *exit
	switch {
	case err == nil, errors.As(err, &usage):
		return err
	case errors.As(err, &coded):
		return &exit{min(coded.code, exitFailed), coded.err}
	}
	return &exit{exitFailed, err}
}

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "keep the files in step with the keys, until a signal ends it",
		Description: "It watches the store, unless -watch=false makes it poll. Where no store is named, a keys.yaml beside conf.d is one.\n" +
			"SIGHUP reads the configuration again; edited files are seen without it. SIGUSR1 compares the cache with the store.",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "once", Usage: "render and apply once, then exit"}},
		Action: func(c *cli.Context) error {
			s, err := p.newStyle(c)
			if err != nil {
				return err
			}
			if s.checks() {
				return p.check(c, s)
			}
			s.Onetime = s.Onetime || c.Bool("once")
			if !s.merged.Set("watch") {
				s.Watch = true
			}
			return p.run(c.Context, s)
		},
	}
}

func (p *program) onceCommand() *cli.Command {
	return &cli.Command{
		Name: "once", Usage: "render and apply once, then exit",
		Description: "Exit 3 when the configuration does not load, 8 when the store cannot be reached, 9 when a check_cmd refused or a\n" +
			"reload_cmd failed, and 1 for anything else that went wrong, or several of these.",
		Action: func(c *cli.Context) error {
			s, err := p.newStyle(c)
			if err != nil {
				return err
			}
			if s.checks() {
				return p.check(c, s)
			}
			s.Onetime = true
			return p.run(c.Context, s)
		},
	}
}

// newStyle is the settings of a sub-command, which takes no arguments.
func (p *program) newStyle(c *cli.Context) (*settings, error) {
	if err := arity(c, 0, 0); err != nil {
		return nil, err
	}
	s, err := p.settings(c)
	if err == nil {
		s.keysBeside()
	}
	return s, err
}

// run is the daemon, or one pass of it.
func (p *program) run(ctx context.Context, s *settings) error {
	log, err := p.logger(s)
	if err != nil {
		return err
	}
	for _, w := range s.warnings {
		log.Warn(w)
	}
	if err := s.served(); err != nil {
		return &exit{exitLoad, err}
	}
	if s.Onetime {
		collectLate()
	}
	watched := admin.New(admin.Options{
		Addr: s.MetricsAddr, Systemd: s.SystemdNotify && !s.Onetime, Watchdog: s.WatchdogInterval,
		Version: thisVersion(), Commit: commit, Log: log,
	})
	o := runtime.Options{
		Daemon: s.Daemon, Single: s.single, Templates: s.templates, Log: log, Loading: ctx, Background: !s.Onetime,
		Observer: watched.Observer(), Pulse: watched.Pulse(),
	}
	if s.Onetime {
		o.Ahead = ctx
	}
	rt, err := runtime.Open(o)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return stopped(context.Canceled, log)
	}
	if err != nil {
		return &exit{exitLoad, err}
	}
	defer rt.Close()
	log.Info("starting", "version", thisVersion(), "backend", s.Store.Backend, "resources", len(rt.Resources()))
	if s.Onetime {
		return p.onePass(ctx, s, rt)
	}
	if s.Noop && s.Diff {
		log.Warn("-diff prints in a one-time run only")
	}
	defer onSignal(ctx, syscall.SIGHUP, func(context.Context) {
		log.Info("reading the configuration again")
		watched.Reload(rt.Reload)
	})()
	defer onSignal(ctx, syscall.SIGUSR1, rt.Audit)()
	return stopped(watched.Run(ctx, rt, rt.Run), log)
}

func stopped(err error, log *slog.Logger) error {
	if errors.Is(err, context.Canceled) {
		log.Info("stopped")
		return nil
	}
	return err
}

func (p *program) onePass(ctx context.Context, s *settings, rt *runtime.Runtime) error {
	failed := rt.Once(ctx)
	if s.Noop && s.Diff {
		d := differ{out: p.out, colour: colour(p.out, s.Color), context: s.DiffContext}
		for _, l := range rt.Looks() {
			keys, err := l.Snapshot(ctx)
			if err == nil {
				err = d.resource(ctx, l, keys)
			}
			if err != nil && failed == nil {
				failed = err
			}
		}
	}
	return coded(failed)
}

// foreign are the stores of confd and its fork that do not exist here.
var foreign = []string{"consul", "vault", "zookeeper", "redis", "dynamodb", "ssm", "acm", "secretsmanager", "imds"}

// served refuses a store that does not exist here. The flags that only such a
// store has are accepted from old command lines as long as it is not chosen.
func (s *settings) served() error {
	name := s.Store.Backend
	if !slices.Contains(foreign, name) {
		_, err := runtime.FindBackend(name)
		return err
	}
	hint := "there are " + strings.Join(runtime.BackendNames(), ", ")
	if flags := s.merged.Unserved(); len(flags) > 0 {
		hint += "; none of them uses -" + strings.Join(flags, ", -")
	}
	return &usageError{fmt.Sprintf("this version has no backend %s", name), hint}
}
