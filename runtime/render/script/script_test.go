package script_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// shared is one compiled engine for all tests: compiling it is most of the time
// that they take.
var shared = sync.OnceValues(func() (*wasm.Module, error) {
	r, err := wasm.NewRuntime(wasm.Options{})
	if err != nil {
		return nil, err
	}
	return script.Load(context.Background(), r, "site.js")
})

func module(t testing.TB) *wasm.Module {
	t.Helper()
	m, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func compile(t testing.TB, text string, o script.Options) (*script.Script, error) {
	t.Helper()
	o.File = "templates/site.js"
	return script.New(t.Context(), module(t), []byte(text), o)
}

func newScript(t testing.TB, text string, o script.Options) *script.Script {
	t.Helper()
	s, err := compile(t, text, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var store = kv.NewSnapshot([]kv.Pair{
	{Key: "/app/a", Value: "1"}, {Key: "/app/b", Value: "0"}, {Key: "/app/dir/c", Value: "xü😀"}, {Key: "/app/empty", Value: ""},
	{Key: "/app/bytes", Value: "\xff\xfe"}, {Key: "/app/json", Value: `hunter2-is-no-json`}, {Key: "/secret/pw", Value: "hunter2"},
	{Key: "/bin/bytes", Value: "\xff"},
})

func view() *kv.View { return kv.NewView(store, kv.NewScope("", []string{"/app", "/none"})) }

// render is what a script makes of the store.
func render(t testing.TB, text string, o script.Options) (string, error) {
	t.Helper()
	s, err := compile(t, text, o)
	if err != nil {
		return "", err
	}
	b, err := s.Render(t.Context(), view())
	return string(b), err
}

func TestForms(t *testing.T) {
	for text, want := range map[string]string{
		`"last expression"`:                                   "last expression",
		"let s = ''; for (const n of [1, 2]) s += n; s":       "12",
		`function render() { return "function" }`:             "function",
		`const render = () => "arrow"; "not this"`:            "arrow",
		`class C { static go() { return "x" } } C.go()`:       "x",
		`const render = 3; "the name is free"`:                "the name is free",
		`""`:                                                  "",
		"`ü😀\\u0000.`":                                        "ü😀\x00.",
		`const log = "own", console = 1, ls = []; log + ls`:   "own",
		`"\ufeff" + [..."abc"].toReversed().join("")`:         "\ufeffcba",
		`String(this === globalThis && typeof render)`:        "undefined",
		`(function () { return String(this) })()`:             "undefined",
		`JSON.stringify([1, {a: null}])`:                      `[1,{"a":null}]`,
		`typeof setTimeout + typeof require + typeof process`: "undefinedundefinedundefined",
		`new Date(Date.UTC(2020, 1, 3)).toString()`:           "Mon Feb 03 2020 00:00:00 GMT+0000",
		`"a-b".replace(/(?<x>\w)-(\w)/u, "$2$<x>")`:           "ba",
	} {
		if got, err := render(t, text, script.Options{}); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestFunctions(t *testing.T) {
	o := script.Options{Name: "web", Dest: "/etc/web", Params: map[string]string{"port": "80"}}
	for text, want := range map[string]string{
		`getv("/app/a")`:                       "1",
		`getv("/app/dir/c")`:                   "xü😀",
		`getv("/app/empty")`:                   "",
		`getv("/app/none", "d")`:               "d",
		`String(getv("/app/none", undefined))`: "undefined",
		`String(getv("/app/none", null))`:      "null",
		`getv("/app/a", "d")`:                  "1",
		`String([exists("/app/a"), exists("/app/none"), exists("/app/empty"), exists("/app/dir")])`: "true,false,true,false",
		`JSON.stringify(gets("/app/?"))`:                           `[{"key":"/app/a","value":"1"},{"key":"/app/b","value":"0"}]`,
		`JSON.stringify(gets("/none/*"))`:                          "[]",
		`getvs("/app/?").join()`:                                   "0,1",
		`ls("/app").join()`:                                        "a,b,bytes,dir,empty,json",
		`ls("/none").length + ""`:                                  "0",
		`lsdir("/app").join()`:                                     "dir",
		`ls("/secret").join() + gets("/secret/*").length`:          "0",
		`param("port") + param("none", "d")`:                       "80d",
		`param("wconf.name") + param("wconf.dest")`:                "web/etc/web",
		`JSON.stringify(params())`:                                 `{"port":"80","wconf.dest":"/etc/web","wconf.name":"web"}`,
		`String(gets("/app/*").find(p => p.key === "/app/bytes"))`: "!",
	} {
		got, err := render(t, text, o)
		if want == "!" {
			if err == nil {
				t.Errorf("%s: %q", text, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

// Every way that a script, its keys or its resource can be wrong is named, with
// its place.
func TestProblems(t *testing.T) {
	scope := kv.NewScope("", []string{"/app"})
	for _, c := range []struct{ text, code, place, msg, hint string }{
		{"let y = ;", problem.TemplateParse, "1:9", "SyntaxError: ", ""},
		{"// ü\n  \"ü😀\" + +* 1", problem.TemplateParse, "2:15", "SyntaxError", ""},
		{"import x from 'y'", problem.TemplateParse, "1:8", "SyntaxError", "imports nothing"},
		{"export const render = 1", problem.TemplateParse, "1:1", "SyntaxError", "drop export"},
		{"const v = await x", problem.TemplateParse, "1:17", "SyntaxError", "drop await"},
		{"return 'x'", problem.TemplateParse, "1:1", "SyntaxError", ""},
		{"'\xff'", problem.TemplateParse, "", "a script is UTF-8 text", ""},
		{"x = 3", problem.TemplateRender, "1:1", "ReferenceError: x is not defined", ""},
		{"\n\tnull.x", problem.TemplateRender, "2:2", "TypeError: cannot read property 'x' of null", ""},
		{"function f() {\n  throw new Error('boom')\n}\nf()", problem.TemplateRender, "2:13", "boom", ""},
		{`throw new Error("\x1b[2J\n")`, problem.TemplateRender, "1:", `\x1b[2J\x0a`, ""},
		{"throw 'words'", problem.TemplateRender, "", "words", "throw an Error"},
		{"throw 3", problem.TemplateRender, "", "", "throw an Error"},
		{"throw null", problem.TemplateRender, "", "", "throw an Error"},
		{"const e = new Error('x'); e.stack = 'at f (site.js:99:1)'; throw e", problem.TemplateRender, "", "x", ""},
		{"const e = new Error('x'); e.stack = 'at f (site.js:1:999)'; throw e", problem.TemplateRender, "1:", "x", ""},
		{"const f = () => f()\nf()", problem.TemplateRender, "1:", "call stack", "endless"},
		{"\n fail('no ' + 1)", problem.GuestFailed, "2:2", "no 1", ""},
		{"const f = () => fail({a: 1})\ntry { f() } catch {}", problem.GuestFailed, "1:17", `{"a":1}`, ""},
		{"getv('/app/c')", problem.KeyMissing, "1:1", "key does not exist: /app/c", `getv("/app/c", "…")`},
		{"getv('/app/dir/d')", problem.KeyMissing, "1:1", "/app/dir/d", `did you mean "/app/dir/c"?`},
		{"getv('app/a')", problem.KeyDenied, "1:1", "keys: its name does not begin with a slash", "names of keys begin"},
		{"const render = () => gets('/app/a').map(\n  p => getv('/secret/pw'))", problem.KeyDenied, "2:8", "key is outside the resource's keys: /secret/pw", `add it to keys = ["/app"]`},
		{"exists('/secret/pw')", problem.KeyDenied, "1:1", "/secret/pw", ""},
		{"getv(1)", problem.TemplateRender, "1:1", "TypeError: the key of getv must be a string, not number", ""},
		{"getv()", problem.TemplateRender, "1:1", "not undefined", ""},
		{"ls(null)", problem.TemplateRender, "1:1", "the directory of ls must be a string, not null", ""},
		{"gets('[')", problem.TemplateRender, "1:1", "the pattern is malformed", ""},
		{"getv('\\ud800')", problem.TemplateRender, "1:1", "the name is no text", ""},
		{"getv('/app/bytes')", problem.TemplateRender, "1:1", "getv /app/bytes: the value is not UTF-8", ""},
		{"gets('/app/*')", problem.TemplateRender, "1:1", "gets /app/*: the value is not UTF-8", ""},
		{"param('none')", problem.TemplateRender, "1:1", "parameter is not set: none", ""},
		{"log('loud', 'x')", problem.TemplateRender, "1:1", "must be debug, info, warn or error", ""},
		{"let x = 1", problem.TemplateRender, "", "the script returned nothing", "define function render()"},
		{"function render() {}", problem.TemplateRender, "", "render returned nothing", ""},
		{"3", problem.TemplateRender, "", "the script returned a number", "String(…)"},
		{"({toString() { return 'x' }})", problem.TemplateRender, "", "returned an object", "JSON.stringify"},
		{"new String('x')", problem.TemplateRender, "", "returned an object", ""},
		{"['x']", problem.TemplateRender, "", "returned an array", "join"},
		{"null", problem.TemplateRender, "", "returned null", ""},
		{"true", problem.TemplateRender, "", "returned a boolean", ""},
		{"Symbol()", problem.TemplateRender, "", "must return a string", ""},
		{"1n", problem.TemplateRender, "", "must return a string", ""},
		{"getv", problem.TemplateRender, "", "returned a function", "call forgotten"},
		{"async function render() { return 'x' }", problem.TemplateRender, "", "returned a promise", "async"},
		{"import('y')", problem.TemplateRender, "", "returned a promise", ""},
		{"'a\\ud800b'", problem.TemplateRender, "", "half of a surrogate pair", ""},
		{"JSON.parse(getv('/app/json'))", problem.TemplateRender, "1:", "SyntaxError", ""},
		{"undefined[getv('/app/json')]", problem.TemplateRender, "1:", "'…'", ""},
	} {
		_, err := render(t, c.text, script.Options{Scope: &scope})
		var p *problem.Problem
		if !errors.As(err, &p) {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		place := strings.TrimPrefix(p.Place(), "templates/site.js")
		if p.Code != c.code || !strings.HasPrefix(place, strings.TrimSuffix(":"+c.place, ":")) || c.place == "" && place != "" || !strings.Contains(p.Msg, c.msg) || !strings.Contains(p.Hint, c.hint) {
			t.Errorf("%q: %s %s", c.text, p.Code, p.Detail())
		}
		if strings.Contains(p.Error(), "hunter2") {
			t.Errorf("%q tells a value: %s", c.text, p)
		}
	}
}

func TestDetail(t *testing.T) {
	_, err := render(t, "function render() {\n  return `x ${getv(\"/app/dri\")}`;\n}\n", script.Options{})
	var p *problem.Problem
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	want := "templates/site.js:2:15: key does not exist: /app/dri\n" +
		"  2 |   return `x ${getv(\"/app/dri\")}`;\n" +
		"    |               ^^^^ did you mean \"/app/dir\"? A key that may be missing has a default: getv(\"/app/dri\", \"…\")"
	if got := p.Detail(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOptionsThatDoNotFit(t *testing.T) {
	for words, o := range map[string]script.Options{
		"parameter wconf.x": {Params: map[string]string{"wconf.x": "1"}},
		"limit memory":      {Limits: wasm.Limits{Memory: 1 << 40}},
		"templates/site.js: guest site.js: it starts with 1179648 bytes": {Limits: wasm.Limits{Memory: 1 << 20}},
		"it used up its 1000 units":                                      {Limits: wasm.Limits{Fuel: 1000}},
	} {
		if _, err := compile(t, `"x"`, o); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
	if _, err := compile(t, strings.Repeat(" ", 1<<20)+"1", script.Options{}); err == nil || !strings.Contains(err.Error(), "at most 1048576 bytes") {
		t.Errorf("a long script: %v", err)
	}
}

// What a script read is what makes it render again, misses and hits alike.
func TestReads(t *testing.T) {
	s := newScript(t, `getv("/app/a"); getv("/none/x", ""); exists("/app/b"); gets("/app/d*/c"); ls("/app/dir"); ""`, script.Options{})
	v := view()
	if _, err := s.Render(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	one := "1"
	for _, c := range []struct {
		change kv.Change
		want   bool
	}{
		{kv.Change{Key: "/app/a", Old: &one, New: &one}, true},
		{kv.Change{Key: "/none/x", New: &one}, true},
		{kv.Change{Key: "/app/b", Old: &one, New: &one}, false},
		{kv.Change{Key: "/app/b", Old: &one}, true},
		{kv.Change{Key: "/app/dx/c", New: &one}, true},
		{kv.Change{Key: "/app/dir/new", New: &one}, true},
		{kv.Change{Key: "/app/other", New: &one}, false},
	} {
		if got := v.Reads().Touches(c.change); got != c.want {
			t.Errorf("%s: %v", c.change.Key, got)
		}
	}
	if w := v.Reads().World(); len(w) != 0 {
		t.Errorf("world %q", w)
	}
	v = view()
	if _, err := newScript(t, `param("wconf.revision")`, script.Options{}).Render(t.Context(), v); err != nil || !slices.Equal(v.Reads().World(), []string{"wconf.revision"}) {
		t.Errorf("world %q, %v", v.Reads().World(), err)
	}
}

func TestPrefix(t *testing.T) {
	v := kv.NewView(store, kv.NewScope("/app", []string{"/"}))
	b, err := newScript(t, `getv("/a") + ls("/").join()`, script.Options{}).Render(t.Context(), v)
	if err != nil || string(b) != "1a,b,bytes,dir,empty,json" {
		t.Errorf("%q, %v", b, err)
	}
	_, err = newScript(t, `getv("/zzz")`, script.Options{}).Render(t.Context(), v)
	if err == nil || !strings.Contains(err.Error(), "/zzz (prefix /app)") {
		t.Errorf("%v", err)
	}
}

func TestLog(t *testing.T) {
	var log bytes.Buffer
	o := script.Options{
		Name: "web", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Secrets: kv.NewSecrets(kv.NewScope("", []string{"/app"}), []string{"/app/json"}, nil),
	}
	_, err := render(t, `log("warn", "careful\n\x1bhunter2-is-no-json"); console.log("a", 1, {b: [2]}, null, undefined, new Error("e"));
		console.debug("d"); console.info("i"); console.warn("w"); console.error("e"); fail("hunter2-is-no-json")`, o)
	if err == nil || !strings.Contains(err.Error(), "********") || strings.Contains(err.Error(), "hunter") {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{
		`level=WARN msg="script says" resource=web script=site.js text=careful`, `text=\x1b********`,
		`level=INFO msg="script says" resource=web script=site.js text="a 1 {\"b\":[2]} null undefined Error: e"`,
		"level=DEBUG", "text=i", "text=w", "level=ERROR",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log misses %s:\n%s", want, &log)
		}
	}
}

// The same keys give the same bytes and the same fuel: in every render, and in
// an engine that started anew.
func TestDeterminism(t *testing.T) {
	const text = `let s = ""; const m = new Map(), o = {};
		for (const {key, value} of gets("/app/?")) { m.set(key, value); o[key] = value }
		s += Math.random() + " " + Date.now() + " " + performance.now() + " " + [...m].join() + JSON.stringify(o);
		s += new Error().stack + [3, 1, 2].sort(() => Math.random() - 0.5); s`
	var first string
	for round := range 3 {
		var fuel []uint64
		s := newScript(t, text, script.Options{Stats: func(s wasm.Stats) { fuel = append(fuel, s.Fuel) }})
		for range 3 {
			b, err := s.Render(t.Context(), view())
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s %d", b, fuel[0])
			if first == "" {
				first = got
			}
			if got != first || fuel[len(fuel)-1] != fuel[0] {
				t.Errorf("round %d: %s, %v; first %s", round, got, fuel, first)
			}
		}
	}
}

// Nothing of a render is left for the next.
func TestNoStateSurvives(t *testing.T) {
	s := newScript(t, `globalThis.n = (globalThis.n ?? 0) + 1; Array.prototype.x = (Array.prototype.x ?? 0) + 1;
		getv.own = 1; String(n) + [].x`, script.Options{})
	for range 3 {
		if _, err := s.Render(t.Context(), view()); err == nil || !strings.Contains(err.Error(), "TypeError") {
			t.Fatalf("wconf's functions are not frozen: %v", err)
		}
	}
	s = newScript(t, `globalThis.n = (globalThis.n ?? 0) + 1; Array.prototype.x = ([].x ?? 0) + 1; String(n) + [].x`, script.Options{})
	for range 3 {
		if b, err := s.Render(t.Context(), view()); err != nil || string(b) != "11" {
			t.Fatalf("%q, %v", b, err)
		}
	}
}

// Renders side by side see their own keys.
func TestParallel(t *testing.T) {
	s := newScript(t, "const name = getv('/name'); let s = ''; for (let i = 0; i < 100; i++) s += getv('/name') + i + '\\n'; s + name", script.Options{})
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for round := range 10 {
				name := fmt.Sprintf("upstream-%d-%d.", n, round)
				v := kv.NewView(kv.NewSnapshot([]kv.Pair{{Key: "/name", Value: name}}), kv.NewScope("", []string{"/"}))
				b, err := s.Render(t.Context(), v)
				if err != nil || strings.Count(string(b), name) != 101 || strings.Count(string(b), "upstream-") != 101 {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newScript(t, "for (;;);", script.Options{}).Render(ctx, view())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The interpreter, which runs scripts while their engine compiles and where the
// system forbids machine code, makes the same bytes for the same fuel.
func TestInterpreter(t *testing.T) {
	const text = `const list = gets("/app/?"); list.map(({key, value}) => key + "=" + value).join() + Math.random()`
	var fuel []uint64
	o := script.Options{File: "site.js", Stats: func(s wasm.Stats) { fuel = append(fuel, s.Fuel) }}
	want, err := render(t, text, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, slow := range []wasm.Options{{Interpreter: true}, {Background: true}} {
		r, err := wasm.NewRuntime(slow)
		if err != nil {
			t.Fatal(err)
		}
		m, err := script.Load(t.Context(), r, "site.js")
		if err != nil {
			t.Fatal(err)
		}
		s, err := script.New(t.Context(), m, []byte(text), o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Render(t.Context(), view())
		if err != nil || string(got) != want {
			t.Errorf("%+v: %q, %v; want %q", slow, got, err, want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(fuel) != 3 || fuel[1] != fuel[0] || fuel[2] != fuel[0] {
		t.Errorf("fuel %v", fuel)
	}
}

// The last lines that a script logged stand beside its error.
func TestLastLinesOfLog(t *testing.T) {
	o := script.Options{Secrets: kv.NewSecrets(kv.NewScope("", []string{"/app"}), []string{"/app/json"}, nil)}
	_, err := newScript(t, `for (let i = 0; i < 7; i++) console.debug("hunter2-is-no-json", i); null.x`, o).Render(t.Context(), view())
	if err == nil || !strings.Contains(err.Error(), `it last logged "******** 2", "******** 3", "******** 4", "******** 5", "******** 6"`) {
		t.Errorf("got %v", err)
	}
}
