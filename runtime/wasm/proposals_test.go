package wasm_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// assembled is a module of sections; what is nil is as it is in a module that
// wconf runs.
type assembled struct{ types, imports, tables, memory, tags, globals, body []byte }

func (a assembled) bin() []byte {
	or := func(given, standard []byte) []byte {
		if given == nil {
			return standard
		}
		return given
	}
	code := append(or(a.body, []byte{0, 0x41, 0}), 0x0b) // no locals, i32.const 0
	bin := []byte(wat.Preamble)
	for _, s := range []struct {
		id   byte
		body []byte
	}{
		{1, or(a.types, []byte{1, 0x60, 0, 1, 0x7f})}, {2, a.imports}, {3, []byte{1, 0}}, {4, a.tables},
		{5, or(a.memory, []byte{1, 0, 1})}, {13, a.tags}, {6, a.globals},
		{7, []byte("\x02\x06memory\x02\x00\x06render\x00\x00")}, {10, append([]byte{1, byte(len(code))}, code...)},
	} {
		if s.body != nil {
			bin = append(bin, wat.Section(s.id, s.body)...)
		}
	}
	return bin
}

// What belongs to a proposal that wconf does not run is refused by its name,
// with a way to build without it.
func TestProposals(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	if _, err := r.Load(t.Context(), "test.wasm", assembled{}.bin()); err != nil {
		t.Fatalf("one without any: %v", err)
	}
	for _, c := range []struct {
		a          assembled
		name, hint string
	}{
		{assembled{body: []byte{0, 0x12, 0}}, "tail calls", "-mtail-call"},
		{assembled{body: []byte{0, 0x13, 0, 0}}, "tail calls", "-mtail-call"},
		{assembled{body: []byte{0, 0x06, 0x40, 0x0b}}, "exceptions", "-fno-exceptions"},
		{assembled{body: []byte{0, 0x08, 0}}, "exceptions", "panic=abort"},
		{assembled{body: []byte{0, 0x1f, 0x40, 0, 0x0b}}, "exceptions", "-fno-exceptions"},
		{assembled{tags: []byte{1, 0, 0}}, "exceptions", "-fno-exceptions"},
		{assembled{imports: []byte("\x01\x03env\x05__exc\x04\x00\x00")}, "exceptions", "-fno-exceptions"},
		{assembled{body: []byte{1, 1, 0x69, 0x41, 0}}, "exceptions", "-fno-exceptions"},
		{assembled{body: []byte{0, 0xfe, 3, 0}}, "threads", "-pthread"},
		{assembled{memory: []byte{1, 3, 1, 2}}, "threads", "-pthread"},
		{assembled{memory: []byte{1, 4, 1}}, "memory64", "wasm32"},
		{assembled{memory: []byte{1, 5, 1, 2}}, "memory64", "wasm32"},
		{assembled{memory: []byte{2, 0, 1, 0, 1}}, "multi-memory", "--multi-memory-lowering"},
		{assembled{types: []byte{1, 0x5f, 0}}, "garbage collection", "memory management"},
		{assembled{types: []byte{1, 0x4e, 1, 0x5f, 0}}, "garbage collection", "memory management"},
		{assembled{body: []byte{0, 0xfb, 0, 0}}, "garbage collection", "memory management"},
		{assembled{tables: []byte{1, 0x6e, 0, 1}}, "garbage collection", "memory management"},
		{assembled{globals: []byte{1, 0x6e, 0, 0xd0, 0x6e, 0x0b}}, "garbage collection", "memory management"},
		{assembled{body: []byte{0, 0x14, 0}}, "typed function references", "2.0"},
		{assembled{types: []byte{1, 0x60, 2, 0x64, 0, 1, 0x7f}}, "typed function references", "2.0"},
		{assembled{globals: []byte{1, 0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b}}, "extended constant expressions", "link statically"},
		{assembled{body: []byte{0, 0xfd, 0x80, 2}}, "relaxed SIMD", "-mrelaxed-simd"},
		{assembled{body: []byte{0, 0xfc, 19}}, "wide arithmetic", "-mwide-arithmetic"},
		{assembled{body: []byte{0, 0xc5}}, "an unknown one", ""},
	} {
		_, err := r.Load(t.Context(), "test.wasm", c.a.bin())
		wantRefusal(t, c.name, err, c.hint)
	}
}

