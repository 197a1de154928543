package guest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

func view(prefix string, keys []string, pairs ...string) *kv.View {
	var all []kv.Pair
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, kv.Pair{Key: pairs[i], Value: pairs[i+1]})
	}
	return kv.NewView(kv.NewSnapshot(all), kv.NewScope(prefix, keys))
}

func module(t testing.TB, manifest, fields string) *wasm.Module {
	t.Helper()
	r, err := wasm.NewRuntime(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bin := wat.Assemble(t, `(module
		(import "wconf/v1" "getv" (func $getv (param i32 i32 i32 i32) (result i32)))
		(import "wconf/v1" "param" (func $param (param i32 i32 i32 i32) (result i32)))
		(import "wconf/v1" "input" (func $input (param i32 i32) (result i32)))
		(import "wconf/v1" "write" (func $write (param i32 i32)))
		(import "wconf/v1" "log" (func $log (param i32 i32 i32)))
		(import "wconf/v1" "fail" (func $fail (param i32 i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "/app/key")
		(data (i32.const 16) "wconf.dest")
		(data (i32.const 32) "wconf.revision")
		`+fields+`)`)
	if manifest != "" {
		bin = append(bin, wat.Section(0, append([]byte("\x05wconf"), manifest...))...)
	}
	m, err := r.Load(context.Background(), "x.wasm", bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func newGuest(t testing.TB, m *wasm.Module, o guest.Options) *guest.Guest {
	t.Helper()
	g, err := guest.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// echo writes the value of /app/key, or fails with the key's name.
const echo = `(func (export "render") (result i32) (local $n i32)
	(local.set $n (call $getv (i32.const 0) (i32.const 8) (i32.const 100) (i32.const 100)))
	(if (i32.lt_s (local.get $n) (i32.const 0)) (then (call $fail (i32.const 0) (i32.const 8))))
	(call $log (i32.const 2) (i32.const 100) (local.get $n))
	(call $write (i32.const 100) (local.get $n)) (i32.const 0))`

func wantProblem(t testing.TB, err error, code string, words ...string) {
	t.Helper()
	p, ok := err.(*problem.Problem)
	if !ok || p.Code != code {
		t.Errorf("got %v, want a problem %s", err, code)
		return
	}
	for _, w := range words {
		if !strings.Contains(p.Error(), w) {
			t.Errorf("%q misses %q", p.Error(), w)
		}
	}
}

func TestRender(t *testing.T) {
	var log bytes.Buffer
	var stats []wasm.Stats
	g := newGuest(t, module(t, "", echo), guest.Options{
		Name: "web", Log: slog.New(slog.NewTextHandler(&log, nil)),
		Secrets: kv.NewSecrets(kv.NewScope("/p", []string{"/app"}), []string{"/app/*"}, nil),
		Stats:   func(s wasm.Stats) { stats = append(stats, s) },
	})
	v := view("/p", []string{"/app"}, "/p/app/key", "value", "/app/key", "other")
	got, err := g.Render(t.Context(), v)
	if err != nil || string(got) != "value" {
		t.Fatalf("got %q, %v", got, err)
	}
	if reads := slices.Collect(v.Reads().Values()); !slices.Equal(reads, []string{"/p/app/key"}) {
		t.Errorf("reads %q", reads)
	}
	if l := log.String(); !strings.Contains(l, `level=WARN msg="guest says" resource=web guest=x.wasm text=********`) {
		t.Errorf("log %s", l)
	}
	if len(stats) != 1 || stats[0].Calls["getv"] != 1 {
		t.Errorf("stats %+v", stats)
	}
}

// Where a guest was when it trapped is said for who debugs it.
func TestStackOfTrap(t *testing.T) {
	var log bytes.Buffer
	m := module(t, "", `(func $f unreachable) (func (export "render") (result i32) (call $f) (i32.const 0))`)
	g := newGuest(t, m, guest.Options{Name: "web", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	_, err := g.Render(t.Context(), view("", nil))
	wantProblem(t, err, problem.GuestFailed, "guest x.wasm: render: unreachable")
	if l := log.String(); !strings.Contains(l, `level=DEBUG msg="guest stack" resource=web guest=x.wasm stack=".$7()`) {
		t.Errorf("log %s", l)
	}
}

// The last lines of a guest's log stand beside its error, bounded, and without
// secrets: also where a line is cut in the middle of one.
func TestLastLinesOfLog(t *testing.T) {
	m := module(t, "", `(func (export "render") (result i32) (local $i i32)
		(loop $l
			(i32.store8 (i32.const 64) (i32.add (i32.const 48) (local.get $i)))
			(call $log (i32.const 0) (i32.const 64) (i32.const 9))
			(local.set $i (i32.add (local.get $i) (i32.const 1)))
			(br_if $l (i32.lt_u (local.get $i) (i32.const 6))))
		(call $log (i32.const 0) (i32.const 64) (i32.const 268))
		(i32.const 7)) (data (i32.const 64) "0 secret!`+strings.Repeat(".", 188)+"secret"+strings.Repeat(".", 66)+`")`)
	g := newGuest(t, m, guest.Options{Secrets: kv.NewSecrets(kv.NewScope("", []string{"/"}), []string{"/pw"}, nil)})
	_, err := g.Render(t.Context(), view("", []string{"/"}, "/pw", "secret"))
	wantProblem(t, err, problem.GuestFailed, `it last logged "2 ********!", "3 ********!", "4 ********!", "5 ********!", "5 ********!...`)
	if text := err.Error(); strings.Contains(text, "sec") || strings.Contains(text, `"1 `) || len(text) > 400 || !strings.Contains(text, `*…"`) {
		t.Errorf("got %s", text)
	}
}

func TestKeysThatAreNotThere(t *testing.T) {
	m := module(t, "", echo)
	scope := kv.NewScope("", []string{"/other", "/nginx"})
	g := newGuest(t, m, guest.Options{Scope: &scope})
	v := view("", []string{"/app"})
	_, err := g.Render(t.Context(), v)
	wantProblem(t, err, problem.KeyMissing, "guest x.wasm: render: /app/key")
	if !v.Reads().Touches(kv.Change{Key: "/app/key"}) {
		t.Error("the miss is not in the reads")
	}
	_, err = g.Render(t.Context(), view("", []string{"/other", "/application"}, "/app/key", "v"))
	wantProblem(t, err, problem.KeyDenied, `add it to keys = ["/nginx", "/other"]`)
}

// A guest may ask for a key whose name is the value of another.
func TestKeyThatIsSecret(t *testing.T) {
	scope := kv.NewScope("", []string{"/other"})
	g := newGuest(t, module(t, "", echo), guest.Options{Scope: &scope, Secrets: kv.NewSecrets(scope, []string{"/other/pw"}, nil)})
	_, err := g.Render(t.Context(), view("", []string{"/other"}, "/other/pw", "/app/key"))
	wantProblem(t, err, problem.KeyDenied, "do not include ********; add it")
	if strings.Contains(err.Error(), "/app/key") {
		t.Errorf("got %v", err)
	}
}

func TestManifestRequests(t *testing.T) {
	m := module(t, `{"keys":["/app","/nginx/"],"params":{"port":{"type":"int","default":"80","help":"where it listens"},"mode":{"enum":["a","b"],"required":true}},"limits":{"memory_mib":1,"fuel":77}}`,
		`(func (export "render") (result i32)
			(call $write (i32.const 100) (call $param (i32.const 50) (i32.const 4) (i32.const 100) (i32.const 100)))
			(call $write (i32.const 100) (call $param (i32.const 16) (i32.const 10) (i32.const 100) (i32.const 100)))
			(i32.const 0)) (data (i32.const 50) "port")`)
	narrow, wide := kv.NewScope("/p", []string{"/app", "/ngin"}), kv.NewScope("/p", []string{"/"})
	mode := map[string]string{"mode": "a"}
	for name, c := range map[string]struct {
		o     guest.Options
		code  string
		words string
	}{
		"keys":     {guest.Options{Scope: &narrow, Params: mode}, problem.GuestDenied, `add to the resource: keys = ["/nginx/"]`},
		"required": {guest.Options{}, problem.Config, "it needs the parameter mode"},
		"unknown":  {guest.Options{Params: map[string]string{"mode": "a", "prt": "1"}}, problem.Config, `did you mean "port"?`},
		"type":     {guest.Options{Params: map[string]string{"mode": "a", "port": "http"}}, problem.Config, "parameter port must be an integer (where it listens)"},
		"enum":     {guest.Options{Params: map[string]string{"mode": "c"}}, problem.Config, "one of a, b"},
		"own":      {guest.Options{Params: map[string]string{"mode": "a", "wconf.x": "c"}}, problem.Config, "no parameter wconf.x"},
		"limit":    {guest.Options{Params: mode, Limits: wasm.Limits{Memory: 1 << 40}}, problem.Config, "limit memory"},
		"role":     {guest.Options{Role: guest.Filter}, problem.GuestLoad, "it does not export filter (it exports render)"},
		"stdin":    {guest.Options{Stdin: guest.JSON}, problem.Config, "stdin is for commands"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := guest.New(m, c.o)
			wantProblem(t, err, c.code, "guest x.wasm: ", c.words)
		})
	}
	_, err := newGuest(t, m, guest.Options{Params: mode}).Render(t.Context(), view("", nil))
	wantProblem(t, err, problem.GuestFuel, "it used up its 77 units of fuel") // the manifest lowers, the resource raises
	g := newGuest(t, m, guest.Options{Scope: &wide, Params: mode, Dest: "/etc/x", Limits: wasm.Limits{Fuel: 1e6}})
	if got, err := g.Render(t.Context(), view("", nil)); err != nil || string(got) != "80/etc/x" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestFilterAndCheck(t *testing.T) {
	const code = `(local $n i32) (local.set $n (call $input (i32.const 100) (i32.const 100)))
		(if (i32.eq (local.get $n) (i32.const 3)) (then (call $fail (i32.const 100) (local.get $n))))
		(call $write (i32.const 100) (local.get $n)) (call $write (i32.const 100) (local.get $n)) (i32.const 0))`
	m := module(t, "", `(func (export "filter") (result i32) `+code+`(func (export "check") (result i32) `+code)
	f := newGuest(t, m, guest.Options{Role: guest.Filter})
	for in, want := range map[string]string{"ab": "abab", "": ""} {
		if got, err := f.Filter(t.Context(), view("", nil), []byte(in)); err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v", in, got, err)
		}
	}
	_, err := f.Filter(t.Context(), view("", nil), []byte("bad"))
	wantProblem(t, err, problem.GuestFailed, "guest x.wasm: filter: bad")
	c := newGuest(t, m, guest.Options{Role: guest.Checker})
	if err := c.Check(t.Context(), view("", nil), nil); err != nil {
		t.Error(err)
	}
	wantProblem(t, c.Check(t.Context(), view("", nil), []byte("bad")), problem.CheckFailed, "guest x.wasm refused the new content: bad")
}

func TestFunctions(t *testing.T) {
	m := module(t, `{"functions":{"twice":{"args":1},"bad":{"args":0}}}`, `
		(global $calls (mut i32) (i32.const 48))
		(func (export "call") (result i32) (local $n i32)
			(local.set $n (call $input (i32.const 100) (i32.const 100)))
			(if (i32.eq (i32.load8_u (i32.const 108)) (i32.const 98)) (then unreachable))
			(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
			(i32.store8 (i32.const 200) (global.get $calls))
			(call $write (i32.const 200) (i32.const 1))
			(call $write (i32.const 117) (i32.load (i32.const 113)))
			(i32.const 0))`)
	told := 0
	g := newGuest(t, m, guest.Options{Role: guest.Functions, Stats: func(wasm.Stats) { told++ }})
	if n := g.Names(); len(n) != 2 || n["twice"] != 1 {
		t.Errorf("names %v", n)
	}
	for range 2 {
		c, err := g.Open(t.Context(), view("", nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"1arg", "2arg"} { // one instance answers all calls of a template
			if got, err := c.Call(t.Context(), "twice", []string{"arg"}); err != nil || got != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		}
		_, first := c.Call(t.Context(), "bad", nil)
		wantProblem(t, first, problem.GuestFailed, "call: unreachable")
		if _, err := c.Call(t.Context(), "twice", []string{"arg"}); err != first {
			t.Errorf("after an error: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if told != 2 {
		t.Errorf("stats were told %d times", told)
	}
	_, err := guest.New(module(t, "", `(func (export "call") (result i32) (i32.const 0))`), guest.Options{Role: guest.Functions})
	wantProblem(t, err, problem.GuestLoad, "its manifest names no functions")
}

// The revision is a look at the world: without a key of its own changing, the
// guest's output may.
func TestRevision(t *testing.T) {
	g := newGuest(t, module(t, "", `(func (export "render") (result i32)
		(call $write (i32.const 100) (call $param (i32.const 32) (i32.const 14) (i32.const 100) (i32.const 100))) (i32.const 0))`), guest.Options{})
	v := view("", nil)
	if got, err := g.Render(t.Context(), v); err != nil || string(got) != "1" {
		t.Errorf("got %q, %v", got, err)
	}
	if w := v.Reads().World(); !slices.Equal(w, []string{"wconf.revision"}) {
		t.Errorf("world %q", w)
	}
}

func command(t testing.TB) *wasm.Module {
	t.Helper()
	r, err := wasm.NewRuntime(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Load(context.Background(), "cat.wasm", wat.Assemble(t, `(module
		(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "\40\00\00\00\00\10\00\00")
		(func (export "_start")
			(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
			(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// A command finds the granted keys, and no others, on its standard input.
func TestStdin(t *testing.T) {
	m := command(t)
	for stdin, want := range map[guest.Stdin]string{
		"":             "/a\troot\n/a/b\t1\\t\\\\\\n\n/a/b/c\t<é>\n/a0\tz\n",
		guest.Lines:    "/a\troot\n/a/b\t1\\t\\\\\\n\n/a/b/c\t<é>\n/a0\tz\n",
		guest.JSON:     `{"/a":"root","/a/b":"1\t\\\n","/a/b/c":"<é>","/a0":"z"}` + "\n",
		guest.JSONTree: `{"a":{"":"root","b":{"":"1\t\\\n","c":"<é>"}},"a0":"z"}` + "\n",
	} {
		v := view("/p", []string{"/a", "/a0"}, "/p/a", "root", "/p/a/b", "1\t\\\n", "/p/a/b/c", "<é>", "/p/a0", "z", "/p/secret", "s", "/a", "no")
		g := newGuest(t, m, guest.Options{Stdin: stdin})
		got, err := g.Render(t.Context(), v)
		if err != nil || !strings.HasPrefix(string(got), want) || strings.Trim(string(got[len(want):]), "\x00") != "" {
			t.Errorf("%s: got %q, %v", stdin, got, err)
		}
		for _, c := range []kv.Change{{Key: "/p/a/b"}, {Key: "/p/a/new/key"}, {Key: "/p/a0/x"}} {
			if !v.Reads().Touches(c) {
				t.Errorf("%s: %s is not in the reads", stdin, c.Key)
			}
		}
	}
	_, err := guest.New(m, guest.Options{Stdin: "jsn"})
	wantProblem(t, err, problem.Config, `did you mean "json"?`)
	_, err = guest.New(m, guest.Options{Role: guest.Checker})
	wantProblem(t, err, problem.GuestLoad, "it is a command")
}

// nested is the objects that json-tree shows.
func nested(pairs []kv.Pair) map[string]any {
	root := map[string]any{}
	for _, p := range pairs {
		at, names := root, strings.Split(p.Key[1:], "/")
		for _, name := range names {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at = at[name].(map[string]any)
		}
		at[""] = p.Value
	}
	return flattened(root)
}

func flattened(at map[string]any) map[string]any {
	for name, below := range at {
		o, ok := below.(map[string]any)
		if !ok {
			continue
		}
		if value, ok := o[""]; ok && len(o) == 1 {
			at[name] = value
		} else {
			flattened(o)
		}
	}
	return at
}

// The tree is the one that encoding/json would write, in its order.
func TestStdinTree(t *testing.T) {
	g := newGuest(t, command(t), guest.Options{Stdin: guest.JSONTree})
	random := rand.New(rand.NewPCG(3, 4))
	names := []string{"a", "a-", "a-b", "a.b", "a!", "b", "<é>", "\"", "ab"}
	for range 300 {
		pairs := map[string]string{}
		for range random.IntN(20) {
			key := ""
			for range 1 + random.IntN(4) {
				key += "/" + names[random.IntN(len(names))]
			}
			pairs[key] = key + "\n"
		}
		var list []string
		var all []kv.Pair
		for key, value := range pairs {
			list, all = append(list, key, value), append(all, kv.Pair{Key: key, Value: value})
		}
		var want bytes.Buffer
		out := json.NewEncoder(&want)
		out.SetEscapeHTML(false)
		if err := out.Encode(nested(all)); err != nil {
			t.Fatal(err)
		}
		got, err := g.Render(t.Context(), view("", []string{"/"}, list...))
		if text := strings.TrimRight(string(got), "\x00"); err != nil || text != want.String() {
			t.Fatalf("%v:\n%swant\n%s", err, text, &want)
		}
	}
}
