package gotmpl_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
)

var shop = map[string]string{
	"/app/name": "shop", "/app/worker": "4", "/app/db/host": "db1", "/app/json": `{"a": null}`, "/other/x": "1",
}

// render compiles and renders over some of shop's keys.
func render(t testing.TB, text string, opts gotmpl.Options) (string, error) {
	t.Helper()
	opts.File = "templates/a.tmpl"
	tmpl, err := gotmpl.Compile("a.tmpl", text, opts)
	if err != nil {
		return "", err
	}
	out, err := tmpl.Render(t.Context(), scoped(shop, "", "/app", "/top"))
	return string(out), err
}

func asProblem(t testing.TB, err error) *problem.Problem {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) {
		t.Fatalf("error is %T: %v", err, err)
	}
	return p
}

func TestProblemsOfRendering(t *testing.T) {
	for text, want := range map[string]struct{ code, place, msg, hint string }{
		"x\n  {{getv \"/app/workr\"}}": {problem.KeyMissing, "2:5", "key does not exist: /app/workr", `did you mean "/app/worker"? A key that may be missing has a default: {{getv "/app/workr" "…"}}`},
		`{{getv "/ap/name"}}`:          {problem.KeyMissing, "1:3", "key does not exist: /ap/name", `the resource does not see it: add "/ap/name" to keys`},
		`{{getv "/app/dbx/host"}}`:     {problem.KeyMissing, "1:3", "key does not exist: /app/dbx/host", `did you mean "/app/db/host"?`},
		`{{get "/app/zzzz"}}`:          {problem.KeyMissing, "1:3", "key does not exist: /app/zzzz", `A key that may be missing is asked for first: {{if exists "/app/zzzz"}}`},
		`{{getv "/other/x"}}`:          {problem.KeyMissing, "1:3", "key does not exist: /other/x", `the resource does not see it: add "/other/x" to keys`},
		`{{getv "app/name"}}`:          {problem.KeyMissing, "1:3", "key does not exist: its name does not begin with a slash", "names of keys begin with a slash"},
		`{{getv 5}}`:                   {problem.TemplateRender, "1:8", "expected string; found 5", ""},
		`{{add 1 "2"}}`:                {problem.TemplateRender, "1:9", `expected integer; found "2"`, ""},
		`{{add 1 (getv "/app/worker")}}`: {problem.TemplateRender, "1:3", "wrong type for value; expected int; got string",
			"the value of a key is text: make a number of it with atoi"},
		`{{range getv "/app/name"}}{{end}}`:                                   {problem.TemplateRender, "1:14", "range can't iterate over this value", "range needs a list or map"},
		`{{if eq (getv "/app/worker") 4}}{{end}}`:                             {problem.TemplateRender, "1:6", "error calling eq: incompatible types for comparison: string and int", "the value of a key is text"},
		`{{(json (getv "/app/json")).a.b}}`:                                   {problem.TemplateRender, "1:15", "nil pointer evaluating interface {}.b", ""},
		`{{template "nope"}}`:                                                 {problem.TemplateRender, "1:12", `template "nope" not defined`, ""},
		`{{gets "[" }}`:                                                       {problem.TemplateRender, "1:3", "error calling gets: syntax error in pattern", ""},
		"{{/* >: */}}{{getv \">: x\"}}":                                       {problem.KeyMissing, "1:15", "key does not exist", ""},
		"a\n\n{{define \"d\"}}\n{{.x}}{{div 1 0}}{{end}}{{template \"d\" 1}}": {problem.TemplateRender, "4:3", "can't evaluate field x in type int", ""},
	} {
		_, err := render(t, text, gotmpl.Options{})
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		p := asProblem(t, err)
		if p.Code != want.code || p.Place() != "templates/a.tmpl:"+want.place || !strings.HasPrefix(p.Msg, want.msg) || !strings.HasPrefix(p.Hint, want.hint) {
			t.Errorf("%s\ngot  %s %s: %s (%s)\nwant %v", text, p.Code, p.Place(), p.Msg, p.Hint, want)
		}
	}
}

