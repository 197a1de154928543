package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/testrun"
)

func (p *program) testCommand() *cli.Command {
	return &cli.Command{
		Name: "test", Usage: "play the cases of *_test.toml files: keys in, file and decisions out",
		ArgsUsage: "[path | glob | file:LINE | file#case]...",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "run", Aliases: []string{"r"}, Usage: "only cases whose name, or file#case, matches this regular expression"},
			&cli.StringFlag{Name: "skip", Usage: "leave out the cases that match"},
			&cli.StringSliceFlag{Name: "tags", Aliases: []string{"t"}, Usage: "only cases with these tags: a,!b; given again: or"},
			&cli.BoolFlag{Name: "list", Usage: "name the cases and run none; with -o json for programs"},
			&cli.BoolFlag{Name: "update-all", Aliases: []string{"u"}, Usage: "write the goldens that are missing or differ; short for --update=all"},
			&cli.StringFlag{Name: "update", Usage: "which goldens to write: missing, all, or force (all, also where CI is set)"},
			&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, Usage: "run again whenever a test, resource, template, fixture or golden is saved"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Usage: "cases at a time (default: one for each core)"},
			&cli.BoolFlag{Name: "fail-fast", Usage: "begin no case after the first that fails"},
			&cli.StringSliceFlag{Name: "output", Aliases: []string{"o"}, Usage: "pretty, junit, tap, json or github, with =FILE to write there; may be given again"},
			&cli.BoolFlag{Name: "allow-exec", Usage: "let cases with run = [\"check_cmd\"] run it for real"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "only what failed"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "also what passed"},
		},
		Action: p.test,
	}
}

func (p *program) test(c *cli.Context) error {
	o, err := testOptions(c)
	if err != nil {
		return err
	}
	outputs, err := p.testOutputs(c)
	if err != nil {
		return err
	}
	dir, err := stateDir(c)
	if err != nil {
		return err
	}
	o.Guests = runtime.NewGuests(dir, slog.New(slog.DiscardHandler))
	defer o.Guests.Close() //nolint:errcheck // there is nothing to lose
	switch {
	case c.Bool("list"):
		return p.testList(o, outputs)
	case c.Bool("watch"):
		return testrun.Watch(c.Context, o, func(r *testrun.Report, err error) {
			if err == nil {
				err = p.writeAll(r, outputs)
			}
			if err != nil {
				p.say(err)
			}
		})
	}
	return p.testOnce(c.Context, o, outputs)
}

// exitInterrupted is what a shell says of a program that SIGINT has ended.
const exitInterrupted = 130

func (p *program) testOnce(ctx context.Context, o testrun.Options, outputs []output) error {
	report, err := testrun.Run(ctx, o)
	var nothing *testrun.NothingError
	switch {
	case errors.As(err, &nothing):
		return &exit{exitNothing, err}
	case err != nil && report == nil:
		return err
	}
	if err := p.writeAll(report, outputs); err != nil {
		return err
	}
	if err != nil { // what did not run did not pass
		return &exit{exitInterrupted, errors.New("interrupted")}
	}
	if code := report.Exit(); code != exitOK {
		return &exit{code: code}
	}
	return nil
}

// testOptions is what the command line asks for.
func testOptions(c *cli.Context) (testrun.Options, error) {
	o := testrun.Options{
		Paths: c.Args().Slice(), Jobs: c.Int("jobs"), FailFast: c.Bool("fail-fast"), AllowExec: c.Bool("allow-exec"),
		CI: os.Getenv("CI") != "" && os.Getenv("CI") != "false",
	}
	o.Select.Tags = c.StringSlice("tags")
	var err error
	if o.Select.Run, err = expression(c, "run"); err != nil {
		return o, err
	}
	if o.Select.Skip, err = expression(c, "skip"); err != nil {
		return o, err
	}
	o.Update, err = update(c, o.CI)
	return o, err
}

func expression(c *cli.Context, flag string) (*regexp.Regexp, error) {
	if c.String(flag) == "" {
		return nil, nil
	}
	re, err := regexp.Compile(c.String(flag))
	if err != nil {
		return nil, &usageError{fmt.Sprintf("--%s: %v", flag, err), ""}
	}
	return re, nil
}

