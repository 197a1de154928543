package testrun_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wconf/wconf/runtime/testrun"
)

// world unpacks an archive of testdata into a directory of its own and goes
// there.
func world(t testing.TB, archive string) {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", archive))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range a.Files {
		write(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	t.Chdir(dir)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, o testrun.Options) (*testrun.Report, string) {
	t.Helper()
	r, err := testrun.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (testrun.Pretty{Verbose: true}).Write(&out, r); err != nil {
		t.Fatal(err)
	}
	return r, out.String()
}

func counts(t *testing.T, r *testrun.Report, out string, want ...int) {
	t.Helper()
	passed, failed, skipped, broken := r.Counts()
	for i, got := range []int{passed, failed, skipped, broken} {
		if i < len(want) && got != want[i] || i >= len(want) && got != 0 {
			t.Fatalf("passed, failed, skipped, broken: %d %d %d %d, want %v\n%s", passed, failed, skipped, broken, want, out)
		}
	}
}

func says(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(out, p) {
			t.Errorf("nothing says %q:\n%s", p, out)
		}
	}
}

func TestNginx(t *testing.T) {
	world(t, "nginx.txtar")
	for range 3 { // a second run must not find what the first left
		r, out := run(t, testrun.Options{})
		counts(t, r, out, 9, 0, 1)
		if r.Exit() != 0 {
			t.Errorf("exit %d", r.Exit())
		}
	}
}

const head = `format = 1
resource = "../conf.d/nginx.toml"
[fixture]
keys = { "/workers" = "4", "/services/web/1" = "10.0.0.1" }
`

// Whatever can be expected must also be able to fail, at its own line.
func TestExpectationsFail(t *testing.T) {
	world(t, "nginx.txtar")
	for name, c := range map[string]struct{ test, want string }{
		"golden missing":    {`expect = { golden = "golden/none.conf" }`, "there is no tests/golden/none.conf"},
		"golden":            {`expect = { golden = "golden/two.conf" }`, "the output is not golden/two.conf"},
		"text":              {`expect = { text = "x" }`, "the output is not the text"},
		"contains":          {`expect = { contains = ["nope"] }`, `the output does not contain "nope"`},
		"not_contains":      {`expect = { not_contains = ["upstream"] }`, `line 3 of the output contains "upstream"`},
		"regex":             {`expect = { regex = ['^x'] }`, "nothing in the output matches ^x"},
		"not_regex":         {`expect = { not_regex = ['serv.r'] }`, "line 4 of the output matches serv.r"},
		"count":             {`expect = { count = { server = 2 } }`, "expected 2 matches of server, got 1"},
		"line":              {`expect = { line = { -1 = "x" } }`, `expected line -1 = "x", got "}"`},
		"no line":           {`expect = { line = { 9 = "x" } }`, "the output has no line 9, only 5"},
		"empty":             {`expect = { empty = true }`, "expected empty = true, got false"},
		"mode":              {`expect = { mode = "0644" }`, `expected mode = "0644", got "0640"`},
		"rendered":          {`expect = { rendered = false }`, "expected rendered = false, got true"},
		"written":           {`expect = { written = false }`, "expected written = false, got true"},
		"diff_lines":        {`expect = { diff_lines = { added = 4 } }`, "expected diff_lines.added = 4, got 5"},
		"drift":             {`expect = { drift = true }`, "expected drift = true, got false"},
		"reload":            {`expect = { reload = "hold" }`, `expected reload = "hold", got "now"`},
		"wake":              {`expect = { wake = "2s" }`, "nothing waits for a time"},
		"leaf":              {`expect = { leaf = { first = false } }`, "expected first to be false, it is true"},
		"no leaf":           {`expect = { leaf = { drift = false } }`, "the condition has no part drift"},
		"reloads_total":     {`expect = { reloads_total = 2 }`, "expected reloads_total = 2, got 1"},
		"changed":           {`expect = { changed = ["/workers"] }`, `expected changed = ["/workers"], got []`},
		"not judged":        {`step = [{ do = "start" }, { expect = { changed = [] } }]`, "no reload was judged in this step"},
		"keys_read":         {`expect = { keys_read = ["/workers", "/owner"] }`, "/owner was not read"},
		"status":            {`expect = { status = "held" }`, `expected status = "held", got "in sync"`},
		"log":               {`expect = { log = ["no such line"] }`, `nothing in the log contains "no such line"`},
		"check":             {`expect = { check = 1 }`, "expected check = 1, got 0"},
		"error":             {`expect = { error = { match = "x" } }`, "expected an error, and nothing is wrong"},
		"guest":             {`expect = { guest = { fuel_max = 1 } }`, "no guest ran in this step"},
		"code":              {`delete = ["/workers"]` + "\n" + `expect = { error = { code = "busy" } }`, `expected an error with the code "busy", got "key-missing"`},
		"match":             {`delete = ["/workers"]` + "\n" + `expect = { error = { match = "elsewhere" } }`, `the error does not say "elsewhere"`},
		"at":                {`delete = ["/workers"]` + "\n" + `expect = { error = { match = "/workers", at = "nginx.conf.tmpl:7" } }`, "expected an error at nginx.conf.tmpl:7, got one at templates/nginx.conf.tmpl:2:20"},
		"unexpected":        {`delete = ["/workers"]` + "\n" + `expect = { written = false }`, "unexpected error"},
		"no output":         {`delete = ["/workers"]` + "\n" + `expect = { error = { code = "key-missing" }, contains = ["x"] }`, "nothing was rendered"},
		"nothing to delete": {`delete = ["/nope"]` + "\n" + `expect = { written = true }`, "there is no key /nope to delete"},
		"a guarded step":    {`step = [{ do = "start" }, { do = "edit-dest", text = "x", stub = { check_cmd = { exit = 3 } }, expect = { written = false } }]`, "[check-failed]"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "tests/x_test.toml", head+"[[case]]\nname = \"x\"\n"+c.test+"\n")
			r, out := run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
			counts(t, r, out, 0, 1)
			says(t, out, c.want)
			place := regexp.MustCompile(`tests/x_test\.toml:(\d+)\n`).FindStringSubmatch(out)
			if last := "7"; place == nil || strings.HasPrefix(c.test, "expect") && place[1] != last {
				t.Errorf("the failure is not at line %s:\n%s", last, out)
			}
			if r.Exit() != 1 {
				t.Errorf("exit %d", r.Exit())
			}
		})
	}
}

