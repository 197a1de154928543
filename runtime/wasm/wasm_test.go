package wasm_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// noKeys is a store without keys.
type noKeys struct{}

func (noKeys) Grants(string) bool                                              { return true }
func (noKeys) Get(string) (string, bool)                                       { return "", false }
func (noKeys) Exists(string) bool                                              { return false }
func (noKeys) Glob(string, func(int) bool, func(key, value string) bool) error { return nil }
func (noKeys) List(string, func(int) bool, func(string, bool) bool)            {}
func (noKeys) ListDirs(string, func(int) bool, func(string, bool) bool)        {}

func newRuntime(t testing.TB, o wasm.Options) *wasm.Runtime {
	t.Helper()
	r, err := wasm.NewRuntime(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func load(t testing.TB, r *wasm.Runtime, bin []byte) *wasm.Module {
	t.Helper()
	m, err := r.Load(t.Context(), "test.wasm", bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// run is one invocation of render, or of _start for a command.
func run(t testing.TB, m *wasm.Module, v wasm.Invocation) (string, wasm.Stats, error) {
	t.Helper()
	if v.Session == nil {
		v.Session = &hostfuncs.Session{Keys: noKeys{}}
	}
	i, err := m.Open(t.Context(), v)
	if err != nil {
		return "", wasm.Stats{}, err
	}
	defer i.Close()
	export := "render"
	if m.Inspect().Kind == wasm.Command {
		export = "_start"
	}
	err = i.Call(export)
	return string(v.Session.Output()), i.Stats(), err
}

// module is a guest with the given fields, and memory, write and fail.
func module(t testing.TB, fields string) []byte {
	t.Helper()
	return wat.Assemble(t, `(module
		(import "wconf/v1" "write" (func $write (param i32 i32)))
		(import "wconf/v1" "fail" (func $fail (param i32 i32)))
		(import "wconf/v1" "log" (func $log (param i32 i32 i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "hello")
		`+fields+`)`)
}

// guest is a guest whose render has the given code.
func guest(t testing.TB, code string) []byte {
	t.Helper()
	return module(t, `(func $render (export "render") (result i32) (local $n i32) (local $m i32) `+code+` (i32.const 0))`)
}

func TestRender(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, guest(t, `(call $write (i32.const 0) (i32.const 5))`))
	for range 2 {
		got, stats, err := run(t, m, wasm.Invocation{})
		if err != nil || got != "hello" {
			t.Fatalf("got %q, %v", got, err)
		}
		if stats.Calls["write"] != 1 || stats.Written != 5 || stats.Memory != 65536 {
			t.Errorf("stats %+v", stats)
		}
	}
}

// wantProblem looks at an error's code and at words of it.
func wantProblem(t testing.TB, err error, code string, words ...string) {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != code {
		t.Errorf("got %v, want a problem %s", err, code)
		return
	}
	for _, w := range words {
		if !strings.Contains(p.Error(), w) {
			t.Errorf("%q misses %q", p.Error(), w)
		}
	}
}

func TestErrorsOfGuests(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	for name, c := range map[string]struct {
		code, problem, words string
	}{
		"fail":        {`(call $fail (i32.const 0) (i32.const 5))`, problem.GuestFailed, "guest test.wasm: render: hello"},
		"code":        {`(return (i32.const 3))`, problem.GuestFailed, "it returned 3"},
		"log, code":   {`(call $log (i32.const 3) (i32.const 0) (i32.const 5)) (return (i32.const 3))`, problem.GuestFailed, `it last logged "hello"`},
		"unreachable": {`unreachable`, problem.GuestFailed, "unreachable"},
		"division":    {`(drop (i32.div_u (i32.const 1) (local.get $n)))`, problem.GuestFailed, "integer divide by zero"},
		"load":        {`(drop (i32.load (i32.const 65533)))`, problem.GuestFailed, "out of bounds memory access"},
		"pointer":     {`(call $write (i32.const 65536) (i32.const 1))`, problem.GuestFailed, "write got 1 bytes at address 65536"},
		"pointer -1":  {`(call $write (i32.const -1) (i32.const -1))`, problem.GuestFailed, "write got 4294967295 bytes"},
		"memory":      {`(drop (memory.grow (i32.const 600))) unreachable`, problem.GuestMemory, "it used up its memory of 33554432 bytes"},
		"output":      {`(loop $l (call $write (i32.const 0) (i32.const 65536)) (br $l))`, problem.GuestFailed, "more than 200000 bytes of output"},
		"time":        {`(loop $l (br $l))`, problem.GuestTimeout, "it was stopped after 100ms"},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, r, guest(t, c.code))
			limits := wasm.Limits{Output: 200_000}
			if c.problem == problem.GuestTimeout {
				limits.Time = 100 * time.Millisecond
			}
			_, _, err := run(t, m, wasm.Invocation{Limits: limits})
			wantProblem(t, err, c.problem, c.words)
			var ge *wasm.GuestError
			if !errors.As(err, &ge) || ge.Function != "render" || ge.Guest != "test.wasm" {
				t.Errorf("no GuestError: %+v", ge)
			}
		})
	}
}

