package testrun_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/testrun"
)

// Whatever stands in a test file, it is refused with a place or it can be run;
// it never takes the runner down.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"nginx.txtar", "stories.txtar"} {
		a, err := txtar.ParseFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, "_test.toml") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Add("format = 1\n[template]\nsrc = \"a\"\n[[case]]\nname = \"{a}\"\nmatrix = { a = [\"{a}\", \"\"] }\n[[case.step]]\nafter = \"1h\"\nexpect.line = { -1 = \"\" }\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := testrun.Parse("x_test.toml", []byte(text))
		if err != nil {
			for _, e := range unjoined(err) {
				if p, ok := e.(*problem.Problem); !ok || p.Code != problem.Config || p.File != "x_test.toml" {
					t.Errorf("not a problem of the file: %#v", e)
				}
			}
			return
		}
		if len(file.Cases) == 0 {
			t.Error("a file without a case")
		}
	})
}

func unjoined(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// FuzzRun plays what parses, on a world that holds what files name.
func FuzzRun(f *testing.F) {
	f.Add("[[case]]\nname = \"x\"\n[[case.step]]\ndo = \"backend-down\"\nafter = \"1h\"\n[[case.step]]\ndo = \"start\"\nexpect = { written = false }\n")
	f.Add("[[case]]\nname = \"x\"\nstub = { reload_cmd = { exit = 1, times = 3, delay = \"1m\" } }\n[[case.step]]\n[[case.step]]\nafter = \"24h\"\nexpect = { reload = \"now\" }\n")
	f.Add("[[case]]\nname = \"x {a}\"\nmatrix = { a = [\"1\", \"2\"] }\nset = { \"/workers\" = \"{a}\" }\ndelete = [\"/services\"]\nexpect = { regex = [\"{a}{\"], error = { match = \"x\" } }\n")
	f.Fuzz(func(t *testing.T, cases string) {
		world(t, "nginx.txtar")
		if err := os.WriteFile("tests/x_test.toml", []byte(head+cases), 0o644); err != nil {
			t.Fatal(err)
		}
		r, _ := run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
		for _, file := range r.Files {
			for _, res := range file.Results {
				if res.Outcome == "" || res.Outcome == testrun.Failed && len(res.Failures) == 0 {
					t.Errorf("%s ended as %q without a word", res.Title, res.Outcome)
				}
			}
		}
	})
}
