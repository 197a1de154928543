package wasm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// proposal is a feature of WebAssembly beyond the one that wconf runs (2.0), and
// how to build without it.
type proposal struct{ name, hint string }

var (
	tailCalls        = proposal{"tail calls", "build without -mtail-call; rustc: without -C target-feature=+tail-call"}
	exceptions       = proposal{"exceptions", "build with -fno-exceptions and without setjmp; rustc: with -C panic=abort"}
	garbage          = proposal{"garbage collection", "use a compiler that brings its own memory management: Kotlin, Dart and wasm_of_ocaml do not"}
	typedReferences  = proposal{"typed function references", "build for WebAssembly 2.0"}
	threads          = proposal{"threads", "build without -pthread and without -matomics; rustc: without -C target-feature=+atomics"}
	memory64         = proposal{"memory64", "build for wasm32, not wasm64"}
	multiMemory      = proposal{"multi-memory", "link it into one memory: wasm-opt --multi-memory-lowering does"}
	extendedConstant = proposal{"extended constant expressions", "build without -mextended-const; a shared library (PIC) needs them: link statically"}
	relaxedSIMD      = proposal{"relaxed SIMD", "build without -mrelaxed-simd: its results depend on the processor"}
	wideArithmetic   = proposal{"wide arithmetic", "build without -mwide-arithmetic"}
	unknown          = proposal{"an unknown one", ""}
)

// opcodesOf are the opcodes of proposals.
var opcodesOf = map[byte]proposal{
	0x12: tailCalls, 0x13: tailCalls,
	0x06: exceptions, 0x07: exceptions, 0x08: exceptions, 0x09: exceptions, 0x0a: exceptions, 0x18: exceptions, 0x19: exceptions, 0x1f: exceptions,
	0x14: typedReferences, 0x15: typedReferences, 0xd4: typedReferences, 0xd5: typedReferences, 0xd6: typedReferences,
	0xfb: garbage, 0xd3: garbage, 0xfe: threads,
}

// typesOf are the value types of proposals.
var typesOf = map[byte]proposal{
	0x63: typedReferences, 0x64: typedReferences, 0x69: exceptions, 0x74: exceptions,
	0x6a: garbage, 0x6b: garbage, 0x6c: garbage, 0x6d: garbage, 0x6e: garbage, 0x71: garbage, 0x72: garbage, 0x73: garbage,
}

// formsOf are the forms of types of proposals.
var formsOf = map[byte]proposal{0x4e: garbage, 0x4f: garbage, 0x50: garbage, 0x5e: garbage, 0x5f: garbage}

// sectionsOf are the sections of proposals.
var sectionsOf = map[byte]proposal{13: exceptions, 14: garbage}

// beyond is what of a module belongs to a proposal.
type beyond struct {
	what string
	proposal
}

func (b *beyond) Error() string {
	return fmt.Sprintf("%s is of a proposal that wconf does not run (%s)", b.what, b.name)
}

// beyond fails with what belongs to a proposal.
func (r *reader) beyond(p proposal, format string, args ...any) {
	r.failf("%w", &beyond{fmt.Sprintf(format, args...), p})
}

// valueTypes holds value types against those of WebAssembly 2.0.
func (r *reader) valueTypes(types ...byte) []byte {
	for _, t := range types {
		if t >= 0x7b && t <= 0x7f || t == 0x70 || t == 0x6f || r.err != nil {
			continue
		}
		if p, ok := typesOf[t]; ok {
			r.beyond(p, "a value of type %#x", t)
		} else {
			r.failf("a value has the unknown type %#x", t)
		}
	}
	return types
}

// foreign is an import that wconf does not have.
type foreign struct{ msg, hint string }

func (f *foreign) Error() string { return f.msg }

// foreignHint is what the author of a module can do who has such an import.
func foreignHint(i imported) string {
	switch {
	case i.module == "env" && i.name == "abort":
		return "AssemblyScript: asc --use abort=wconf/abort (with sdk/assemblyscript/wconf.ts) makes its message wconf's, --use abort= does without one"
	case i.module == "env" && (strings.HasPrefix(i.name, "emscripten_") || strings.HasPrefix(i.name, "__syscall") || strings.HasPrefix(i.name, "_embind")):
		return "Emscripten: emcc -sSTANDALONE_WASM --no-entry; or build with clang alone"
	case i.module == "env":
		return "a function that is declared and defined nowhere becomes an import: define it, or link its library"
	case i.module == "gojs" || i.module == "go":
		return "Go: build with GOOS=wasip1, not js"
	case i.module == "wasi_unstable":
		return "build for " + wasiModule + ", which came after it"
	case slices.Contains([]string{"wbg", "__wbindgen_placeholder__", "__wbindgen_externref_xform__"}, i.module) || strings.HasSuffix(i.module, "_bg.js"):
		return "wasm-bindgen is for browsers: build without it"
	}
	return ""
}

// hintOf is what the author of a refused module can do.
func hintOf(err error) string {
	var (
		b *beyond
		f *foreign
	)
	switch {
	case errors.As(err, &b):
		return b.hint
	case errors.As(err, &f):
		return f.hint
	}
	return ""
}