func TestStories(t *testing.T) {
	world(t, "stories.txtar")
	r, out := run(t, testrun.Options{})
	counts(t, r, out, 15, 0, 2)
}

// What every render is looked at for, without being asked.
func TestFreeChecks(t *testing.T) {
	world(t, "nginx.txtar")
	const test = "format = 1\n%s[template]\nsrc = \"free.tmpl\"\ndest = \"/x\"\nkeys = [\"/a\", \"/deep/down\"]\n" +
		"[fixture]\nkeys = { \"/a\" = \"1\", \"/b\" = \"2\", \"/deep/down/x\" = \"3\" }\n[[case]]\nname = \"x\"\nexpect = { rendered = true }\n"
	for name, c := range map[string]struct{ template, check, want string }{
		"no value":      {"line\n{{(json \"{}\").missing}}", "no-value", "line 2 of the output holds <no value>"},
		"verb":          {`{{printf "%d" "x"}}`, "verb", "line 1 of the output holds %!d(string=x)"},
		"keys":          {`{{if exists "/b"}}b{{end}}`, "keys", `the source reads /b, which keys = ["/a", "/deep/down"] does not cover`},
		"keys listed":   {`{{range ls "/other"}}{{.}}{{end}}`, "keys", "the source reads /other/,"},
		"keys matched":  {`{{range gets "/b*"}}{{.Value}}{{end}}`, "", ""}, // it matches below /, where granted keys are
		"above":         {`{{range ls "/deep"}}{{.}}{{end}}`, "", ""},
		"fine":          {`{{getv "/a"}}%!`, "", ""},
		"time is fixed": {`{{datetime.UnixNano}}`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "templates/free.tmpl", c.template)
			write(t, "tests/x_test.toml", strings.Replace(test, "%s", "", 1))
			r, out := run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
			if c.check == "" {
				counts(t, r, out, 1)
				return
			}
			counts(t, r, out, 0, 1)
			says(t, out, c.want, `unchecked = ["`+c.check+`"]`)
			write(t, "tests/x_test.toml", strings.Replace(test, "%s", "unchecked = [\""+c.check+"\"]\n", 1))
			r, out = run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
			counts(t, r, out, 1)
		})
	}
}

