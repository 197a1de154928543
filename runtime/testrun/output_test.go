package testrun_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wconf/wconf/runtime/testrun"
)

// mixed is a run with every outcome, and with texts that each format must quote.
func mixed(t *testing.T) *testrun.Report {
	world(t, "nginx.txtar")
	write(t, "tests/x_test.toml", head+`[[case]]
name = "100% # <bad>, | \u0007"
expect = { contains = ["<&>\n\u0007"] }
[[case]]
name = "skipped"
skip = "why # not"
expect = { empty = true }
[[case]]
name = "fine"
expect = { empty = false }
`)
	write(t, "tests/y_test.toml", "format = 2\n")
	r, out := run(t, testrun.Options{Paths: []string{"tests/x_test.toml", "tests/y_test.toml"}, Jobs: 1})
	counts(t, r, out, 1, 1, 1, 1)
	for _, f := range r.Files {
		for _, res := range f.Results {
			res.Took = time.Millisecond
		}
	}
	r.Took = time.Second
	return r
}

func written(t *testing.T, write func(io.Writer, *testrun.Report) error, r *testrun.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJUnit(t *testing.T) {
	text := written(t, testrun.WriteJUnit, mixed(t))
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string `xml:"name,attr"`
				Line    int    `xml:"line,attr"`
				Failure string `xml:"failure"`
				Error   string `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &suites); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if suites.Tests != 4 || suites.Failures != 1 || suites.Errors != 1 || suites.Skipped != 1 || len(suites.Suites) != 2 {
		t.Fatalf("%+v", suites)
	}
	bad := suites.Suites[0].Cases[0]
	if bad.Line != 5 || !strings.Contains(bad.Failure, `the output does not contain "<&>\n\a"`) || !strings.Contains(suites.Suites[1].Cases[0].Error, "format = 1") {
		t.Errorf("%+v", suites)
	}
}

func TestTAP(t *testing.T) {
	says(t, written(t, testrun.WriteTAP, mixed(t)),
		"TAP version 13\n1..4\nnot ok 1 - tests/x_test.toml: 100% \\# <bad>, |", "\n  ---\n  message: \"the output does not contain",
		"  at: \"tests/x_test.toml:7\"\n", "\n  ...\n", "ok 2 - tests/x_test.toml: skipped # SKIP why \\# not\n", "ok 3 - tests/x_test.toml: fine\n", "not ok 4 - tests/y_test.toml: load\n")
}

func TestJSON(t *testing.T) {
	text := written(t, testrun.WriteJSON, mixed(t))
	var r struct {
		Passed, Failed, Skipped, Broken int
		Files                           []struct {
			Problems []string
			Cases    []struct{ Outcome, Address string }
		}
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if r.Passed != 1 || r.Failed != 1 || r.Skipped != 1 || r.Broken != 1 || r.Files[0].Cases[2].Outcome != "passed" || len(r.Files[1].Problems) == 0 {
		t.Errorf("%+v", r)
	}
}

func TestGitHub(t *testing.T) {
	r := mixed(t)
	says(t, written(t, testrun.WriteGitHub, r),
		"::error file=tests/x_test.toml,line=7,title=100%25 # <bad>%2C |", "%0A", "::error file=tests/y_test.toml,line=1,title=does not load::")
	says(t, written(t, testrun.WriteSummary, r), "### wconf test: 1 passed, 2 failed, 1 skipped", `| tests/x_test.toml:7 | 100% # <bad>, \| `)
}

func TestPretty(t *testing.T) {
	r := mixed(t)
	quiet := written(t, testrun.Pretty{Quiet: true}.Write, r)
	if strings.Contains(quiet, "skip") && !strings.Contains(quiet, "skipped") || strings.Contains(quiet, "fine") {
		t.Errorf("quiet:\n%s", quiet)
	}
	says(t, written(t, testrun.Pretty{Verbose: true, Colour: true}.Write, r), "\x1b[31mFAIL\x1b[0m", "\x1b[32mok\x1b[0m    tests/x_test.toml:12  fine", "1 passed, 1 failed, 1 skipped, 1 file not loaded   3 cases, 2 files, 1s")
}

// A saved template runs the cases again; the end of the context ends it all.
func TestWatch(t *testing.T) {
	defer goleak.VerifyNone(t)
	world(t, "nginx.txtar")
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	runs := 0
	err := testrun.Watch(ctx, testrun.Options{}, func(r *testrun.Report, err error) {
		if err != nil {
			t.Error(err)
		}
		switch runs++; {
		case runs == 1:
			write(t, "templates/nginx.conf.tmpl", "# generated\n")
		default:
			if _, failed, _, _ := r.Counts(); failed > 0 {
				stop()
			}
		}
	})
	if !errors.Is(err, context.Canceled) || runs < 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
}

func TestInterrupted(t *testing.T) {
	world(t, "nginx.txtar")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := testrun.Run(ctx, testrun.Options{}); err == nil {
		t.Error("a run that was stopped says nothing")
	}
}