func TestRefusedModules(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	export := `(func (export "render") (result i32) (i32.const 0))`
	memory := `(memory (export "memory") 1)`
	for name, c := range map[string]struct {
		bin   []byte
		words string
	}{
		"empty":         {nil, "no WebAssembly 1 module"},
		"text":          {[]byte("(module (memory 1))"), "no WebAssembly 1 module"},
		"component":     {[]byte("\x00asm\x0d\x00\x01\x00"), "WebAssembly component"},
		"cut":           {module(t, export)[:40], "unexpected end"},
		"nothing":       {module(t, ""), "exports none of render, filter, check, call and _start"},
		"no memory":     {wat.Assemble(t, `(module `+export+`)`), `does not export its memory`},
		"render type":   {module(t, `(func (export "render") (param i32))`), "it exports render as (i32) → (); wconf calls () → (i32)"},
		"no code":       {wat.Assemble(t, `(module (import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32))) (export "render" (func $y))`+memory+`)`), "its render is a function that it imports"},
		"env":           {wat.Assemble(t, `(module (import "env" "abort" (func (param i32)))`+memory+export+`)`), "it imports env.abort"},
		"newer ABI":     {wat.Assemble(t, `(module (import "wconf/v1" "jsonv" (func (param i32)))`+memory+export+`)`), "it needs wconf/v1.jsonv, a function of a newer ABI; this wconf provides 1.0"},
		"signature":     {wat.Assemble(t, `(module (import "wconf/v1" "write" (func (param i64)))`+memory+export+`)`), "it imports wconf/v1.write as (i64) → (); wconf provides (i32, i32) → ()"},
		"WASI":          {wat.Assemble(t, `(module (import "wasi_snapshot_preview1" "path_own" (func))`+memory+export+`)`), "no function of WASI preview 1"},
		"tick":          {wat.Assemble(t, `(module (import "wconf/host" "tick" (func))`+memory+export+`)`), "it imports wconf/host.tick"},
		"global":        {wat.Assemble(t, `(module (import "env" "g" (global i32))`+memory+export+`)`), "imports the global env.g"},
		"memory import": {wat.Assemble(t, `(module (import "env" "memory" (memory 1))`+export+`)`), "imports the memory env.memory"},
		"extism":        {wat.Assemble(t, `(module (import "extism:host/env" "input_length" (func (result i64)))`+memory+export+`)`), "Extism"},
		"proxy-wasm":    {module(t, `(func (export "proxy_abi_version_0_2_1"))`), "proxy-wasm"},
		"waPC":          {module(t, `(func (export "__guest_call") (param i32 i32) (result i32) (i32.const 0))`), "waPC"},
		"shared memory": {append([]byte(wat.Preamble), wat.Section(5, []byte{1, 3, 1, 1})...), "threads"},
		"body":          {guest(t, `i64.const 1`), "does not compile"},
		"manifest":      {append(guest(t, ""), wat.Section(0, []byte("\x05wconf{"))...), "its manifest"},
		"manifest ABI":  {append(guest(t, ""), wat.Section(0, []byte("\x05wconf"+`{"abi":"2.0"}`))...), "its manifest asks for ABI 2.0"},
	} {
		_, err := r.Load(t.Context(), "test.wasm", c.bin)
		if err == nil {
			t.Errorf("%s: it is accepted", name)
			continue
		}
		wantProblem(t, err, problem.GuestLoad, "guest test.wasm is refused: ", c.words)
	}
}

