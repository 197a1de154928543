package wasm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

type nothingThere struct{}

func (nothingThere) Grants(string) bool                                              { return true }
func (nothingThere) Get(string) (string, bool)                                       { return "", false }
func (nothingThere) Exists(string) bool                                              { return false }
func (nothingThere) Glob(string, func(int) bool, func(key, value string) bool) error { return nil }
func (nothingThere) List(string, func(int) bool, func(string, bool) bool)            {}
func (nothingThere) ListDirs(string, func(int) bool, func(string, bool) bool)        {}

// largeGuest is more than the compiler does in a moment.
func largeGuest(t testing.TB) []byte { return guestOf(t, 1500) }

// guestOf is a guest of n functions beside its render.
func guestOf(t testing.TB, n int) []byte {
	t.Helper()
	filler := `(func (param $n i32) (result i32) (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))) ` +
		strings.Repeat(`(local.set $n (i32.add (local.get $n) (i32.const 1000)))`, 20) + `(local.get $n))`
	return wat.Assemble(t, `(module
		(import "wconf/v1" "write" (func $write (param i32 i32)))
		(memory (export "memory") 1) (data (i32.const 0) "hello")
		(func (export "render") (result i32) (call $write (i32.const 0) (i32.const 5)) (i32.const 0))
		`+strings.Repeat(filler, n)+`)`)
}

func render(t testing.TB, m *Module) (string, Stats) {
	t.Helper()
	s := &hostfuncs.Session{Keys: nothingThere{}}
	i, err := m.Open(context.Background(), Invocation{Session: s})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if err := i.Call("render"); err != nil {
		t.Fatal(err)
	}
	return string(s.Output()), i.Stats()
}

// A large guest runs before it is compiled, and again when it is: the same
// bytes, the same fuel. Then it is in the cache, and starts compiled.
func TestBackground(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	bin := largeGuest(t)
	r, err := NewRuntime(Options{Cache: dir, Background: true})
	if err != nil {
		t.Fatal(err)
	}
	r.compiling <- struct{}{}
	m, err := r.Load(t.Context(), "large.wasm", bin)
	if err != nil {
		t.Fatal(err)
	}
	if !m.code.Load().slow {
		t.Error("it is not in the interpreter")
	}
	slow, slowStats := render(t, m)
	running, err := m.Open(t.Context(), Invocation{Session: &hostfuncs.Session{Keys: nothingThere{}}})
	if err != nil {
		t.Fatal(err)
	}
	r.compiling.give()
	r.compilers.Wait()
	if m.code.Load().slow {
		t.Error("it is still in the interpreter")
	}
	fast, fastStats := render(t, m)
	if slow != "hello" || fast != slow || slowStats.Fuel != fastStats.Fuel {
		t.Errorf("%q with %d units of fuel, then %q with %d", slow, slowStats.Fuel, fast, fastStats.Fuel)
	}
	if err := running.Call("render"); err != nil { // it began in the interpreter and ends there
		t.Error(err)
	}
	running.Close()
	if err := firstOf(m.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	again, err := NewRuntime(Options{Cache: dir, Background: true})
	if err != nil {
		t.Fatal(err)
	}
	m, err = again.Load(t.Context(), "large.wasm", bin)
	if err != nil {
		t.Fatal(err)
	}
	if m.code.Load().slow {
		t.Error("it is in the cache, and starts in the interpreter")
	}
	if err := firstOf(m.Close(), again.Close()); err != nil {
		t.Error(err)
	}
}

// Who closes a guest, or the runtime, while it compiles, leaves nothing behind.
func TestBackgroundGivenUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	for _, closeModule := range []bool{true, false} {
		r, err := NewRuntime(Options{Cache: dir, Background: true})
		if err != nil {
			t.Fatal(err)
		}
		r.compiling <- struct{}{}
		m, err := r.Load(t.Context(), "large.wasm", largeGuest(t))
		if err != nil {
			t.Fatal(err)
		}
		if closeModule {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
		r.compiling.give()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if !closeModule && !m.code.Load().slow {
			continue // it was compiled before Close came
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 { // wazero's own directory
			t.Errorf("in the cache: %v, %v", list, err)
		}
	}
}

// Who gives up on a load does not wait for the guest that compiles before.
func TestLoadGivenUp(t *testing.T) {
	r, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.compiling <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := r.Load(ctx, "given-up.wasm", guestOf(t, 1))
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.compiling.give()
	m, err := r.Load(t.Context(), "again.wasm", guestOf(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := firstOf(m.Close(), r.Close()); err != nil {
		t.Error(err)
	}
}
