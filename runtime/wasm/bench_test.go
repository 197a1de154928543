package wasm_test

import (
	"testing"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// oneKey has a value for every key.
type oneKey struct{ noKeys }

func (oneKey) Get(string) (string, bool) { return "10.0.0.1", true }

// BenchmarkHostCall is one call of getv for a key that was read before, with
// the loop around it; the loop alone is beside it.
func BenchmarkHostCall(b *testing.B) {
	for name, body := range map[string]string{
		"loop":  ``,
		"getv":  `(drop (call $getv (i32.const 0) (i32.const 20) (i32.const 100) (i32.const 100)))`,
		"write": `(call $write (i32.const 0) (i32.const 16))`,
	} {
		b.Run(name, func(b *testing.B) {
			m := load(b, newRuntime(b, wasm.Options{}), wat.Assemble(b, `(module
				(import "wconf/v1" "getv" (func $getv (param i32 i32 i32 i32) (result i32)))
				(import "wconf/v1" "write" (func $write (param i32 i32)))
				(memory (export "memory") 1)
				(data (i32.const 0) "/services/web/01/host")
				(func (export "render") (result i32) (local $n i32)
					(local.set $n (i32.const 1000))
					(loop $l `+body+` (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
					(i32.const 0)))`))
			s := &hostfuncs.Session{Keys: oneKey{}}
			i, err := m.Open(b.Context(), wasm.Invocation{Session: s, Limits: wasm.Limits{Fuel: 1e18, Calls: 1e18, Time: 1e15}})
			if err != nil {
				b.Fatal(err)
			}
			defer i.Close()
			b.ReportAllocs()
			for b.Loop() {
				if err := i.Call("render"); err != nil {
					b.Fatal(err)
				}
				s.TakeOutput()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/call")
		})
	}
}

// BenchmarkInstance is a fresh instance of the smallest guest and its call.
func BenchmarkInstance(b *testing.B) {
	m := load(b, newRuntime(b, wasm.Options{}), guest(b, ``))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := run(b, m, wasm.Invocation{}); err != nil {
			b.Fatal(err)
		}
	}
}
