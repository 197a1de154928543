package testrun

import (
	"fmt"
	"io"
	"strings"

	"github.com/wconf/wconf/runtime/problem"
)

// WriteGitHub writes the commands by which GitHub Actions shows failures beside
// the lines of a change.
func WriteGitHub(w io.Writer, r *Report) error {
	p := &printer{w: w}
	for _, f := range r.Files {
		for _, err := range f.Broken {
			at := f.Path
			if pr, ok := err.(*problem.Problem); ok && pr.File != "" {
				at = fmt.Sprintf("%s:%d", pr.File, max(pr.Line, 1))
			}
			p.annotate("error", at, "does not load", err.Error())
		}
		for _, res := range f.Results {
			for _, x := range res.Failures {
				p.annotate("error", x.Place, res.Title, strings.Join(append([]string{x.Msg}, x.Detail...), "\n"))
			}
			for _, warning := range res.Warnings {
				p.annotate("warning", fmt.Sprintf("%s:%d", f.Path, res.Line), res.Title, warning)
			}
		}
		for _, warning := range f.Warnings {
			p.annotate("warning", f.Path, f.Name, warning)
		}
	}
	return p.err
}

// annotate writes one workflow command; place is file or file:line.
func (p *printer) annotate(kind, place, title, msg string) {
	file, line := place, "1"
	if i := strings.LastIndexByte(place, ':'); i > 0 {
		file, line = place[:i], place[i+1:]
	}
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	p.line("::%s file=%s,line=%s,title=%s::%s", kind, property.Replace(file), line, property.Replace(title), data.Replace(msg))
}

// WriteSummary writes a report in Markdown, for the summary page of a job
// ($GITHUB_STEP_SUMMARY).
func WriteSummary(w io.Writer, r *Report) error {
	p := &printer{w: w}
	passed, failed, skipped, broken := r.Counts()
	p.line("### wconf test: %d passed, %d failed, %d skipped", passed, failed+broken, skipped)
	if failed+broken == 0 {
		return p.err
	}
	p.line("\n| where | case | what |\n|---|---|---|")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, f := range r.Files {
		for _, err := range f.Broken {
			p.line("| %s | load | %s |", f.Path, cell.Replace(err.Error()))
		}
		for _, res := range f.Results {
			for _, x := range res.Failures {
				p.line("| %s | %s | %s |", x.Place, cell.Replace(res.Title), cell.Replace(x.Msg))
			}
		}
	}
	return p.err
}
