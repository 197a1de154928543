package guests_test

import (
	"testing"

	"github.com/wconf/wconf/runtime/render/guest"
)

// BenchmarkNginx renders the same site, 153 keys read one by one: by a template
// that is parsed once, and by guests, each in a fresh instance, metered.
func BenchmarkNginx(b *testing.B) {
	keys := []string{"/nginx", "/services/web"}
	b.Run("template", func(b *testing.B) {
		v := view(b, "testdata/nginx.json", keys...)
		render := parsed(b, v)
		b.ReportAllocs()
		for b.Loop() {
			render()
		}
	})
	r := newRuntime(b)
	for _, c := range []struct{ name, file string }{
		{"c", "nginx-c/nginx.wasm"}, {"rust", "nginx-rust/nginx.wasm"}, {"go", buildGo(b, "nginx-go")}, {"lines-c", "lines-c/lines.wasm"},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := load(b, r, c.file, guest.Options{})
			v := view(b, "testdata/nginx.json", keys...)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Render(b.Context(), v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFunction calls a template function that joins its arguments.
func BenchmarkFunction(b *testing.B) {
	g := load(b, newRuntime(b), "tck/tck.wasm", guest.Options{Role: guest.Functions})
	calls, err := g.Open(b.Context(), tckView())
	if err != nil {
		b.Fatal(err)
	}
	args := []string{"a", "b"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := calls.Call(b.Context(), "join", args); err != nil {
			b.Fatal(err)
		}
	}
	if err := calls.Close(); err != nil {
		b.Fatal(err)
	}
}