func TestProblemsOfParsing(t *testing.T) {
	for text, want := range map[string]struct{ place, msg, hint string }{
		"a\n{{ getvv \"/x\"}}":             {"2:4", `function "getvv" not defined`, `did you mean "getv"?`},
		`{{getv (cgetv "/x")}}`:            {"1:9", `function "cgetv" not defined`, "cgetv exists only with a keyring: -secret-keyring"},
		`{{range gets "/x"}}{{$y}}{{end}}`: {"1:22", `undefined variable "$y"`, ""},
		"a {{end}}":                        {"1:3", "unexpected {{end}}", ""},
		"{{if true}}a\nb\n":                {"1:1", "unexpected EOF", "this {{if}} has no {{end}}"},
		"{{range .}}{{with .}}x{{end}}":    {"1:1", "unexpected EOF", "this {{range}} has no {{end}}"},
		"a\nb {{getv \"/x\" ":              {"2:3", "unclosed action", "this action has no }}"},
		`{{getv "x}}`:                      {"1:8", "unterminated quoted string", ""},
		`{{1 | 2}}`:                        {"1:8", "non executable command in pipeline stage 2", ""},
		`{{break}}`:                        {"1:1", "{{break}} outside {{range}}", ""},
		`{{getenv "HOME"}}`:                {"1:3", `function "getenv" is not granted to this template`, ""},
	} {
		_, err := render(t, text, gotmpl.Options{Withheld: []string{"getenv"}})
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		p := asProblem(t, err)
		if p.Code != problem.TemplateParse || p.Place() != "templates/a.tmpl:"+want.place || !strings.HasPrefix(p.Msg, want.msg) || p.Hint != want.hint {
			t.Errorf("%s\ngot  %s: %s (%s)\nwant %v", text, p.Place(), p.Msg, p.Hint, want)
		}
	}
}