func wantRefusal(t *testing.T, name string, err error, hint string) {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) || !strings.Contains(p.Msg, "is of a proposal that wconf does not run ("+name+")") || !strings.Contains(p.Hint, hint) || hint == "" != (p.Hint == "") {
		t.Errorf("%s: %v", name, err)
	}
}

// So is what the tools of others make.
func TestProposalsAsTheyAreAssembled(t *testing.T) {
	assembler := needs.Tool(t, "wat2wasm")
	r := newRuntime(t, wasm.Options{})
	const good = `(memory (export "memory") 1) (func (export "render") (result i32) (i32.const 0))`
	for text, name := range map[string]string{
		good + `(func $f (result i32) (return_call $f))`:                                            "tail calls",
		good + `(tag $t) (func (throw $t))`:                                                         "exceptions",
		good + `(tag $t) (func (try (do) (catch $t)))`:                                              "exceptions",
		`(import "env" "t" (tag)) ` + good:                                                          "exceptions",
		`(memory (export "memory") 1 2 shared) (func (export "render") (result i32) (i32.const 0))`: "threads",
		good + `(func (drop (i32.atomic.load (i32.const 0))))`:                                      "threads",
		`(memory (export "memory") i64 1) (func (export "render") (result i32) (i32.const 0))`:      "memory64",
		good + `(memory 1)`:                                                             "multi-memory",
		good + `(type $s (struct (field i32)))`:                                         "garbage collection",
		good + `(global i32 (i32.add (i32.const 1) (i32.const 2)))`:                     "extended constant expressions",
		good + `(func (param v128) (drop (i32x4.relaxed_trunc_f32x4_s (local.get 0))))`: "relaxed SIMD",
	} {
		dir := t.TempDir()
		source, out := filepath.Join(dir, "m.wat"), filepath.Join(dir, "m.wasm")
		if err := os.WriteFile(source, []byte("(module "+text+")"), 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		assemble := exec.Command(assembler, "--enable-all", source, "-o", out)
		assemble.Stderr = &said
		if err := assemble.Run(); err != nil {
			t.Logf("%s: wat2wasm cannot: %s", name, &said)
			continue
		}
		bin, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = r.Load(t.Context(), "test.wasm", bin); err == nil || !strings.Contains(err.Error(), "("+name+")") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Imports of other hosts are refused with a way to do without them.
func TestForeignImports(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	for imports, hint := range map[string]string{
		`"env" "abort" (func (param i32 i32 i32 i32))`:   "asc --use abort=wconf/abort",
		`"env" "emscripten_notify_memory_growth" (func)`: "-sSTANDALONE_WASM",
		`"env" "memcpy" (func)`:                          "declared and defined nowhere",
		`"gojs" "runtime.wasmExit" (func)`:               "GOOS=wasip1",
		`"wasi_unstable" "fd_write" (func)`:              "wasi_snapshot_preview1",
		`"wbg" "__wbg_log" (func)`:                       "wasm-bindgen",
		`"./site_bg.js" "__wbg_log" (func)`:              "wasm-bindgen",
		`"other" "f" (func)`:                             "",
	} {
		_, err := r.Load(t.Context(), "test.wasm", wat.Assemble(t, `(module (import `+imports+`) (memory (export "memory") 1) (func (export "render") (result i32) (i32.const 0)))`))
		var p *problem.Problem
		if !errors.As(err, &p) || !strings.Contains(p.Msg, "wconf provides wconf/v1 and wasi_snapshot_preview1 only") || !strings.Contains(p.Hint, hint) || hint == "" != (p.Hint == "") {
			t.Errorf("%s: %v", imports, err)
		}
	}
}
