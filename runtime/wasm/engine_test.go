package wasm_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// engineWith is an engine that counts in its memory and calls the host.
func engineWith(t testing.TB, fields string) []byte {
	t.Helper()
	return wat.Assemble(t, `(module
		(import "env" "host_call" (func $host (param i32 i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
		(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(import "env" "host_interrupt" (func $interrupt (result i32)))
		(memory (export "memory") 1)
		(global $sp (mut i32) (i32.const 4096)) (export "__stack_pointer" (global $sp))
		(data (i32.const 0) "add")
		(data (i32.const 8192) "data")
		(func (export "count") (result i32)
			(i32.store (i32.const 100) (i32.add (i32.load (i32.const 100)) (i32.const 1)))
			(i32.load (i32.const 100)))
		(func (export "move") (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
			(i32.store (i32.const 8192) (i32.const 0))
			(i32.store (i32.add (i32.shl (memory.grow (i32.const 1)) (i32.const 16)) (i32.const 40)) (i32.const 7)))
		(func (export "pointer") (result i32) (global.get $sp))
		(func (export "pages") (result i32) (memory.size))
		(func (export "now") (result i64)
			(drop (call $clock (i32.const 0) (i64.const 0) (i32.const 200))) (i64.load (i32.const 200)))
		(func (export "dice") (result i64)
			(drop (call $random (i32.const 200) (i32.const 8))) (i64.load (i32.const 200)))
		(func (export "ask") (param $argc i32) (result i32)
			(i32.store (i32.const 300) (i32.const 11))
			(i32.store (i32.const 304) (i32.const 22))
			(call $host (i32.const 0) (i32.const 3) (i32.const 5) (local.get $argc) (i32.const 300)))
		(func (export "poll") (local $n i32)
			(loop $l
				(local.set $n (i32.const 1000))
				(loop $m (br_if $m (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
				(br_if $l (i32.eqz (call $interrupt)))))
		(func (export "spin") (loop $l (br $l)))
		(func (export "trap") unreachable)
		`+fields+`)`)
}

