package script_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

func TestFilter(t *testing.T) {
	for _, c := range []struct{ text, content, want, err string }{
		{`input().toUpperCase()`, "aü\n", "AÜ\n", ""},
		{`function filter() { return input() + getv("/app/a") + input().length }`, "x", "x11", ""},
		{`const filter = () => input()`, "", "", ""},
		{`function render() { return "no" } input() + "!"`, "x", "x!", ""},
		{`input()`, "\xff", "", "1:1: input: the value is not UTF-8"},
		{`let x = input()`, "x", "", "returned nothing; it must return a string (define function filter()"},
		{`input().length`, "x", "", "returned a number"},
		{`const filter = () => fail("no")`, "x", "", "1:22: no"},
		{`JSON.parse(input())`, "hunter2!", "", "SyntaxError: unexpected token: '…'"},
	} {
		got := []byte(nil)
		s, err := compile(t, c.text, script.Options{Role: guest.Filter})
		if err == nil {
			got, err = s.Filter(t.Context(), view(), []byte(c.content))
		}
		if string(got) != c.want || c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %q, %v; want %q, %s", c.text, got, err, c.want, c.err)
		}
	}
	if _, err := render(t, `input()`, script.Options{}); err == nil || !strings.Contains(err.Error(), "1:1: there is no input: filters and checks have one") {
		t.Errorf("a renderer's input: %v", err)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ text, code, want string }{
		{`function check() { if (!input().includes("x")) fail("no x") }`, "", ""},
		{`const check = () => input() === "xyz" || fail("no x")`, "", ""},
		{`let check = () => { fail("line " + 1) }`, problem.CheckFailed, "1:21: script site.js refused the new content: line 1"},
		{`function check() { return false }`, problem.CheckFailed, "refused the new content: check returned false (fail(…) says why)"},
		{`function check() { return 0 }`, problem.TemplateRender, "check returned a number; it accepts by returning nothing, or true (fail(…) refuses)"},
		{`function check() { return input() }`, problem.TemplateRender, "check returned a string"},
		{`async function check() { fail("too late") }`, problem.CheckFailed, "too late"},
		{`async function check() { await null; fail("never") }`, problem.TemplateRender, "check returned a promise"},
		{`function check() { null.x }`, problem.TemplateRender, "1:19: TypeError"},
		{`function check() { getv("/secret/pw") }`, problem.KeyDenied, "1:20: key is outside"},
		{`function chek() { fail("never") }`, problem.GuestLoad, "it has no function check"},
		{`if (!input()) fail("never")`, problem.GuestLoad, "it has no function check"},
		{`let check = 3`, problem.GuestLoad, "it has no function check"},
		{`function check() { for (;;); }`, problem.GuestFuel, "units of fuel"},
	} {
		s, err := compile(t, c.text, script.Options{Role: guest.Checker, Limits: wasm.Limits{Fuel: 10_000_000}})
		if err == nil {
			err = s.Check(t.Context(), view(), []byte("xyz"))
		}
		var p *problem.Problem
		if c.code == "" && err != nil || c.code != "" && (!errors.As(err, &p) || p.Code != c.code || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v; want %s, %s", c.text, err, c.code, c.want)
		}
	}
}

func TestFunctionsForTemplates(t *testing.T) {
	s := newScript(t, `
		const helper = (s) => s + param("p");
		let n = 0;
		class Not {}
		function none() { return "none" + ++n }
		function two(a, b) { return helper(a) + b + arguments.length }
		function optional(a, b = "-") { return a + b }
		function rest(...all) { return all.join() }
		function value() { return getv("/app/a") }
		function unpaired() { return "\ud800" }
		function later() { return Promise.resolve("x") }
		function endless() {
			for (;;);
		}
		function refuse() { fail("no") }
	`, script.Options{Role: guest.Functions, Limits: wasm.Limits{Fuel: 20_000_000}, Params: map[string]string{"p": "!"}})
	if want := map[string]int{"none": 0, "two": 2, "optional": 1, "rest": 0, "value": 0, "unpaired": 0, "later": 0, "endless": 0, "refuse": 0}; !maps.Equal(s.Names(), want) {
		t.Errorf("%v", s.Names())
	}
	v := view()
	calls := open(t, s, v)
	for _, c := range []struct{ call, want string }{
		{"none", "none1"}, {"none", "none2"}, {"two a ü😀", "a!ü😀2"}, {"optional x", "x-"}, {"rest", ""}, {"value", "1"},
	} {
		name, args, _ := strings.Cut(c.call, " ")
		if got, err := calls.Call(t.Context(), name, strings.Fields(args)); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.call, got, err)
		}
	}
	if err := calls.Close(); err != nil {
		t.Error(err)
	}
	one := "1"
	if !v.Reads().Touches(kv.Change{Key: "/app/a", Old: &one}) {
		t.Error("what a function reads is not noted")
	}
	for call, want := range map[string]string{"unpaired": "half of a surrogate pair", "later": "later returned a promise", "endless": "site.js:12: it used up its 20000000 units", "refuse": "site.js:15:23: no"} {
		calls := open(t, s, view())
		for range 2 {
			if _, err := calls.Call(t.Context(), call, nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", call, err)
			}
		}
		calls.Close()
	}
	calls = open(t, s, view())
	defer calls.Close()
	if got, err := calls.Call(t.Context(), "none", nil); err != nil || got != "none1" {
		t.Errorf("a render before left something: %q, %v", got, err)
	}
	if _, err := calls.Call(t.Context(), "two", []string{"a"}); err == nil {
		t.Error("one argument is taken for two")
	}
}

