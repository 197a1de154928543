package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/notify"
)

func (p *program) devCommand() *cli.Command {
	return &cli.Command{
		Name: "dev", Usage: "show what a resource becomes each time that one of its files is saved, and play its tests", ArgsUsage: "RESOURCE",
		Description: "It looks at the resource, its template or guest, what these include, a fixture or file of keys, and its *_test.toml.\n" +
			"The first time it shows the whole file, then what has changed since the last one that came out well, and what\n" +
			"output_format and checks refuse. It writes no destination and runs no command of the resource. Values of secret keys are masked, and all text of files that only their\n" +
			"owner reads.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "once", Usage: "show it once and exit, with the code of what failed"},
			&cli.BoolFlag{Name: "whole", Usage: "show the whole file each time"},
			&cli.BoolFlag{Name: "reveal", Usage: "mask nothing"},
			&cli.StringFlag{Name: "build", Usage: "build the guest in this `DIR` when one of its sources is saved"},
			&cli.StringSliceFlag{Name: "tests", Usage: "play the tests of the resource that are below this `PATH` (default: below -confdir); repeatable"},
			fixtureFlag,
		},
		Action: p.dev,
	}
}

func (p *program) dev(c *cli.Context) error {
	if err := arity(c, 1, 1); err != nil {
		return err
	}
	s, err := p.lookSettings(c)
	if err != nil {
		return err
	}
	d := &workbench{program: p, settings: s, name: c.Args().First(), whole: c.Bool("whole"), reveal: c.Bool("reveal"),
		fixtures: c.StringSlice("fixture"), source: c.String("build"), testPaths: c.StringSlice("tests")}
	if len(d.testPaths) == 0 {
		d.testPaths = []string{s.Confdir}
	}
	log, err := p.logger(s)
	if err != nil {
		return err
	}
	d.guests = runtime.NewGuests(s.StateDir, log)
	defer d.guests.Close() //nolint:errcheck // there is nothing to lose
	if c.Bool("once") {
		return d.round(c)
	}
	return d.loop(c)
}

// loop does a round, and another one whenever a file is saved that matters,
// until a signal ends it. What fails is shown, and may be mended.
func (d *workbench) loop(c *cli.Context) error {
	ctx, stop := context.WithCancel(c.Context)
	saved, ended := make(chan []string), make(chan error, 1)
	var watching context.CancelFunc = func() {}
	var places []string
	defer func() {
		stop()
		watching()
	}()
	for {
		err := d.round(c)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, runtime.ErrNoResource) && len(d.files) == 0 { // there never was one
			return err
		}
		d.tell(err)
		if now := d.places(); !slices.Equal(now, places) { // another include, or the first round
			watching()
			places = now
			watching = watch(ctx, places, saved, ended)
		}
		names, err := d.untilChanged(ctx, saved, ended)
		if err != nil {
			return stoppedByUser(err)
		}
		fmt.Fprintf(d.out, "\n-- %s  %s\n", time.Now().Format(time.TimeOnly), strings.Join(names, ", "))
	}
}

// watch tells saved of changes until the returned function is called, which
// waits for the end of the watcher.
func watch(ctx context.Context, places []string, saved chan<- []string, ended chan<- error) context.CancelFunc {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := (notify.Watcher{}).Watch(ctx, places, saved); ctx.Err() == nil {
			ended <- err
		}
	}()
	return func() {
		stop()
		<-done
	}
}

func stoppedByUser(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// tell prints what went wrong in a round that is not the last.
func (d *workbench) tell(err error) {
	var coded *exit
	switch {
	case err == nil:
	case errors.As(err, &coded) && coded.err == nil: // a test failed, and was shown
	case errors.As(err, &coded):
		d.say(coded.err)
	default:
		d.say(err)
	}
}

// untilChanged waits until a file that matters has other content than the last
// round saw; it returns the names of those that have.
func (d *workbench) untilChanged(ctx context.Context, saved <-chan []string, ended <-chan error) ([]string, error) {
	for {
		if names := d.changed(); len(names) > 0 {
			return names, nil
		}
		select {
		case <-saved:
		case err := <-ended:
			return nil, err
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// short is a path as people at the configuration directory say it.
func (d *workbench) short(path string) string {
	dir, err := filepath.Abs(d.settings.Confdir)
	if err != nil {
		return path
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if below, err := filepath.Rel(dir, absolute); err == nil && filepath.IsLocal(below) {
		return below
	}
	return path
}