func loadEngine(t testing.TB, r *wasm.Runtime, bin []byte) *wasm.Module {
	t.Helper()
	m, err := r.LoadEngine(t.Context(), "x.js", bin, sha256.Sum256(bin))
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

func invocation(l wasm.Limits) wasm.Invocation {
	return wasm.Invocation{Session: &hostfuncs.Session{Keys: noKeys{}}, Limits: l}
}

// start is an interpreter whose host adds its arguments and asks the engine.
func start(t testing.TB, m *wasm.Module, image *wasm.Image, l wasm.Limits) *wasm.Interpreter {
	t.Helper()
	i, err := m.Start(t.Context(), invocation(l), image, func(i *wasm.Interpreter, name []byte, this uint32, args []uint32) (uint32, error) {
		if string(name) != "add" {
			return 0, fmt.Errorf("no function %s", name)
		}
		n, err := i.Call("count")
		for _, a := range args {
			this += a
		}
		return this + uint32(n)*1000, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

func call(t testing.TB, i *wasm.Interpreter, export string, args ...uint64) uint64 {
	t.Helper()
	n, err := i.Call(export, args...)
	if err != nil {
		t.Fatalf("%s: %v", export, err)
	}
	return n
}

func TestEngineCallsTheHostThatCallsTheEngine(t *testing.T) {
	m := loadEngine(t, newRuntime(t, wasm.Options{}), engineWith(t, ""))
	i := start(t, m, nil, wasm.Limits{})
	for round := range uint64(3) {
		if got := call(t, i, "ask", 2); got != 38+1000*(round+1) {
			t.Errorf("got %d", got)
		}
	}
	if got := call(t, i, "ask", 0); got != 4005 {
		t.Errorf("got %d", got)
	}
	if _, err := i.Call("ask", 65); err == nil || !strings.Contains(i.Explain(err).Error(), "64 arguments") {
		t.Errorf("got %v", err)
	}
}

// Every start from an image is the same, whatever the others did.
func TestImage(t *testing.T) {
	m := loadEngine(t, newRuntime(t, wasm.Options{}), engineWith(t, ""))
	first := start(t, m, nil, wasm.Limits{})
	call(t, first, "count")
	call(t, first, "move")
	call(t, first, "dice")
	call(t, first, "now")
	image, err := first.Image()
	if err != nil {
		t.Fatal(err)
	}
	if image.Size() != 3*4096 { // the counter's page, the data's, the new one
		t.Errorf("%d bytes", image.Size())
	}
	look := func(i *wasm.Interpreter) string {
		data, err := i.Memory(8192, 4)
		if err != nil {
			return err.Error()
		}
		grown, err := i.Memory(65536+40, 1)
		return fmt.Sprint(call(t, i, "count"), call(t, i, "pointer"), call(t, i, "pages"), call(t, i, "now"), call(t, i, "dice"), data, grown, err)
	}
	want := look(first)
	if !strings.HasPrefix(want, "2 4080 2 ") || !strings.HasSuffix(want, "[0 0 0 0] [7] <nil>") {
		t.Errorf("first %s", want)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				i := start(t, m, image, wasm.Limits{})
				if got := look(i); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				call(t, i, "move")
				i.Close()
			}
		})
	}
	wg.Wait()
}

func TestImageNeedsItsEngineAndItsMemory(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := loadEngine(t, r, engineWith(t, ""))
	i := start(t, m, nil, wasm.Limits{})
	call(t, i, "move")
	image, err := i.Image()
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Start(t.Context(), invocation(wasm.Limits{Memory: 65536}), image, nil)
	wantProblem(t, err, problem.GuestMemory, "needs 131072 bytes")
	other := loadEngine(t, r, engineWith(t, `(func (export "other"))`))
	if _, err := other.Start(t.Context(), invocation(wasm.Limits{}), image, nil); err == nil {
		t.Error("another engine took the image")
	}
}

func TestLimitsOfEngines(t *testing.T) {
	m := loadEngine(t, newRuntime(t, wasm.Options{}), engineWith(t, ""))
	nested := func(l wasm.Limits, export string) error {
		i, err := m.Start(t.Context(), invocation(l), nil, func(i *wasm.Interpreter, _ []byte, _ uint32, _ []uint32) (uint32, error) {
			_, err := i.Call(export)
			return 0, err
		})
		if err != nil {
			return err // a short time can be over before the call
		}
		defer i.Close()
		_, err = i.Call("ask")
		return i.Explain(err)
	}
	wantProblem(t, nested(wasm.Limits{Fuel: 1e6}, "spin"), problem.GuestFuel, "1000000 units")
	wantProblem(t, nested(wasm.Limits{Time: 20 * time.Millisecond, Fuel: 1e18}, "spin"), problem.GuestTimeout, "20ms")
	wantProblem(t, nested(wasm.Limits{}, "trap"), problem.GuestFailed, "unreachable")
	wantProblem(t, nested(wasm.Limits{}, "none"), problem.GuestFailed, "does not export none")
	ctx, cancel := context.WithCancel(t.Context())
	i, err := m.Start(ctx, invocation(wasm.Limits{}), nil, func(*wasm.Interpreter, []byte, uint32, []uint32) (uint32, error) {
		cancel()
		return 0, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if _, err = i.Call("ask"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// An engine that asks is told when its limits are reached, and has some left to
// say what it was doing.
func TestInterrupt(t *testing.T) {
	m := loadEngine(t, newRuntime(t, wasm.Options{}), engineWith(t, ""))
	const fuel = 2_000_000
	i := start(t, m, nil, wasm.Limits{Fuel: fuel, Time: wasm.Ceiling.Time})
	if err := i.Interrupted(); err != nil {
		t.Error(err)
	}
	call(t, i, "poll")
	if got := i.Explain(i.Interrupted()).Error(); !strings.Contains(got, "used up its 2000000 units of fuel") {
		t.Errorf("got %s", got)
	}
	call(t, i, "count")
	if used := i.Stats().Fuel; used < fuel || used > fuel+20_000 {
		t.Errorf("%d units of fuel", used)
	}

	// What is left of time is a sixteenth, which passes between two looks when
	// the machine is busy: then once more, with twice as much.
	for limit := 30 * time.Millisecond; ; limit *= 2 {
		i := start(t, m, nil, wasm.Limits{Time: limit, Fuel: wasm.Ceiling.Fuel})
		_, polled := i.Call("poll")
		_, counted := i.Call("count")
		switch {
		case polled == nil && counted == nil:
			if got := i.Explain(i.Interrupted()).Error(); !strings.Contains(got, fmt.Sprintf("stopped after %v", limit)) {
				t.Errorf("got %s", got)
			}
			return
		case limit > 4*time.Second:
			t.Fatalf("nothing is left: %v, %v", polled, counted)
		}
	}
}

// An engine comes from wconf alone: what a user names is never one, and gets
// nothing that engines get.
func TestNoGuestIsAnEngine(t *testing.T) {
	cache := t.TempDir() + "/cache"
	for range 2 {
		r := newRuntime(t, wasm.Options{Cache: cache})
		bin := engineWith(t, "")
		if _, err := r.Load(t.Context(), "x.wasm", bin); err == nil {
			t.Error("an engine was loaded as a guest")
		}
		loadEngine(t, r, bin)
		_, err := r.Load(t.Context(), "x.wasm", bin)
		wantProblem(t, err, problem.GuestLoad, "x.wasm", "the engine of scripts")
		_, err = r.LoadEngine(t.Context(), "x.js", append(bin, 0, 1, 0), sha256.Sum256(bin))
		wantProblem(t, err, problem.GuestLoad, "its engine is sha256:")
	}
	withRender := engineWith(t, `(func (export "render") (result i32) (i32.const 0))`)
	_, err := newRuntime(t, wasm.Options{}).Load(t.Context(), "x.wasm", withRender)
	wantProblem(t, err, problem.GuestLoad, "it imports env.host_call; wconf provides wconf/v1")
}

func TestEnginesThatAreRefused(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	for words, fields := range map[string]string{
		"imports env.other, which no engine gets": `(import "env" "other" (func)) (memory (export "memory") 1)`,
		"imports wconf/v1.getv":                   `(import "wconf/v1" "getv" (func (param i32 i32 i32 i32) (result i32))) (memory (export "memory") 1)`,
		"imports env.host_interrupt as () → ()":   `(import "env" "host_interrupt" (func)) (memory (export "memory") 1)`,
		"does not export its memory":              `(memory 1)`,
		"has other globals than __stack_pointer":  `(memory (export "memory") 1) (global $a (mut i32) (i32.const 0)) (export "__stack_pointer" (global $a)) (global $b (mut i32) (i32.const 0))`,
		"or does not export that":                 `(memory (export "memory") 1) (global $a (mut i32) (i32.const 0))`,
		"is no function of WASI":                  `(import "wasi_snapshot_preview1" "other" (func)) (memory (export "memory") 1)`,
		"opcode 0xfe is of a proposal":            "",
	} {
		bin := []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x06\x01\x04\x00\xfe\x00\x0b")
		if fields != "" {
			bin = wat.Assemble(t, "(module "+fields+")")
		}
		_, err := r.LoadEngine(t.Context(), "x.js", bin, sha256.Sum256(bin))
		wantProblem(t, err, problem.GuestLoad, words)
	}
}

// A round of an engine's loop costs 16 at most, however much code the loop has.
func TestPriceOfEngines(t *testing.T) {
	busy := `(func (export "busy") (local $n i32) (local.set $n (i32.const 1000)) (loop $l ` +
		strings.Repeat("nop ", 500) + `(br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))`
	i := start(t, loadEngine(t, newRuntime(t, wasm.Options{}), engineWith(t, busy)), nil, wasm.Limits{})
	before := i.Stats().Fuel
	call(t, i, "busy")
	if got := i.Stats().Fuel - before; got < 16_000 || got > 16_016 {
		t.Errorf("%d units of fuel", got)
	}
}
