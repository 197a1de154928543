package script_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/render/script"
)

// Whatever else a script does, what becomes the file is known.
func TestInspect(t *testing.T) {
	for text, want := range map[string]string{
		`function render() { return "" }`: "render",
		`const render = () => getv("/a")`: "render",
		`{ let render } "x"`:              "last expression",
		`"function render() {}"`:          "last expression",
		"#!/usr/bin/env wconf\n`x`":       "last expression",
		`let x = ;`:                       "",
		`import "x"`:                      "",
		`ls ("/a"); x.getv(1); mygetv(2); /* fail() */ write(3)`: "last expression",
		`const filter = () => input()`:                           "filter",
		`function check() {} function filter() {}`:               "filter",
		`function check() {}`:                                    "check",
	} {
		i, err := script.Inspect(t.Context(), module(t), []byte(text), "site.js")
		if i.Gives != want || i.Compiles != (want != "") || err != nil && i.Compiles && !strings.Contains(text, "mygetv") {
			t.Errorf("%s: %q, %v, %v", text, i.Gives, i.Compiles, err)
		}
		if i.Size != len(text) || i.Limits.Fuel == 0 || len(i.Engine.Measures) == 0 {
			t.Errorf("%s: %+v", text, i)
		}
		if strings.Contains(text, "mygetv") && !slices.Equal(i.Names, []string{"ls", "fail"}) {
			t.Errorf("names %q", i.Names)
		}
	}
	i, _ := script.Inspect(t.Context(), module(t), nil, "site.js")
	about, err := os.ReadFile("quickjs/VERSION")
	if err != nil || !strings.Contains(string(about), i.Version) {
		t.Errorf("%s is not in quickjs/VERSION, %v", i.Version, err)
	}
}

// A script runs to say which functions templates may call, and it is an error
// where it can serve in no role.
func TestInspectFunctions(t *testing.T) {
	for text, want := range map[string]struct{ functions, none, err string }{
		"function pad(text, width) {}\nfunction join(a, b = 1) {}\nconst helper = () => 1": {"map[join:1 pad:2]", "", ""},
		`function render() { return getv("/a") }`:                                          {"map[render:0]", "", ""},
		`param("x", "y"); function f() {}`:                                                 {"map[f:0]", "", ""},
		`const f = () => 1`:                                                                {"map[]", "", ""},
		`getv("/a")`:                                                                       {"map[]", "site.js:1:1: getv is called while the script loads", ""},
		`function f() {} f(param("x"))`:                                                    {"map[]", "site.js:1:19: parameter is not set: x", ""},
		`try { ls("/") } catch {} f()`:                                                     {"map[]", "site.js:1:26: ReferenceError: f is not defined", ""},
		"function f() {}\nObject.defineProperty(f, `length`, {value: 40})":                 {"map[]", "function f has 40 parameters", ""},
		"function f() {}\nlog(\"info\", \"hm\"); fail(\"no\")":                             {"map[]", "it does not load", `site.js:2:20: no (it last logged "hm")`},
		"let x\nx.y": {"map[]", "it does not load", "site.js:2:"},
		"for (const all = [];;)\n  all.push(new Array(10000).fill(1))": {"map[]", "it does not load", "it used up its memory of 33554432 bytes"},
		"let x = ;": {"map[]", "", "SyntaxError"},
	} {
		i, err := script.Inspect(t.Context(), module(t), []byte(text), "site.js")
		functions := map[string]int{}
		for name, f := range i.Functions {
			functions[name] = f.Args
		}
		if fmt.Sprint(functions) != want.functions || !strings.Contains(i.NoFunctions, want.none) || (i.NoFunctions == "") != (want.none == "") {
			t.Errorf("%s: %v, %q", text, functions, i.NoFunctions)
		}
		if said := fmt.Sprint(err); want.err == "" && err != nil || !strings.Contains(said, want.err) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
