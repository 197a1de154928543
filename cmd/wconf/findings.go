package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/wconf/wconf/runtime/problem"
)

// finding is one thing that lint has to say.
type finding struct {
	severity string // problem, warning or note
	*problem.Problem
}

var findingFormats = []string{"text", "json", "github"}

func findingsFlag() cli.Flag {
	return &cli.StringFlag{Name: "format", Usage: "`FORMAT` of the findings: text, json or github (default text)"}
}

// findingFormat is how a command prints its findings.
func findingFormat(c *cli.Context) (string, error) {
	format := cmp.Or(c.String("format"), "text")
	if c.Bool("json") {
		format = "json"
	}
	if !slices.Contains(findingFormats, format) {
		return "", &usageError{fmt.Sprintf("unknown format %q", format), "text, json or github"}
	}
	return format, nil
}

// findings prints what was found, and for people a count.
func (p *program) findings(all []finding, format string) {
	switch format {
	case "json":
		p.findingsJSON(all)
	case "github":
		for _, f := range all {
			p.annotation(f)
		}
	default:
		p.findingsText(all)
	}
}

func (p *program) findingsText(all []finding) {
	count := map[string]int{}
	for _, f := range all {
		count[f.severity]++
		fmt.Fprintf(p.out, "%s: %s\n", f.severity, f.Detail())
	}
	var parts []string
	for _, severity := range []string{"problem", "warning", "note"} {
		if n := count[severity]; n > 0 {
			parts = append(parts, plural(n, severity))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to say"}
	}
	fmt.Fprintln(p.out, strings.Join(parts, ", "))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *program) findingsJSON(all []finding) {
	type row struct {
		Severity string `json:"severity"`
		Code     string `json:"code"`
		File     string `json:"file,omitempty"`
		Line     int    `json:"line,omitempty"`
		Col      int    `json:"col,omitempty"`
		Message  string `json:"message"`
		Hint     string `json:"hint,omitempty"`
	}
	rows := []row{}
	for _, f := range all {
		rows = append(rows, row{f.severity, f.Code, f.File, f.Line, f.Col, f.Msg, f.Hint})
	}
	p.json(rows) //nolint:errcheck // standard output is gone; nobody can be told
}

// annotation is the line that GitHub's actions show beside the source.
func (p *program) annotation(f finding) {
	level := map[string]string{"problem": "error", "warning": "warning", "note": "notice"}[f.severity]
	msg := f.Msg
	if f.Hint != "" {
		msg += " (" + f.Hint + ")"
	}
	msg = strings.NewReplacer("%", "%25", "\n", "%0A", "\r", "%0D").Replace(msg)
	fmt.Fprintf(p.out, "::%s file=%s,line=%d,col=%d::%s\n", level, f.File, max(f.Line, 1), max(f.Col, 1), msg)
}

// problemsOf are the problems that an error is made of.
func problemsOf(err error) (all []*problem.Problem) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			all = append(all, problemsOf(e)...)
		}
		return all
	}
	var p *problem.Problem
	if !errors.As(err, &p) {
		p = &problem.Problem{Code: problem.Config, Msg: err.Error(), Err: err}
	}
	one := *p
	return []*problem.Problem{&one}
}
