package wat_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

const text = `(module
	(import "wconf/v1" "write" (func $write (param i32 i32)))
	(memory (export "memory") 1 4)
	(table 2 funcref)
	(global $g (mut i32) (i32.const -1))
	(export "render" (func $render))
	(elem (i32.const 0) $helper $render)
	;; a comment
	(func $helper (param $a i32) (param $b i32) (result i32) (local $c i64)
		(block $done (result i32)
			(loop $next
				(br_if $next (i32.eqz (local.get $a)))
				(br_table $next $next (local.get $b)))
			unreachable)
		(if (result i32) (then (i32.const 5)) (else (i32.load8_u offset=300 (i32.const 7)))))
	(func $render (result i32)
		i64.const -9223372036854775808
		drop
		(global.set $g (call $helper (i32.const 0x7f) (i32.const 200)))
		(memory.copy (i32.const 0) (i32.const 1) (i32.const 2))
		(call $write (i32.const 0) (global.get $g))
		(i32.trunc_sat_f64_s (f64.const 1.5)))
	(data (i32.const 8) "a\n\22\00"))`

// The assembler agrees with wat2wasm of the WebAssembly Binary Toolkit.
func TestAgainstWabt(t *testing.T) {
	tool := needs.Tool(t, "wat2wasm")
	dir := t.TempDir()
	in, out := filepath.Join(dir, "x.wat"), filepath.Join(dir, "x.wasm")
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command(tool, in, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	want, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if got := wat.Assemble(t, text); !bytes.Equal(got, want) {
		t.Errorf("got\n% x, want\n% x", got, want)
	}
}
