package wasm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// validator compiles modules without machine code; it judges as wazero does.
func validator(t testing.TB) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(context.Background(), wazero.NewRuntimeConfigInterpreter().
		WithCoreFeatures(api.CoreFeaturesV2).WithMemoryLimitPages(uint32(Ceiling.Memory/pageSize)).WithDebugInfoEnabled(false))
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func valid(r wazero.Runtime, bin []byte) error {
	m, err := r.CompileModule(context.Background(), bin)
	if err == nil {
		_ = m.Close(context.Background())
	}
	return err
}

// plain is a module without custom sections, which the rewriter drops: wazero
// decodes names without looking at bounds.
func plain(s *shape) []byte {
	out := []byte(preamble)
	for _, id := range sectionOrder {
		if body, ok := s.sections[id]; ok {
			out = append(out, wat.Section(id, body)...)
		}
	}
	return out
}

// agree fails the test when the rewriter makes an invalid module valid, or a
// valid one invalid.
func agree(t testing.TB, r wazero.Runtime, bin []byte) (passed bool) {
	t.Helper()
	s, err := scan(bin)
	if err != nil {
		return false
	}
	before := valid(r, plain(s))
	out, err := instrument(s)
	if err != nil {
		t.Fatalf("a module that passed scan cannot be rewritten: %v\n% x", err, bin)
	}
	after := valid(r, out)
	if (before == nil) != (after == nil) {
		t.Fatalf("before: %v\nafter: %v\n% x", before, after, bin)
	}
	return true
}

// samples are modules with every construct that the rewriter touches.
func samples(t testing.TB) [][]byte {
	t.Helper()
	list := [][]byte{
		wat.Assemble(t, `(module)`),
		wat.Assemble(t, `(module (memory (export "memory") 1) (func (export "render") (result i32) (i32.const 0)))`),
		wat.Assemble(t, `(module
			(import "wconf/v1" "write" (func $write (param i32 i32)))
			(import "wconf/v1" "fail" (func $fail (param i32 i32)))
			(table 3 9 funcref) (memory (export "memory") 1 4)
			(global $g (mut i32) (i32.const -1)) (global $f funcref (ref.func $two))
			(start $one)
			(elem (i32.const 0) $two $one $write)
			(func $one (global.set $g (i32.const 1)))
			(func $two (param $a i32) (result i32) (local $b i64)
				(block $out (loop $next
					(if (i32.eqz (local.get $a)) (then (return (i32.const 4))) (else (br $next)))
					(loop $inner (br_if $inner (local.get $a)) (br_table $out $next $inner (local.get $a)))))
				(memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
				(memory.fill (i32.const 0) (i32.const 1) (i32.const 2))
				(drop (table.grow (ref.null) (i32.const 1)))
				(drop (memory.grow (i32.const 1)))
				(call $write (i32.const 0) (global.get $g))
				(drop (ref.is_null (ref.func $two)))
				(call_indirect 2 (i32.const 5) (i32.const 0)))
			(func (export "pair") (param i32) (result i32 i64)
				(if (local.get 0) (then (return (i32.const 1) (i64.const 2))))
				(call $one) (i32.const 3) (i64.const 4))
			(func (export "render") (result i32) (call $two (i32.const 1))))`),
	}
	list = append(list, guestOf(t, 3), wat.Assemble(t, busy))
	for _, file := range []string{"../../guests/nginx-c/nginx.wasm", "../../guests/nginx-rust/nginx.wasm"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, b)
	}
	return list
}

