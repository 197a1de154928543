package wasm_test

import (
	"testing"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// wasi is a command with the WASI functions that the tests call.
func wasi(t testing.TB, code string) []byte {
	t.Helper()
	const from = `"wasi_snapshot_preview1"`
	return wat.Assemble(t, `(module
		(import `+from+` "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(import `+from+` "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
		(import `+from+` "proc_exit" (func $exit (param i32)))
		(import `+from+` "random_get" (func $random (param i32 i32) (result i32)))
		(import `+from+` "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
		(import `+from+` "args_sizes_get" (func $arg_sizes (param i32 i32) (result i32)))
		(import `+from+` "args_get" (func $args (param i32 i32) (result i32)))
		(import `+from+` "environ_sizes_get" (func $env_sizes (param i32 i32) (result i32)))
		(import `+from+` "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
		(import `+from+` "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "\40\00\00\00\08\00\00\00")
		(data (i32.const 64) "01234567")
		(func $out (param $fd i32) (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 16))))
		(func $_start (export "_start") `+code+`))`)
}

func TestCommand(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	for name, c := range map[string]struct{ code, want string }{
		"stdout": {`(call $out (i32.const 1))`, "01234567"},
		"stdin": {`(drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
			(i32.store8 (i32.const 70) (i32.load (i32.const 16))) (call $out (i32.const 1))`, "keys45\x047"},
		"exit 0": {`(call $out (i32.const 1)) (call $exit (i32.const 0))`, "01234567"},
		"no descriptor 3": {`(i32.store (i32.const 64) (call $fd_write (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 16)))
			(call $out (i32.const 1))`, "\x08\x00\x00\x004567"},
		"no files": {`(i32.store (i32.const 64) (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 0)
			(i64.const 0) (i64.const 0) (i32.const 0) (i32.const 32))) (call $out (i32.const 1))`, "\x34\x00\x00\x004567"},
		"arguments": {`(drop (call $arg_sizes (i32.const 32) (i32.const 36))) (drop (call $args (i32.const 40) (i32.const 64)))
			(i32.store8 (i32.const 71) (i32.load (i32.const 32))) (call $out (i32.const 1))`, "me\x00a=b\x00\x02"},
		"no environment": {`(drop (call $env_sizes (i32.const 64) (i32.const 68))) (call $out (i32.const 1))`, "\x00\x00\x00\x00\x00\x00\x00\x00"},
		"clock":          {`(drop (call $clock (i32.const 1) (i64.const 0) (i32.const 64))) (call $out (i32.const 1))`, "\x40\x42\x0f\x00\x00\x00\x00\x00"},
		"sleep": {`(i64.store (i32.const 128) (i64.const 7)) (i64.store (i32.const 152) (i64.const 1000000))
			(drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 400)))
			(drop (call $clock (i32.const 1) (i64.const 0) (i32.const 64)))
			(i32.store8 (i32.const 71) (i32.load (i32.const 256))) (call $out (i32.const 1))`, "\x80\x84\x1e\x00\x00\x00\x00\x07"},
	} {
		t.Run(name, func(t *testing.T) {
			m := load(t, r, wasi(t, c.code))
			if m.Inspect().Kind != wasm.Command {
				t.Fatalf("kind %s", m.Inspect().Kind)
			}
			got, _, err := run(t, m, wasm.Invocation{Args: []string{"me", "a=b"}, Stdin: func(_ func(int) bool, yield func([]byte) bool) { _ = yield([]byte("ke")) && yield([]byte("ys")) }})
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// Randomness is the same in every instance.
func TestRandomIsSeeded(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, wasi(t, `(drop (call $random (i32.const 64) (i32.const 8))) (call $out (i32.const 1))`))
	first, _, err := run(t, m, wasm.Invocation{})
	if err != nil || first == "01234567" {
		t.Fatalf("got %q, %v", first, err)
	}
	if second, _, _ := run(t, m, wasm.Invocation{}); second != first {
		t.Errorf("%q, then %q", first, second)
	}
}

func TestCommandFails(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	s := &hostfuncs.Session{Keys: noKeys{}}
	m := load(t, r, wasi(t, `(call $out (i32.const 2)) (call $exit (i32.const 2))`))
	_, _, err := run(t, m, wasm.Invocation{Session: s})
	wantProblem(t, err, problem.GuestFailed, "_start: it exited with code 2", `it last logged "01234567"`)
	m = load(t, r, wasi(t, `(loop $l (call $out (i32.const 1)) (br $l))`))
	_, _, err = run(t, m, wasm.Invocation{Limits: wasm.Limits{Output: 100}})
	wantProblem(t, err, problem.GuestFailed, "more than 100 bytes of output")
	m = load(t, r, wasi(t, `(drop (call $random (i32.const 65530) (i32.const 8)))`))
	_, _, err = run(t, m, wasm.Invocation{})
	wantProblem(t, err, problem.GuestFailed, "8 bytes at address 65530")
}

// A reactor's standard output is its log, not the file.
func TestReactorStdout(t *testing.T) {
	r := newRuntime(t, wasm.Options{})
	m := load(t, r, wat.Assemble(t, `(module
		(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "\08\00\00\00\02\00\00\00hi")
		(func (export "render") (result i32) (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))`))
	s := &hostfuncs.Session{Keys: noKeys{}}
	got, _, err := run(t, m, wasm.Invocation{Session: s})
	if err != nil || got != "" || len(s.Lines()) != 1 || s.Lines()[0].Text != "hi" {
		t.Errorf("got %q and %v, %v", got, s.Lines(), err)
	}
}
