package testrun

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// Pretty writes a report for people.
type Pretty struct {
	Verbose bool // also what passed
	Quiet   bool // only what failed, without a summary when nothing did
	Colour  bool
}

// Write writes the report.
func (o Pretty) Write(w io.Writer, r *Report) error {
	p := &printer{w: w, opt: o}
	for _, f := range r.Files {
		p.file(f)
	}
	p.summary(r)
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	opt Pretty
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// The colours of the words that begin a line.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (p *printer) word(colour, word string) string {
	if !p.opt.Colour {
		return word
	}
	return "\x1b[" + colour + "m" + word + "\x1b[0m"
}

func (p *printer) file(f *FileReport) {
	for _, err := range f.Broken {
		p.line("%s  %s", p.word(red, "LOAD"), strings.ReplaceAll(detail(err), "\n", "\n  "))
	}
	for _, res := range f.Results {
		switch {
		case res.Outcome == Failed:
			p.failed(f, res)
		case p.opt.Quiet:
		case res.Outcome == Skipped:
			p.line("%s  %s:%d  %s (%s)", p.word(yellow, "skip"), f.Path, res.Line, res.Title, res.Why)
		case p.opt.Verbose:
			p.line("%s    %s:%d  %s  %s", p.word(green, "ok"), f.Path, res.Line, res.Title, took(res.Took))
		}
		if !p.opt.Quiet {
			for _, warning := range res.Warnings {
				p.line("%s  %s:%d  %s: %s", p.word(yellow, "warn"), f.Path, res.Line, res.Title, warning)
			}
		}
	}
	if !p.opt.Quiet {
		for _, warning := range f.Warnings {
			p.line("%s  %s: %s", p.word(yellow, "warn"), f.Path, warning)
		}
	}
}

func detail(err error) string {
	if p, ok := err.(*problem.Problem); ok {
		return p.Detail()
	}
	return err.Error()
}

// failed shows a row and everything that is wrong with it, step by step.
func (p *printer) failed(f *FileReport, res *Result) {
	p.line("%s  %s:%d  %s  %s", p.word(red, "FAIL"), f.Path, res.Line, res.Title, took(res.Took))
	step := ""
	for i, failure := range res.Failures {
		if failure.Step != step {
			step = failure.Step
			after := ""
			if i > 0 {
				after = "  (after a failure)"
			}
			p.line("  › %s%s", step, after)
		}
		p.line("  %s  %s", failure.Msg, failure.Place)
		for _, l := range failure.Detail {
			p.line("    %s", l)
		}
	}
	p.line("  re-run: wconf test %s", shellQuoted(res.Address()))
}

func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func took(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

func (p *printer) summary(r *Report) {
	passed, failed, skipped, broken := r.Counts()
	for _, g := range r.Goldens {
		p.line("%s  %s", p.word(yellow, "wrote"), g)
	}
	if p.opt.Quiet && failed+broken == 0 && passed > 0 {
		return
	}
	if passed+failed+broken == 0 && skipped == 0 {
		p.line("no tests: nothing ran")
		return
	}
	parts := []string{fmt.Sprintf("%d passed", passed)}
	for _, c := range []struct {
		n    int
		what string
	}{{failed, "failed"}, {skipped, "skipped"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if broken > 0 {
		parts = append(parts, plural(broken, "file")+" not loaded")
	}
	p.line("%s   %s, %s, %s", strings.Join(parts, ", "), plural(passed+failed+skipped, "case"), plural(len(r.Files), "file"), took(r.Took))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