// calls is what Open gives.
type calls interface {
	Call(ctx context.Context, name string, args []string) (string, error)
	Close() error
}

func open(t *testing.T, s *script.Script, v *kv.View) calls {
	t.Helper()
	calls, err := s.Open(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

// Calls leave nothing behind in the engine's memory.
func TestManyCalls(t *testing.T) {
	var used wasm.Stats
	s := newScript(t, `function echo(s) { return s }`, script.Options{Role: guest.Functions, Limits: wasm.Limits{Memory: 4 << 20}, Stats: func(s wasm.Stats) { used = s }})
	calls := open(t, s, view())
	long := strings.Repeat("x", 10_000)
	for n := range 2_000 {
		arg := fmt.Sprint(n, long)
		if got, err := calls.Call(t.Context(), "echo", []string{arg}); err != nil || got != arg {
			t.Fatalf("call %d: %d bytes, %v", n, len(got), err)
		}
	}
	calls.Close()
	if used.Fuel == 0 || used.Memory > 2<<20 {
		t.Errorf("used %+v", used)
	}
}

// A script with functions runs when it is loaded: what goes wrong then is a
// problem of the script, and there are no keys.
func TestFunctionsThatDoNotLoad(t *testing.T) {
	for text, want := range map[string]string{
		`"no functions"`:                            "it declares no function for templates",
		`const f = (a) => a`:                        "it declares no function for templates",
		`const x = getv("/app/a"); function f() {}`: "templates/site.js:1:11: getv is called while the script loads",
		`exists("/app/a")`:                          "exists is called while",
		`gets("/app/*")`:                            "gets is called while",
		`input()`:                                   "input is called while",
		`param("wconf.revision")`:                   "parameter is not set: wconf.revision",
		`param("none")`:                             "1:1: parameter is not set: none",
		`function f() {} f(x)`:                      "1:19: ReferenceError",
		`fail("at once")`:                           "1:1: at once",
		`for (;;);`:                                 "units of fuel",
		`export function f() {}`:                    "drop export",
		"function f(" + parameters(33) + ") {}":     "function f has 33 parameters",
		`function f() {} Object.defineProperty(f, "length", { value: {} })`: "length is no number",
		`throw {toString() { return getv("/app/a")}}`:                       "templates/site.js",
	} {
		_, err := compile(t, text, script.Options{Role: guest.Functions, Limits: wasm.Limits{Fuel: 20_000_000}})
		var p *problem.Problem
		if !errors.As(err, &p) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", text, err, want)
		}
	}
}

func parameters(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("p", i)
	}
	return strings.Join(names, ",")
}

// Whatever a script does to what wconf builds on, it is found out before
// anything is rendered.
func TestHostileFunctions(t *testing.T) {
	for _, text := range []string{
		`Object.getOwnPropertyNames = () => ["x"]; JSON.stringify = () => "{}"; Object.prototype.value = 3; function f() { return "f" }`,
		`Array.prototype[Symbol.iterator] = null; String.prototype.toString = null; function f() { return "f" }`,
		`Object.defineProperty(globalThis, "g", { get() { throw new Error("asked") }, configurable: true }); function f() { return "f" }`,
		`function f() { return "f" } Object.freeze(globalThis)`,
	} {
		s, err := compile(t, text, script.Options{Role: guest.Functions})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		calls := open(t, s, view())
		if got, err := calls.Call(t.Context(), "f", nil); err != nil || got != "f" || len(s.Names()) != 1 {
			t.Errorf("%s: %q, %v, %v", text, got, err, s.Names())
		}
		calls.Close()
	}
}

// An argument is a value as well: what the engine says by itself tells none.
func TestArgumentsAreNotTold(t *testing.T) {
	s := newScript(t, `function f(s) { JSON.parse(s); return "" }`, script.Options{Role: guest.Functions})
	calls := open(t, s, view())
	defer calls.Close()
	if _, err := calls.Call(t.Context(), "f", []string{"hunter2"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
