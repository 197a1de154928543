package script_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// Whatever a script tries, it ends within its limits, by a problem that says
// which, and where it can, the line.
func TestHostile(t *testing.T) {
	limits := wasm.Limits{Fuel: 3e8, Memory: 8 << 20, Output: 1 << 20, Result: 1 << 16, Calls: 10_000, Time: time.Minute}
	for name, c := range map[string]struct{ text, code, words string }{
		"loop":               {"let n = 0\nwhile (true) n = Math.abs(n)", problem.GuestFuel, "at or below this line"},
		"loop in catch":      {"for (;;) try { for (;;); } catch {}", problem.GuestFuel, "site.js:1"},
		"loop in finally":    {"try { for (;;); } finally { for (;;); }", problem.GuestFuel, "site.js:1"},
		"array":              {"const l = []\nfor (;;) l.push({})", problem.GuestMemory, "8388608 bytes"},
		"array that catches": {"const l = []\nfor (;;) try { l.push({}) } catch {}", problem.GuestFuel, ""},
		"typed array":        {"const l = []\nfor (;;) l.push(new Uint8Array(1e6))", problem.GuestMemory, "8388608 bytes"},
		"memory, then fail":  {`try { const l = []; for (;;) l.push(new Uint8Array(1e6)) } catch {} fail("enough")`, problem.GuestFailed, "enough"},
		"huge buffer":        {"new ArrayBuffer(2 ** 31)", problem.TemplateRender, "RangeError"},
		"recursion":          {"const f = (n) => f(n + 1) + 1\nf(0)", problem.TemplateRender, "call stack"},
		"recursion to catch": {"const f = () => { try { f() } catch { f() } }\nf()", problem.GuestFuel, ""},
		"recursion by sort":  {"const f = () => [1, 2].sort(f)\nf()", problem.TemplateRender, "call stack"},
		"recursion of JSON":  {"let o = {}\nfor (let i = 0; i < 1e4; i++) o = {o}\nJSON.stringify(o)", "", ""},
		"nested JSON":        {`JSON.parse("[".repeat(1e5)); ""`, problem.TemplateRender, ""},
		"nested source":      {strings.Repeat("(", 1e5), problem.GuestFailed, "its stack"},
		"nested arrays":      {strings.Repeat("[", 1e5), problem.GuestFailed, "its stack"},
		"nested regexp":      {`new RegExp("(".repeat(1e5))`, problem.TemplateRender, ""},
		"regexp":             {`/(a+)+b/.test("a".repeat(40))`, problem.GuestFuel, "site.js:1"},
		"string":             {`let s = "x"; for (;;) s += s`, problem.TemplateRender, "string too long"},
		"flat string":        {`"x".repeat(2 ** 29)`, problem.GuestMemory, ""},
		"padded":             {`const l = []; for (;;) l.push("x".padStart(1e5, "ab"))`, problem.GuestMemory, ""},
		"output":             {`"x".repeat(2e6)`, problem.GuestFailed, "more than 1048576 bytes of output"},
		"big integers":       {`let n = 3n; for (;;) n *= n`, "", ""},
		"sort":               {`[...Array(1e6).keys()].sort(() => -1)`, "", ""},
		"calls":              {`for (let i = 0;; i++) getv("/none/" + i, "")`, problem.GuestFailed, "more than 10000 host calls"},
		"log":                {`for (;;) console.log("x".repeat(1e5))`, "", ""},
		"promises":           {`const f = () => Promise.resolve().then(f); f(); ""`, "", ""},
		"generator":          {`function* g() { for (;;) yield 1 } [...g()]`, "", ""},
		"throwing getters":   {`throw Object.defineProperty(new Error("x"), "message", {get() { throw new Error("y") }})`, problem.TemplateRender, "site.js:1:"},
		"endless getters":    {`throw Object.defineProperty(new Error("x"), "stack", {get() { for (;;); }})`, problem.GuestFuel, ""},
		"thrown proxy":       {`throw new Proxy({}, {get() { for (;;); }})`, problem.GuestFuel, ""},
		"prepared stacks":    {"Error.prepareStackTrace = () => { for (;;); }\nnull.x", problem.GuestFuel, ""},
		"returned getter":    {`function render() { return {get length() { for (;;); }, toString() { for (;;); }} }`, problem.TemplateRender, "returned an object"},
		"returned proxy":     {`new Proxy(function () {}, {get() { for (;;); }, apply() { for (;;); }})`, problem.TemplateRender, "returned a function"},
		"render as getter":   {`Object.defineProperty(globalThis, "render", {get() { for (;;); }})`, problem.GuestFuel, ""},
		"render of wconf":    {`globalThis.render = getv; 1`, problem.TemplateRender, "not undefined"},
		"broken language":    {`JSON.parse = JSON.stringify = Object.defineProperty = undefined; Array.prototype.push = Error = String = null; gets("/none/*").length + "x" + getv("/app/a")`, "", ""},
		"then on everything": {`Object.prototype.then = (f) => f(1); Object.prototype.toJSON = () => { for (;;); }; ls("/app").join()`, "", ""},
		"setters everywhere": {`for (const k of ["key", "value", "0", "1"]) Object.defineProperty(Object.prototype, k, {set() { throw 1 }, get() { return 1 }, configurable: true}); getvs("/app/?").join()`, "", ""},
		"eval":               {`eval("for (;;);")`, problem.GuestFuel, ""},
		"Function":           {`new Function("return getv('/secret/pw')")()`, problem.KeyDenied, "/secret/pw"},
		"constructor":        {`getv.constructor("return host")()`, problem.TemplateRender, "host is not defined"},
		"caller":             {`getv.caller`, problem.TemplateRender, ""},
		"import":             {`import("x").then(() => { for (;;); }); ""`, "", ""},
		"atomics":            {`Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1e9)`, problem.TemplateRender, ""},
		"long log":           {`log("info", "x".repeat(1e6)); ""`, "", ""},
		"long fail":          {`fail("x".repeat(1e6))`, problem.GuestFailed, ""},
		"long key":           {`getv("/" + "x".repeat(1e6))`, problem.TemplateRender, "4096 bytes"},
		"long name":          {`globalThis["x".repeat(1e5)].y`, problem.TemplateRender, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			best := time.Hour // a machine that stands still makes one run long, but not three
			for n := 0; n < 3 && best > 5*time.Second; n++ {
				began := time.Now()
				_, err = render(t, c.text, script.Options{Limits: limits})
				best = min(best, time.Since(began))
			}
			if best > 5*time.Second {
				t.Errorf("it took %v", best)
			}
			var p *problem.Problem
			if c.code == "" {
				if err != nil && !errors.As(err, &p) {
					t.Errorf("got %v", err)
				}
				t.Log(err)
				return
			}
			if !errors.As(err, &p) || p.Code != c.code || !strings.Contains(p.Error(), c.words) {
				t.Errorf("got %v", err)
			}
			if err != nil && len(err.Error()) > 10_000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	// It has a sixteenth of its time to say where it was. A busy machine may need
	// more than that for other things.
	for limit := 500 * time.Millisecond; ; limit *= 2 {
		_, err := render(t, "let n = 0\nfunction render() {\n  for (;;) n++\n}", script.Options{Limits: wasm.Limits{Fuel: 1e11, Time: limit}})
		var p *problem.Problem
		if !errors.As(err, &p) || p.Code != problem.GuestTimeout || !strings.Contains(p.Msg, limit.String()) {
			t.Fatalf("got %v", err)
		}
		if p.Line == 3 {
			return
		}
		if limit > 4*time.Second {
			t.Fatalf("it does not say where it was: %v", err)
		}
	}
}

// Small scripts end, whatever they are, and twice in the same way.
func FuzzScript(f *testing.F) {
	for _, text := range []string{
		`"x"`, `function render() { return getv("/app/a") }`, "`${gets('/app/?').map(p => p.key)}`", "for(;;);", "throw {get stack(){for(;;);}}",
		"fail(1)", "a=>a", "/(a*)*$/.exec('aaaab')", "import('x')", "async()=>{}", "\x00", "({__proto__:null})", "log('info',{})",
		"class A{#x=1;static{getv('/secret/pw')}}", "label:for(const x of ls('/app'))continue label", "new Proxy([],{})+''",
	} {
		f.Add(text)
	}
	limits := wasm.Limits{Fuel: 2e7, Memory: 4 << 20, Output: 1 << 16, Time: time.Minute} // the fuel ends them, in the same way each time
	f.Fuzz(func(t *testing.T, text string) {
		first, err := render(t, text, script.Options{Limits: limits})
		again, errAgain := render(t, text, script.Options{Limits: limits})
		var p *problem.Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("no problem: %v", err)
		}
		if first != again || (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
			t.Errorf("%q, %v, and then %q, %v", first, err, again, errAgain)
		}
		if strings.Contains(first, "hunter2") && !strings.Contains(text, "json") {
			t.Errorf("%q tells a secret", first)
		}
	})
}

// With the limits that a resource has when it says nothing, a script that asks
// for ever other names ends, and the host has not grown by much.
func TestEndlessNames(t *testing.T) {
	for _, ask := range []string{`getv(n, "")`, `exists(n)`, `ls(n)`, `gets(n + "*")`} {
		s := newScript(t, "const pad = \"x\".repeat(4000)\nfor (let i = 0;; i++) { const n = \"/none/\" + i + pad; "+ask+" }", script.Options{})
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v := view()
		_, err := s.Render(t.Context(), v)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "bytes of names") {
			t.Errorf("%s: %v", ask, err)
		}
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 64<<20 {
			t.Errorf("%s: the heap grew by %d MiB", ask, grown>>20)
		}
		runtime.KeepAlive(v)
	}
}

// Neither many values nor a long message or stack keep wconf busy when the script
// has ended.
func TestLongExceptions(t *testing.T) {
	var pairs []kv.Pair
	for i := range 100_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/app/%06d", i), Value: fmt.Sprintf("value%06x", i)})
	}
	many := kv.NewSnapshot(pairs)
	for _, text := range []string{
		`const all = getvs("/app/*").join(" "); throw new TypeError(all)`,
		`getvs("/app/*"); throw Object.assign(new TypeError("x"), {stack: "at f (site.js:999999999:1)\n".repeat(3e5), name: "abc ".repeat(3e5)})` + strings.Repeat("\n", 9e5),
		`getvs("/app/*"); throw "text ".repeat(3e5)`,
	} {
		s := newScript(t, text, script.Options{})
		began := time.Now()
		_, err := s.Render(t.Context(), kv.NewView(many, kv.NewScope("", []string{"/app"})))
		if took := time.Since(began); took > 20*time.Second { // it was some minutes
			t.Errorf("%.60s: it took %v", text, took)
		}
		if err == nil || len(err.Error()) > 10_000 || strings.Contains(err.Error(), "value0") {
			t.Errorf("%.60s: %.200v", text, err)
		}
	}
}