// busy is a guest that calls every host function, through loops, tables and
// memory.
const busy = `(module
	(import "wconf/v1" "getv" (func $getv (param i32 i32 i32 i32) (result i32)))
	(import "wconf/v1" "exists" (func $exists (param i32 i32) (result i32)))
	(import "wconf/v1" "gets" (func $gets (param i32 i32 i32 i32) (result i32)))
	(import "wconf/v1" "ls" (func $ls (param i32 i32 i32 i32) (result i32)))
	(import "wconf/v1" "write" (func $write (param i32 i32)))
	(import "wconf/v1" "log" (func $log (param i32 i32 i32)))
	(table 4 8 funcref) (memory (export "memory") 1 9)
	(global $at (mut i32) (i32.const 64)) (global $sum (mut i64) (i64.const 0))
	(data (i32.const 16) "/app/key")
	(elem (i32.const 0) $fib $down)
	(func $fib (param $n i32) (result i32)
		(if (i32.lt_s (local.get $n) (i32.const 2)) (then (return (local.get $n))))
		(i32.add (call $fib (i32.sub (local.get $n) (i32.const 1))) (call $fib (i32.sub (local.get $n) (i32.const 2)))))
	(func $down (param $n i32) (result i32)
		(block $out (loop $l
			(br_if $out (i32.eqz (local.get $n)))
			(i32.store8 (i32.add (global.get $at) (local.get $n)) (i32.and (local.get $n) (i32.const 63)))
			(local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $l)))
		(local.get $n))
	(func (export "render") (result i32) (local $i i32)
		(local.set $i (i32.const 5))
		(loop $l
			(drop (call $getv (i32.const 16) (i32.const 8) (i32.const 256) (i32.const 100)))
			(drop (call $exists (i32.const 16) (i32.const 8)))
			(drop (call $gets (i32.const 16) (i32.const 8) (i32.const 256) (i32.const 100)))
			(drop (call $ls (i32.const 16) (i32.const 4) (i32.const 256) (i32.const 100)))
			(drop (call_indirect 4 (local.get $i) (i32.and (local.get $i) (i32.const 1))))
			(drop (memory.grow (i32.const 1))) (memory.fill (i32.const 512) (local.get $i) (i32.const 64))
			(memory.copy (i32.const 600) (i32.const 512) (i32.const 64))
			(drop (table.grow (ref.null) (i32.const 1)))
			(global.set $sum (i64.add (global.get $sum) (i64.const 3)))
			(br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
		(call $log (i32.const 1) (i32.const 16) (i32.const 8))
		(call $write (i32.const 16) (i32.const 8)) (i32.const 0)))`

func TestSamplesAgree(t *testing.T) {
	r := validator(t)
	for i, bin := range samples(t) {
		if !agree(t, r, bin) {
			_, err := scan(bin)
			t.Errorf("sample %d is refused: %v", i, err)
		}
	}
}

// The cache keeps what the rewriter wrote under its version. Whoever changes
// what it writes, or what scan accepts, raises the version, too.
func TestRewriterVersion(t *testing.T) {
	h := sha256.New()
	for _, bin := range samples(t)[:3] { // guests change when their compilers do
		s, err := scan(bin)
		if err != nil {
			t.Fatal(err)
		}
		out, err := instrument(s)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(out)
	}
	const version, digest = "3", "c951fa0cbf1dc36f"
	if got := hex.EncodeToString(h.Sum(nil)[:8]); rewriter == version && got != digest {
		t.Errorf("version %s of the rewriter writes %s, not %s: raise the version", rewriter, got, digest)
	}
	if rewriter != version {
		t.Errorf("put version %s and its digest into this test", rewriter)
	}
}

// Thousands of damaged modules: what was invalid stays invalid, what was valid
// stays valid, and what is accepted runs and ends.
func TestMutantsAgree(t *testing.T) { tryMutants(t, 3000, time.Minute) }

// The same for as many as the bar asks for.
func TestManyMutantsAgree(t *testing.T) {
	needs.Check(t, "some minutes for 100,000 damaged modules")
	tryMutants(t, 100_000, 10*time.Minute)
}

