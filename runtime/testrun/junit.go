package testrun

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteJUnit writes a report as the JUnit XML that build servers read: one
// testsuite for each file, one testcase for each row.
func WriteJUnit(w io.Writer, r *Report) error {
	passed, failed, skipped, broken := r.Counts()
	all := junitSuites{Tests: passed + failed + skipped + broken, Failures: failed, Errors: broken, Skipped: skipped, Time: seconds(r.Took)}
	for _, f := range r.Files {
		all.Suites = append(all.Suites, junitFile(f))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	File     string      `xml:"file,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
	Warnings string      `xml:"system-err,omitempty"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr"`
	Line    int           `xml:"line,attr,omitempty"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func junitFile(f *FileReport) junitSuite {
	s := junitSuite{Name: f.Name, File: f.Path, Warnings: strings.Join(f.Warnings, "\n")}
	if s.Name == "" {
		s.Name = f.Path
	}
	if len(f.Broken) > 0 {
		var texts []string
		for _, err := range f.Broken {
			texts = append(texts, detail(err))
		}
		s.Errors++
		s.Cases = append(s.Cases, junitCase{Name: "load", Class: s.Name, File: f.Path, Time: seconds(0),
			Error: &junitMessage{Message: f.Broken[0].Error(), Text: strings.Join(texts, "\n")}})
	}
	var total time.Duration
	for _, res := range f.Results {
		total += res.Took
		c := junitCase{Name: res.Title, Class: s.Name, File: f.Path, Line: res.Line, Time: seconds(res.Took)}
		switch res.Outcome {
		case Failed:
			s.Failures++
			c.Failure = &junitMessage{Message: res.Failures[0].Msg, Text: res.text()}
		case Skipped:
			s.Skipped++
			c.Skipped = &junitMessage{Message: res.Why}
		}
		s.Cases = append(s.Cases, c)
	}
	s.Tests, s.Time = len(s.Cases), seconds(total)
	return s
}

// text is everything that is wrong with a row.
func (r *Result) text() string {
	var b strings.Builder
	for _, f := range r.Failures {
		if f.Step != "" {
			fmt.Fprintf(&b, "%s: ", f.Step)
		}
		fmt.Fprintf(&b, "%s  %s\n", f.Msg, f.Place)
		for _, l := range f.Detail {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	return b.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