func TestInspect(t *testing.T) {
	bin := append(guest(t, ""), wat.Section(0, []byte("\x05wconf"+`{"abi":"1.0","keys":["/a"],"new":1}`))...)
	about, err := wasm.Inspect("test.wasm", bin)
	if err != nil {
		t.Fatal(err)
	}
	if about.Kind != wasm.ABI || about.Manifest.Keys[0] != "/a" || about.MinMemory != 65536 ||
		strings.Join(about.Imports, " ") != "wconf/v1.write wconf/v1.fail wconf/v1.log" || strings.Join(about.Exports, " ") != "render" {
		t.Errorf("got %+v", about)
	}
	for _, m := range about.Measures {
		if m.Got <= 0 || m.Got > m.Most {
			t.Errorf("measure %+v", m)
		}
	}
}

// Of a module that is refused its digest and measures are known, however far it
// could be read.
func TestInspectRefused(t *testing.T) {
	whole := guest(t, "")
	for n := range len(whole) {
		about, err := wasm.Inspect("test.wasm", whole[:n])
		if err == nil { // only the section of names is away
			continue
		}
		if about.Size != n || about.Digest != sha256.Sum256(whole[:n]) || n >= 8 && len(about.Measures) == 0 {
			t.Errorf("%d bytes: got %+v", n, about)
		}
	}
	about, err := wasm.Inspect("test.wasm", wat.Assemble(t, `(module (func (export "nothing")) (func))`))
	if err == nil || about.Measures[1] != (wasm.Measure{What: "functions", Got: 2, Most: 50_000}) {
		t.Errorf("got %+v, %v", about, err)
	}
}

// A manifest can be packed into any module, once.
func TestPack(t *testing.T) {
	bin := guest(t, `(call $write (i32.const 0) (i32.const 5))`)
	for _, manifest := range []string{`{"name":"first"}`, `{"name":"second","functions":{"f":{"args":1}}}`} {
		var err error
		if bin, err = wasm.Pack(bin, []byte(manifest)); err != nil {
			t.Fatal(err)
		}
	}
	if n := bytes.Count(bin, []byte("\x05wconf{")); n != 1 {
		t.Errorf("%d manifests", n)
	}
	about, err := wasm.Inspect("test.wasm", bin)
	if err != nil || about.Manifest.Name != "second" || about.Manifest.Functions["f"].Args != 1 {
		t.Errorf("got %+v, %v", about.Manifest, err)
	}
	if got, _, err := run(t, load(t, newRuntime(t, wasm.Options{}), bin), wasm.Invocation{}); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := wasm.Pack(bin, []byte("{")); err == nil {
		t.Error("no JSON is packed")
	}
	if _, err := wasm.Pack([]byte("text"), []byte("{}")); err == nil {
		t.Error("it is packed into no module")
	}
}

// A start section and _initialize run before the first call, in that order.
func TestStart(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, module(t, `(global $g (mut i32) (i32.const 0))
		(func $first (global.set $g (i32.const 1)))
		(start $first)
		(func (export "_initialize") (global.set $g (i32.add (global.get $g) (global.get $g))))
		(func (export "render") (result i32) (call $write (i32.const 0) (global.get $g)) (i32.const 0))`))
	if got, _, err := run(t, m, wasm.Invocation{}); err != nil || got != "he" {
		t.Errorf("got %q, %v", got, err)
	}
	m = load(t, r, module(t, `(func $first unreachable) (start $first) (func (export "render") (result i32) (i32.const 0))`))
	_, _, err := run(t, m, wasm.Invocation{})
	wantProblem(t, err, problem.GuestFailed, "start: unreachable")
}

func TestMinimumOverLimit(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, wat.Assemble(t, `(module (memory (export "memory") 3) (func (export "render") (result i32) (i32.const 0)))`))
	_, _, err := run(t, m, wasm.Invocation{Limits: wasm.Limits{Memory: 2 << 16}})
	wantProblem(t, err, problem.GuestMemory, "it starts with 196608 bytes")
}