// update is which goldens to write; a build server must not make its own.
func update(c *cli.Context, ci bool) (testrun.Update, error) {
	asked := c.String("update")
	if asked == "" && c.Bool("update-all") {
		asked = "all"
	}
	switch {
	case asked == "":
		return testrun.UpdateNone, nil
	case asked == "force":
		return testrun.UpdateAll, nil
	case asked != "all" && asked != "missing":
		return "", &usageError{fmt.Sprintf("--update=%s is not supported", asked), "missing, all or force"}
	case ci:
		return "", &usageError{"goldens are not written where CI is set: a test would make its own answer", "--update=force does it all the same"}
	}
	return testrun.Update(asked), nil
}

// output is a format and where it goes; no file is standard output.
type output struct {
	format, file string
	write        func(io.Writer, *testrun.Report) error
}

func (p *program) testOutputs(c *cli.Context) (all []output, err error) {
	formats := map[string]func(io.Writer, *testrun.Report) error{
		"pretty": testrun.Pretty{Verbose: c.Bool("verbose"), Quiet: c.Bool("quiet"), Colour: p.testColour(c)}.Write,
		"junit":  testrun.WriteJUnit, "tap": testrun.WriteTAP, "json": testrun.WriteJSON, "github": writeGitHub,
	}
	names := []string{"pretty", "junit", "tap", "json", "github"}
	onScreen := 0
	for _, given := range c.StringSlice("output") {
		format, file, _ := strings.Cut(given, "=")
		if formats[format] == nil {
			hint := problem.DidYouMean(format, names)
			if hint == "" {
				hint = "one of " + strings.Join(names, ", ")
			}
			return nil, &usageError{fmt.Sprintf("unknown output %q", format), hint}
		}
		write := formats[format]
		if format == "pretty" && file != "" {
			write = testrun.Pretty{Verbose: c.Bool("verbose"), Quiet: c.Bool("quiet")}.Write
		}
		if file == "" {
			onScreen++
		}
		all = append(all, output{format, file, write})
	}
	if onScreen > 1 {
		return nil, &usageError{"two outputs go to the screen", "give one of them a file: -o junit=report.xml"}
	}
	if onScreen == 0 { // people want to see something, too
		all = append(all, output{"pretty", "", formats["pretty"]})
	}
	return all, nil
}

func (p *program) testColour(c *cli.Context) bool {
	switch c.String("color") {
	case "always", "true":
		return true
	case "never", "false":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && terminal(p.out)
}

// writeGitHub writes annotations, and the summary where GitHub asks for one.
func writeGitHub(w io.Writer, r *testrun.Report) error {
	if err := testrun.WriteGitHub(w, r); err != nil {
		return err
	}
	path := os.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("job summary: %w", err)
	}
	return errors.Join(testrun.WriteSummary(f, r), f.Close())
}

func (p *program) writeAll(r *testrun.Report, outputs []output) error {
	var errs []error
	for _, o := range outputs {
		if o.file == "" {
			errs = append(errs, o.write(p.out, r))
			continue
		}
		f, err := os.Create(o.file)
		if err == nil {
			err = errors.Join(o.write(f, r), f.Close())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("output %s: %w", o.format, err))
		}
	}
	return errors.Join(errs...)
}

// testList names the cases and runs none.
func (p *program) testList(o testrun.Options, outputs []output) error {
	report, err := testrun.List(o)
	if err != nil {
		return &exit{exitNothing, err}
	}
	if slices.ContainsFunc(outputs, func(o output) bool { return o.format == "json" }) {
		return p.writeAll(report, outputs)
	}
	n := 0
	for _, f := range report.Files {
		for _, err := range f.Broken {
			p.say(err)
		}
		for _, r := range f.Results {
			n++
			fmt.Fprintf(p.out, "%s:%d\t%s\t%s\n", f.Path, r.Line, r.Title, strings.Join(r.Tags, ","))
		}
	}
	_, _, _, broken := report.Counts()
	switch {
	case broken > 0:
		return &exit{code: exitLoad}
	case n == 0:
		return &exit{exitNothing, errors.New("no tests")}
	}
	return nil
}