// tryMutants tries n mutants, or as many as there is time for.
func tryMutants(t *testing.T, n int, limit time.Duration) {
	random, began := rand.New(rand.NewPCG(1, 2)), time.Now()
	bases := samples(t)
	done, passed, ran := 0, 0, 0
	for done < n && time.Since(began) < limit {
		// An engine keeps a little of each module; so it gets a new one now and then.
		judge, r := validator(t), newSmallRuntime(t)
		for range min(2000, n-done) {
			base := bases[random.IntN(len(bases))]
			from, to := codeOf(base)
			bin := mutant(random, base, from, to)
			if agree(t, judge, bin) {
				passed++
				ran += tryToRun(t, r, bin)
			}
			done++
		}
		if err := firstOf(r.Close(), judge.Close(context.Background())); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d mutants in %v: %d got past scan, %d ran", done, time.Since(began).Round(time.Second), passed, ran)
	if passed < done/20 || ran < done/100 {
		t.Errorf("of %d mutants only %d got past scan, and %d ran", done, passed, ran)
	}
}

func newSmallRuntime(t testing.TB) *Runtime {
	t.Helper()
	r, err := NewRuntime(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tryToRun loads and runs a mutant. However it ends is right, as long as it does:
// a machine that stands still makes one run long, but not three.
func tryToRun(t testing.TB, r *Runtime, bin []byte) (ran int) {
	t.Helper()
	m, err := r.Load(t.Context(), "mutant.wasm", bin)
	if err != nil {
		return 0
	}
	defer m.Close()
	for n := 0; ; n++ {
		began := time.Now()
		i, err := m.Open(t.Context(), Invocation{Session: &hostfuncs.Session{Keys: nothingThere{}}, Limits: Limits{Fuel: 1e6, Time: 100 * time.Millisecond, Memory: 4 << 20}})
		if err == nil {
			_ = i.Call("render") // it may well fail
			i.Close()
		}
		took := time.Since(began)
		if took <= 10*time.Second {
			return 1
		}
		if n == 2 {
			t.Errorf("it ran for %v\n% x", took, bin)
			return 1
		}
	}
}

// codeOf is where a module's functions are, or the whole of it.
func codeOf(bin []byte) (from, to int) {
	if s, err := scan(bin); err == nil {
		if code := s.sections[codeSection]; len(code) > 0 {
			from = bytes.LastIndex(bin, code)
			return from, from + len(code)
		}
	}
	return min(8, len(bin)), len(bin)
}

// The first number behind each space of the module is one that the rewriter
// fills: it must be refused before.
func TestOnePastTheEnd(t *testing.T) {
	r := validator(t)
	const types, functions, globals, locals = 2, 2, 1, 1
	body := func(code ...byte) []byte {
		b := append([]byte{1, 1, 0x7f}, code...) // one local, an i32
		b = append(b, 0x0b)
		out := append([]byte(preamble), wat.Section(1, []byte{types, 0x60, 0, 0, 0x60, 0, 1, 0x7f})...)
		out = append(out, wat.Section(3, []byte{functions, 0, 0})...)
		out = append(out, wat.Section(4, []byte{1, 0x70, 0, 1})...)
		out = append(out, wat.Section(6, []byte{globals, 0x7e, 1, 0x42, 0, 0x0b})...)
		code = append(wat.U(uint64(len(b))), b...)
		return append(out, wat.Section(10, append(append([]byte{2}, code...), 2, 0, 0x0b))...)
	}
	for name, c := range map[string]struct{ good, bad []byte }{
		"global.get":    {body(0x23, globals-1, 0x1a), body(0x23, globals, 0x1a)},
		"global.set":    {body(0x42, 0, 0x24, globals-1), body(0x42, 0, 0x24, globals)},
		"local.get":     {body(0x20, locals-1, 0x1a), body(0x20, locals, 0x1a)},
		"br":            {body(0x02, 0x40, 0x0c, 1, 0x0b), body(0x02, 0x40, 0x0c, 2, 0x0b)},
		"br_table":      {body(0x41, 0, 0x0e, 0, 0), body(0x41, 0, 0x0e, 0, 1)},
		"call":          {body(0x10, functions-1), body(0x10, functions)},
		"call_indirect": {body(0x41, 0, 0x11, 0, 0), body(0x41, 0, 0x11, types, 0)},
		"block type":    {body(0x02, 0, 0x0b), body(0x02, types, 0x0b)},
	} {
		if !agree(t, r, c.good) {
			_, err := scan(c.good)
			t.Errorf("%s: what is in range is refused: %v", name, err)
		}
		if _, err := scan(c.bad); err == nil {
			t.Errorf("%s: one past the end is accepted", name)
		}
	}
}

// mutant changes a few bytes, mostly by a little and mostly in functions: neighbours
// of an index and of an opcode are where borders lie.
func mutant(random *rand.Rand, bin []byte, from, to int) []byte {
	b := bytes.Clone(bin)
	if random.IntN(4) == 0 {
		from, to = min(8, len(b)), len(b)
	}
	if from >= to {
		return b
	}
	for range 1 + random.IntN(3) {
		at := from + random.IntN(to-from)
		switch random.IntN(6) {
		case 0:
			b[at] = byte(random.Uint32())
		case 1:
			b[at] ^= 1 << random.IntN(8)
		case 2: // what is common in functions: blocks, branches, calls, locals, globals, tables, memory
			b[at] = "\x00\x01\x02\x03\x04\x05\x0b\x0c\x0d\x0e\x0f\x10\x11\x1a\x1b\x1c\x20\x21\x22\x23\x24\x25\x26\x28\x36\x3f\x40\x41\x42\x6a\xd0\xd1\xd2\xfc"[random.IntN(34)]
		case 3: // a copy of what stands elsewhere
			n := min(1+random.IntN(8), to-at)
			copy(b[at:at+n], b[from+random.IntN(to-from-n+1):])
		default:
			b[at] += byte(random.IntN(7)) - 3
		}
	}
	return b
}

// Whatever the bytes are: no panic, and wazero's judgement is the same before
// and after.
func FuzzRewrite(f *testing.F) {
	for _, bin := range samples(f) {
		f.Add(bin)
	}
	r := validator(f)
	f.Fuzz(func(t *testing.T, bin []byte) {
		if len(bin) < 64<<10 {
			agree(t, r, bin)
		}
	})
}