// The ways out of functions, rewritten, give what they gave before.
func TestWaysOut(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	for name, c := range map[string]struct{ fields, want string }{
		"return in blocks": {`(func $f (param $n i32) (result i32) (call $leaf)
			(block (loop (if (local.get $n) (then (return (i32.const 11)))))) (i32.const 12))`, "it returned 11"},
		"end": {`(func $f (param $n i32) (result i32) (call $leaf) (i32.const 12))`, "it returned 12"},
		"branch to the function": {`(func $f (param $n i32) (result i32) (call $leaf)
			(block (block (br 2 (i32.const 13)))) (i32.const 12))`, "it returned 13"},
		"br_if with a value": {`(func $f (param $n i32) (result i32) (call $leaf)
			(drop (br_if 0 (i32.const 14) (local.get $n))) (i32.const 12))`, "it returned 14"},
		"br_table to the function": {`(func $f (param $n i32) (result i32) (call $leaf)
			(block $b (result i32) (br_table $b 1 (i32.const 15) (local.get $n)))
			(drop) (i32.const 12))`, "it returned 15"},
		"code after return": {`(func $f (param $n i32) (result i32) (call $leaf) (return (i32.const 16)) (br 0) unreachable)`, "it returned 16"},
		"two results": {`(func $pair (param $n i32) (result i32 i32) (call $leaf)
				(if (local.get $n) (then (return (i32.const 20) (i32.const 3)))) (i32.const 1) (i32.const 1))
			(func $f (param $n i32) (result i32) (i32.sub (call $pair (local.get $n))))`, "it returned 17"},
		"through a table": {`(table 1 funcref) (elem (i32.const 0) $g)
			(func $g (param $n i32) (result i32) (call $leaf) (i32.const 18))
			(func $f (param $n i32) (result i32) (call_indirect 3 (local.get $n) (i32.const 0)))`, "it returned 18"},
		"bulk sizes": {`(func $f (param $n i32) (result i32) (local $m i32) (local.set $m (i32.const 19))
			(memory.fill (i32.const 64) (i32.const 7) (i32.const 32)) (memory.copy (i32.const 128) (i32.const 64) (i32.const 33))
			(i32.add (local.get $m) (i32.add (i32.load8_u (i32.const 159)) (i32.load8_u (i32.const 160)))))`, "it returned 26"},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, r, module(t, `(func $leaf) `+c.fields+` (func (export "render") (result i32) (call $f (i32.const 1)))`))
			_, _, err := run(t, m, wasm.Invocation{})
			wantProblem(t, err, problem.GuestFailed, c.want)
		})
	}
}

// A module that nobody uses any more runs no new instance.
func TestClosed(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m, err := r.Load(t.Context(), "test.wasm", guest(t, ``))
	if err != nil {
		t.Fatal(err)
	}
	i, err := m.Open(t.Context(), wasm.Invocation{Session: &hostfuncs.Session{Keys: noKeys{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := i.Call("render"); err != nil {
		t.Error(err)
	}
	_, _, err = run(t, m, wasm.Invocation{})
	wantProblem(t, err, problem.GuestFailed, "start: ")
}

// What one instance leaves in its memory, no other sees.
func TestFreshMemory(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, guest(t, `
		(drop (memory.grow (i32.const 3)))
		(call $write (i32.const 70000) (i32.const 5))
		(memory.copy (i32.const 70000) (i32.const 0) (i32.const 5))`))
	for range 20 {
		if got, _, err := run(t, m, wasm.Invocation{}); err != nil || got != "\x00\x00\x00\x00\x00" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

// A module that is loaded twice is compiled once, and lives until its last
// user closes it.
func TestShared(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	bin := guest(t, `(call $write (i32.const 0) (i32.const 5))`)
	first, err := r.Load(t.Context(), "first.wasm", bin)
	if err != nil {
		t.Fatal(err)
	}
	second := load(t, r, bin)
	for range 2 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got, _, err := run(t, second, wasm.Invocation{}); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}

// An instance that runs when wconf gives up ends, too.
func TestCanceled(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, guest(t, `(loop $l (call $log (i32.const 0) (i32.const 0) (i32.const 0)) (br $l))`))
	ctx, cancel := context.WithCancel(t.Context())
	i, err := m.Open(ctx, wasm.Invocation{Session: &hostfuncs.Session{Keys: noKeys{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	done := make(chan error)
	go func() { done <- i.Call("render") }()
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "wconf gave up") {
		t.Errorf("got %v", err)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	late, err := m.Open(ctx, wasm.Invocation{Session: &hostfuncs.Session{Keys: noKeys{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	wantProblem(t, late.Call("render"), problem.GuestTimeout, "it was stopped at wconf's deadline")
}