// A key of the fixture that no case reads is told, and only when all cases ran.
func TestUnreadKeys(t *testing.T) {
	world(t, "nginx.txtar")
	write(t, "tests/x_test.toml", strings.Replace(head, `"/workers"`, `"/typo" = "1", "/workers"`, 1)+"[[case]]\nname = \"x\"\nexpect = { rendered = true }\n[[case]]\nname = \"y\"\nexpect = { rendered = true }\n")
	_, out := run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
	says(t, out, "warn  tests/x_test.toml: no case reads /typo of the fixture")
	_, out = run(t, testrun.Options{Paths: []string{"tests/x_test.toml#x"}})
	if strings.Contains(out, "no case reads") {
		t.Errorf("a part of the file:\n%s", out)
	}
}

func TestGoldens(t *testing.T) {
	world(t, "nginx.txtar")
	write(t, "tests/x_test.toml", head+"[[case]]\nname = \"x\"\nexpect = { golden = \"golden/new/x\" }\n[[case]]\nname = \"y\"\nset = { \"/workers\" = \"9\" }\nexpect = { golden = \"golden/y\" }\n")
	write(t, "tests/golden/y", "old\n")
	paths := []string{"tests/x_test.toml"}
	r, out := run(t, testrun.Options{Paths: paths})
	counts(t, r, out, 0, 2)
	r, out = run(t, testrun.Options{Paths: paths, Update: testrun.UpdateMissing})
	counts(t, r, out, 1, 1)
	if len(r.Goldens) != 1 || r.Goldens[0] != "tests/golden/new/x" {
		t.Errorf("wrote %q", r.Goldens)
	}
	r, out = run(t, testrun.Options{Paths: paths, Update: testrun.UpdateAll})
	counts(t, r, out, 2)
	if r.Exit() != 6 {
		t.Errorf("exit %d after goldens were written", r.Exit())
	}
	r, out = run(t, testrun.Options{Paths: paths})
	if counts(t, r, out, 2); r.Exit() != 0 {
		t.Errorf("exit %d", r.Exit())
	}
	write(t, "tests/x_test.toml", head+"[[case]]\nname = \"{w}\"\nmatrix = { w = [\"1\", \"2\"] }\nset = { \"/workers\" = \"{w}\" }\nexpect = { golden = \"golden/one\" }\n")
	r, out = run(t, testrun.Options{Paths: paths, Update: testrun.UpdateAll})
	counts(t, r, out, 1, 1)
	says(t, out, "two cases with different outputs have this golden")
}

// A step that fails does not hide what the later ones do.
func TestStepsGoOn(t *testing.T) {
	world(t, "nginx.txtar")
	write(t, "tests/x_test.toml", head+`[[case]]
name = "x"
[[case.step]]
do = "start"
expect = { reload = "hold" }
[[case.step]]
expect = { rendered = true }
[[case.step]]
after = "1m"
set = { "/services/web/2" = "b" }
expect = { reload = "now" }
`)
	r, out := run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
	counts(t, r, out, 0, 1)
	says(t, out, "› step 1 start\n", "› step 2  (after a failure)", "› step 3 (+1m0s)  (after a failure)",
		`settled("2s")            false  (true in 2s)`, "changed since the last reload: /services/web/2", "re-run: wconf test 'tests/x_test.toml#x'")
}