func TestDetailPointsAtTheCall(t *testing.T) {
	_, err := render(t, "workers {{getv \"/app/workers\"}};\n", gotmpl.Options{})
	want := "templates/a.tmpl:1:11: key does not exist: /app/workers\n" +
		"  1 | workers {{getv \"/app/workers\"}};\n" +
		"    |           ^^^^^^^^^^^^^^^^^^^ did you mean \"/app/worker\"? A key that may be missing has a default: {{getv \"/app/workers\" \"…\"}}"
	if got := asProblem(t, err).Detail(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := gotmpl.Classic(err), `template: a.tmpl:1:10: executing "a.tmpl" at <getv "/app/workers">: error calling getv: key does not exist: /app/workers`; got != want {
		t.Errorf("classic\ngot  %s\nwant %s", got, want)
	}
	if got := gotmpl.Classic(errors.New("x")); got != "" {
		t.Errorf("another error has the classic form %q", got)
	}
}

// No error holds the value of a key, whichever function it is given to.
func TestErrorsHoldNoValues(t *testing.T) {
	const secret = "hunter2-{[(*"
	keys := map[string]string{"/s": secret, "/n": "424242"}
	value, number := `(getv "/s")`, `(atoi (getv "/n"))`
	calls := []string{
		"{{range " + value + "}}{{end}}", "{{index (split `a` `b`) " + number + "}}", "{{slice `a` " + number + "}}",
		"{{eq (list " + value + ") (list 1)}}", "{{eq 1 " + value + "}}", "{{lt (dict `a` " + value + ") 1}}",
		"{{range $i, $x := " + number + "}}{{end}}", "{{" + value + ".x}}", "{{call " + value + "}}", "{{" + value + " | call}}", "{{" + number + " | call}}", "{{template `x` " + value + "}}",
		"{{with $x := " + value + "}}{{$x.y}}{{end}}", "{{(datetime).Format 5 " + value + "}}", "{{(datetime).Truncate " + value + "}}",
		"{{index (dict) " + number + "}}", "{{len " + number + "}}", "{{net_f (list " + value + ")}}", "{{net_f " + value + "}}",
	}
	for f := range funcs.All() {
		for _, arg := range []string{value, number, "(list " + value + ")", "(dict `a` " + value + ")"} {
			for _, args := range []string{arg, arg + " " + arg, "1 " + arg, "`[` " + arg, arg + " 1", arg + " `a`", "`a` " + arg + " " + arg, "`a` `b` `c` " + arg, arg + " " + arg + " " + arg + " " + arg} {
				calls = append(calls, "{{range $x := "+f.Name+" "+args+"}}{{$x.y}}{{end}}")
			}
		}
	}
	failed := 0
	for _, text := range calls {
		tmpl, err := gotmpl.Compile("a", text, gotmpl.Options{World: small, Keyring: keyring(t), ReadFile: files(nil), Functions: guests(&guest{})})
		if err != nil {
			t.Fatal(text, err)
		}
		_, err = tmpl.Render(t.Context(), everything(keys))
		for e := err; e != nil; e = errors.Unwrap(e) {
			failed++
			if strings.Contains(e.Error(), "hunter2") || strings.Contains(e.Error(), "424242") {
				t.Errorf("%s: %v", text, e)
			}
		}
		if err != nil && strings.Contains(asProblem(t, err).Detail(), "hunter2") {
			t.Errorf("%s: %s", text, asProblem(t, err).Detail())
		}
	}
	if failed < len(calls) {
		t.Errorf("only %d errors of %d calls", failed, len(calls))
	}
}

func TestIncludes(t *testing.T) {
	opts := gotmpl.Options{Dir: "tmpl", ReadFile: files(map[string]string{
		"tmpl/a":       `A{{include "sub/b" .}}`,
		"tmpl/sub/b":   `B{{.}}{{define "x"}}inner{{end}}{{template "x"}}`,
		"tmpl/broken":  "x\n{{nope}}",
		"tmpl/missing": "\n {{getv \"/app/nope\"}}",
		"tmpl/self":    `{{include "self"}}`,
		"tmpl/deep":    `{{if gt . 0}}{{include (printf "d%d" .) (sub . 1)}}{{end}}`,
	})}
	if got, err := render(t, `{{define "x"}}outer{{end}}{{include "a" 7}}{{template "x"}}{{include "/a"}}`, opts); got != "AB7innerouterAB<no value>inner" {
		t.Errorf("got %q, %v", got, err)
	}
	for text, want := range map[string]string{
		`{{include "broken"}}`:                "tmpl/broken:2:3: function \"nope\" not defined, included at templates/a.tmpl:1:3",
		`{{include "missing"}}`:               "tmpl/missing:2:4: key does not exist: /app/nope, included at templates/a.tmpl:1:3",
		`{{include "self"}}`:                  "tmpl/self:1:3: error calling include: include cycle detected: self is already being processed",
		`{{include "../secret"}}`:             "templates/a.tmpl:1:3: error calling include: include path is outside template directory",
		`{{include "."}}`:                     "templates/a.tmpl:1:3: error calling include: include path is outside template directory",
		`{{include "none"}}`:                  "templates/a.tmpl:1:3: error calling include: include: file does not exist",
		`{{include "a" | printf}}{{include}}`: "templates/a.tmpl:1:27: wrong number of args for include",
	} {
		if _, err := render(t, text, opts); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestIncludeDepth(t *testing.T) {
	read := func(path string) ([]byte, error) { return []byte(`{{include (print . "x") (print . "x")}}`), nil }
	_, err := render(t, `{{include "x" "x"}}`, gotmpl.Options{ReadFile: read})
	if err == nil || !strings.Contains(err.Error(), "maximum include depth (10) exceeded") {
		t.Errorf("got %v", err)
	}
}

func TestFilesAreKnownAndReadOnce(t *testing.T) {
	read := map[string]int{}
	there := map[string]string{"d/a": `{{include "b"}}{{if exists "/no"}}{{include "gone"}}{{end}}`, "d/b": "b", "d/c": "c"}
	tmpl, err := gotmpl.Compile("t", `{{include "a"}}{{include (print "c")}}`, gotmpl.Options{Dir: "d", ReadFile: func(path string) ([]byte, error) {
		read[path]++
		return files(there)(path)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(tmpl.Files(), " "); got != "d/a d/b d/gone" {
		t.Errorf("after Compile: %s", got)
	}
	for range 3 {
		if out, err := tmpl.Render(t.Context(), everything(nil)); string(out) != "bc" {
			t.Fatalf("got %q, %v", out, err)
		}
	}
	if got := strings.Join(tmpl.Files(), " "); got != "d/a d/b d/c d/gone" {
		t.Errorf("after Render: %s", got)
	}
	if read["d/a"] != 1 || read["d/b"] != 1 || read["d/c"] != 1 {
		t.Errorf("read %v", read)
	}
}

// A file that could not be read is asked for again.
func TestIncludeAppears(t *testing.T) {
	there := map[string]string{}
	tmpl, err := gotmpl.Compile("t", `{{include "a"}}`, gotmpl.Options{ReadFile: func(path string) ([]byte, error) { return files(there)(path) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Render(t.Context(), everything(nil)); !errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "file does not exist") {
		t.Fatalf("got %v", err)
	}
	there["a"] = "here"
	if out, err := tmpl.Render(t.Context(), everything(nil)); string(out) != "here" {
		t.Errorf("got %q, %v", out, err)
	}
}

// A failed render has read the absence of the key, so that its arrival renders
// again.
func TestFailedRendersReads(t *testing.T) {
	tmpl, err := gotmpl.Compile("t", `{{getv "/app/soon"}}`, gotmpl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := everything(shop)
	_, _ = tmpl.Render(t.Context(), v)
	value := "x"
	if !v.Reads().Touches(kv.Change{Key: "/app/soon", New: &value}) {
		t.Error("the key's arrival touches nothing")
	}
}
