package testrun

import (
	"fmt"
	"io"
	"strings"
)

// WriteTAP writes a report in the Test Anything Protocol, version 13, with a
// YAML block behind each failure.
func WriteTAP(w io.Writer, r *Report) error {
	p := &printer{w: w}
	passed, failed, skipped, broken := r.Counts()
	p.line("TAP version 13")
	p.line("1..%d", passed+failed+skipped+broken)
	n := 0
	for _, f := range r.Files {
		if len(f.Broken) > 0 {
			n++
			p.line("not ok %d - %s: load", n, tapName(f.Path))
			var lines []string
			for _, err := range f.Broken {
				lines = append(lines, strings.Split(detail(err), "\n")...)
			}
			p.yaml(f.Broken[0].Error(), f.Path, lines)
		}
		for _, res := range f.Results {
			n++
			p.tapResult(n, f, res)
		}
		for _, warning := range f.Warnings {
			p.line("# warning: %s: %s", f.Path, warning)
		}
	}
	return p.err
}

func (p *printer) tapResult(n int, f *FileReport, res *Result) {
	name := tapName(f.Path + ": " + res.Title)
	switch res.Outcome {
	case Failed:
		p.line("not ok %d - %s", n, name)
		p.yaml(res.Failures[0].Msg, res.Failures[0].Place, strings.Split(strings.TrimSuffix(res.text(), "\n"), "\n"))
	case Skipped:
		p.line("ok %d - %s # SKIP %s", n, name, tapName(res.Why))
	default:
		p.line("ok %d - %s", n, name)
	}
}

// tapName is a description; "#" would begin a directive.
func tapName(s string) string {
	return strings.NewReplacer("#", `\#`, "\n", " ").Replace(s)
}

func (p *printer) yaml(msg, at string, lines []string) {
	p.line("  ---")
	p.line("  message: %s", yamlQuoted(msg))
	p.line("  at: %s", yamlQuoted(at))
	p.line("  details: |2")
	for _, l := range lines {
		p.line("    %s", l)
	}
	p.line("  ...")
}

// yamlQuoted is a double-quoted scalar of YAML, which takes the escapes of Go.
func yamlQuoted(s string) string { return fmt.Sprintf("%q", s) }