func TestSelection(t *testing.T) {
	world(t, "nginx.txtar")
	re := regexp.MustCompile
	for name, c := range map[string]struct {
		o    testrun.Options
		want []int
	}{
		"all":       {testrun.Options{}, []int{9, 0, 1}},
		"directory": {testrun.Options{Paths: []string{"tests"}}, []int{9, 0, 1}},
		"dots":      {testrun.Options{Paths: []string{"tests/..."}}, []int{9, 0, 1}},
		"glob":      {testrun.Options{Paths: []string{"**/nginx_*.toml"}}, []int{9, 0, 1}},
		"line":      {testrun.Options{Paths: []string{"tests/nginx_test.toml:28"}}, []int{4}},
		"case":      {testrun.Options{Paths: []string{"tests/nginx_test.toml#two backends"}}, []int{1}},
		"row":       {testrun.Options{Paths: []string{"tests/nginx_test.toml#workers = 8, gzip on"}}, []int{1}},
		"run":       {testrun.Options{Select: testrun.Selection{Run: re("gzip")}}, []int{4}},
		"run row":   {testrun.Options{Select: testrun.Selection{Run: re("nginx_test.*workers=8,gzip=on")}}, []int{1}},
		"skip":      {testrun.Options{Select: testrun.Selection{Skip: re("gzip")}}, []int{5, 0, 1}},
		"tag":       {testrun.Options{Select: testrun.Selection{Tags: []string{"slow"}}}, []int{0, 0, 1}},
		"not":       {testrun.Options{Select: testrun.Selection{Tags: []string{"fast,!slow"}}}, []int{9}},
		"or":        {testrun.Options{Select: testrun.Selection{Tags: []string{"none", "nginx"}}}, []int{9, 0, 1}},
		"nothing":   {testrun.Options{Select: testrun.Selection{Run: re("none")}}, nil},
		"one job":   {testrun.Options{Jobs: 1}, []int{9, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			r, out := run(t, c.o)
			counts(t, r, out, c.want...)
			if (len(c.want) == 0 || c.want[0] == 0) != (r.Exit() == 5) {
				t.Errorf("exit %d", r.Exit())
			}
		})
	}
	for _, p := range []string{"none", "**/none_*.toml", "none_test.toml", "none_test.toml#x", "templates"} {
		if _, err := testrun.Run(t.Context(), testrun.Options{Paths: []string{p}}); err == nil {
			t.Errorf("%s leads to something", p)
		}
	}
}

func TestOnlyAndFailFast(t *testing.T) {
	world(t, "nginx.txtar")
	write(t, "tests/x_test.toml", head+"[[case]]\nname = \"x\"\nexpect = { empty = true }\n[[case]]\nname = \"y\"\nonly = true\nexpect = { empty = true }\n")
	o := testrun.Options{Paths: []string{"tests/x_test.toml"}, Jobs: 1}
	r, out := run(t, o)
	counts(t, r, out, 0, 1, 1)
	says(t, out, "another case is marked only")
	o.CI = true
	r, out = run(t, o)
	counts(t, r, out, 0, 1, 1)
	says(t, out, "a build server must not")
	write(t, "tests/x_test.toml", head+"[[case]]\nname = \"x\"\nexpect = { empty = true }\n[[case]]\nname = \"y\"\nexpect = { empty = true }\n")
	r, out = run(t, testrun.Options{Paths: o.Paths, Jobs: 1, FailFast: true})
	counts(t, r, out, 0, 1, 1)
	says(t, out, "the run was stopped")
}

// A case that takes too long of real time fails, whatever it had found.
func TestTimeout(t *testing.T) {
	world(t, "nginx.txtar")
	write(t, "tests/x_test.toml", "timeout = \"1ns\"\n"+head+"[[case]]\nname = \"x\"\nexpect = { empty = false }\n")
	r, out := run(t, testrun.Options{Paths: []string{"tests/x_test.toml"}})
	counts(t, r, out, 0, 1)
	says(t, out, "the case took longer than 1ns")
}

// A check that is real judges what was rendered; one that cannot even start has
// not accepted anything.
func TestRealCheck(t *testing.T) {
	world(t, "nginx.txtar")
	const test = "format = 1\n[template]\nsrc = \"nginx.conf.tmpl\"\ndest = \"/nowhere/x\"\nkeys = [\"/\"]\ncheck_cmd = [%s, \"{{.src}}\"]\n" +
		"[fixture.keys]\n\"/workers\" = \"4\"\n[[case]]\nname = \"x\"\nrun = [\"check_cmd\"]\nexpect = { %s }\n"
	for name, c := range map[string]struct{ command, expect, want string }{
		"accepts":      {`"grep", "-q", "worker_processes 4"`, "check = 0, written = true", ""},
		"refuses":      {`"grep", "-q", "worker_processes 5"`, `check = 1, error = { code = "check-failed" }`, ""},
		"is not there": {`"/no/such/program"`, `check = 0, error = { code = "check-failed" }`, "expected check = 0, got -1"},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "tests/x_test.toml", fmt.Sprintf(test, c.command, c.expect))
			o := testrun.Options{Paths: []string{"tests/x_test.toml"}}
			r, out := run(t, o)
			counts(t, r, out, 0, 0, 1)
			o.AllowExec = true
			r, out = run(t, o)
			if c.want == "" {
				counts(t, r, out, 1)
				return
			}
			counts(t, r, out, 0, 1)
			says(t, out, c.want)
		})
	}
}
