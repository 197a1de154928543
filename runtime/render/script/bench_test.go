package script_test

import (
	"testing"

	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// BenchmarkRender is what parts of a render cost: the start of the engine alone,
// and a thousand calls.
func BenchmarkRender(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"empty", `""`},
		{"loop", `for (let i = 0; i < 1000; i++); ""`},
		{"call", `const f = (a) => a; for (let i = 0; i < 1000; i++) f("/app/a"); ""`},
		{"getv", `for (let i = 0; i < 1000; i++) getv("/app/a"); ""`},
		{"exists", `for (let i = 0; i < 1000; i++) exists("/app/a"); ""`},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := newScript(b, c.text, script.Options{})
			v := view()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Render(b.Context(), v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNew is the compilation of a script, with the start of an engine that
// is compiled already.
func BenchmarkNew(b *testing.B) {
	module(b)
	for b.Loop() {
		newScript(b, `function render() { return getv("/app/a") }`, script.Options{})
	}
}

// BenchmarkLoad is the load of the engine: compiled, or from the cache.
func BenchmarkLoad(b *testing.B) {
	load := func(b *testing.B, cache string) {
		r, err := wasm.NewRuntime(wasm.Options{Cache: cache})
		if err != nil {
			b.Fatal(err)
		}
		m, err := script.Load(b.Context(), r, "site.js")
		if err == nil {
			_, err = script.New(b.Context(), m, []byte(`""`), script.Options{})
		}
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			load(b, "")
		}
	})
	b.Run("warm", func(b *testing.B) {
		cache := b.TempDir() + "/cache"
		load(b, cache)
		for b.Loop() {
			load(b, cache)
		}
	})
}

// BenchmarkCall is a function of a template, with the engine open.
func BenchmarkCall(b *testing.B) {
	s := newScript(b, `function f(a, b) { return a + b }`, script.Options{Role: guest.Functions, Limits: wasm.Limits{Fuel: wasm.Ceiling.Fuel, Time: wasm.Ceiling.Time}})
	calls, err := s.Open(b.Context(), view())
	if err != nil {
		b.Fatal(err)
	}
	defer calls.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := calls.Call(b.Context(), "f", []string{"left", "right"}); err != nil {
			b.Fatal(err)
		}
	}
}
