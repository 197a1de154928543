// Wconf renders configuration files from keys, checks them, swaps them and
// reloads their services: a drop-in successor of confd whose templates may
// also be sandboxed Wasm guests.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // windows of conditions name zones, and an image from scratch has none

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl"
)

// Set by the linker; see Makefile.
var (
	version = "devel"
	commit  = "unknown"
)

// Exit codes. The classic command line (no sub-command) knows only the first
// three; sub-commands have them all, see docs/cli.md.
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitLoad      = 3 // a configuration, template, test or guest does not load
	exitThreshold = 4
	exitNothing   = 5 // nothing was found, or ran
	exitDiffers   = 6
	exitStore     = 8 // the store cannot be reached
	exitCommand   = 9 // check_cmd refused, or reload_cmd failed
)

func main() {
	command.Init()
	os.Exit(wconf(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// wconf runs one command line and returns its exit code.
func wconf(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	p := &program{asConfd: filepath.Base(args[0]) == "confd", in: in, out: out, err: errs}
	if len(args) > 1 && args[1] == "__complete" {
		p.complete(args[2:])
		return exitOK
	}
	app := p.app()
	ordered, warnings, err := arguments(app, runtime.BackendNames(), args[1:])
	for _, w := range warnings {
		fmt.Fprintf(errs, "%s: %s\n", app.Name, w)
	}
	if err == nil {
		app.Flags = given(app.Flags, ordered)
		err = app.RunContext(ctx, append([]string{args[0]}, ordered...))
	}
	return p.report(err)
}

// given is the flags of the program that a command line in order uses. The
// library looks each flag up among all others: with the options that nobody
// gave, it would spend a fifth of a one-shot run on that.
func given(flags []cli.Flag, ordered []string) []cli.Flag {
	names := map[string]bool{"confdir": true} // as "wconf migrate DIR" sets it
	for _, a := range ordered {
		flag, ok := strings.CutPrefix(a, "--")
		if !ok {
			break
		}
		name, _, _ := strings.Cut(flag, "=")
		names[name] = true
	}
	return slices.DeleteFunc(flags, func(f cli.Flag) bool { return !names[f.Names()[0]] })
}

// program is one run of wconf: its streams and under which name it runs.
type program struct {
	asConfd  bool
	in       io.Reader
	out, err io.Writer
}

func (p *program) name() string {
	if p.asConfd {
		return "confd"
	}
	return "wconf"
}

func (p *program) app() *cli.App {
	return &cli.App{
		Name: p.name(), HelpName: p.name(), Usage: "render configuration files from keys, check them, reload their services",
		HideHelp: true, HideVersion: true,
		DisableSliceFlagSeparator: true,
		Reader:                    p.in, Writer: p.out, ErrWriter: p.err,
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return &usageError{msg: err.Error()} },
		Flags:          append(optionFlags(), &cli.BoolFlag{Name: "version", Usage: "print the version and exit"}),
		Action:         p.classic,
		Commands:       p.commands(),
	}
}

// exit is an error with an exit code of its own. A nil err prints nothing.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprint("exit ", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// report prints an error as people want to read it and returns the exit code.
func (p *program) report(err error) int {
	var usage *usageError
	var coded *exit
	var help *helpRequest
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitOK
	case errors.As(err, &help):
		p.help(help.levels)
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(p.err, "%s: %s\n", p.name(), usage.msg)
		if usage.hint != "" {
			fmt.Fprintf(p.err, "  %s\n", usage.hint)
		}
		return exitUsage
	case errors.As(err, &coded):
		if coded.err != nil {
			p.say(coded.err)
		}
		return coded.code
	}
	p.say(err)
	return exitFailed
}

// say prints an error, each of a joined one by itself, with the lines it
// points at.
func (p *program) say(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.say(e)
		}
		return
	}
	if line := gotmpl.Classic(err); line != "" && p.asConfd {
		fmt.Fprintf(p.err, "confd: %s\n", line)
		return
	}
	var pr *problem.Problem
	if errors.As(err, &pr) && pr.Source != "" {
		fmt.Fprintln(p.err, pr.Detail())
		return
	}
	fmt.Fprintf(p.err, "%s: %v\n", p.name(), err)
}
