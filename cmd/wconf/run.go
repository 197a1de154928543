package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/admin"
)

// classic is wconf without a sub-command: confd's command line.
func (p *program) classic(c *cli.Context) error {
	if c.Bool("version") {
		p.versionLine()
		return nil
	}
	s, err := p.settings(c)
	if err != nil {
		return err
	}
	if !s.Onetime && !s.Watch {
		s.warnings = append(s.warnings, fmt.Sprintf("polling every %s; add -watch to follow the store", s.Interval))
	}
	return p.run(c.Context, s)
}

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "keep the files in step with the keys, until a signal ends it",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "once", Usage: "render and apply once, then exit"}},
		Action: func(c *cli.Context) error {
			s, err := p.settings(c)
			if err != nil {
				return err
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
		Action: func(c *cli.Context) error {
			s, err := p.settings(c)
			if err != nil {
				return err
			}
			s.Onetime = true
			return p.run(c.Context, s)
		},
	}
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
	watched := admin.New(admin.Options{
		Addr: s.MetricsAddr, Systemd: s.SystemdNotify && !s.Onetime, Watchdog: s.WatchdogInterval,
		Version: version, Commit: commit, Log: log,
	})
	rt, err := runtime.Open(runtime.Options{
		Daemon: s.Daemon, Single: s.single, Templates: s.templates, Observer: watched.Observer(), Pulse: watched.Pulse(), Log: log,
	})
	if err != nil {
		return &exit{exitFailed, err}
	}
	defer rt.Close()
	log.Info("starting", "version", version, "backend", s.Store.Backend, "resources", len(rt.Resources()))
	if s.Onetime {
		if err := rt.Once(ctx); err != nil {
			return &exit{exitFailed, err}
		}
		return nil
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-hup:
				log.Info("reading the configuration again")
				watched.Reload(rt.Reload)
			case <-ended:
				return
			}
		}
	}()
	err = watched.Run(ctx, rt, rt.Run)
	if errors.Is(err, context.Canceled) {
		log.Info("stopped")
		return nil
	}
	return err
}
