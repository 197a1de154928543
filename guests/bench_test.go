package guests_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// nginx is the guests and the script that are timed; a folder is built from Go.
var nginx = []timed{
	{"c", "nginx-c/nginx.wasm"}, {"zig", "nginx-zig/nginx.wasm"}, {"rust", "nginx-rust/nginx.wasm"}, {"lines-c", "lines-c/lines.wasm"},
	{"assemblyscript", "nginx-assemblyscript/nginx.wasm"}, {"js", "nginx-js/nginx.js"}, {"go", "nginx-go"},
}

type timed struct{ name, file string }

func (c timed) open(b *testing.B, r *wasm.Runtime) render.Renderer {
	switch filepath.Ext(c.file) {
	case ".js":
		return newScript(b, r, c.file, script.Options{})
	case ".wasm":
		return load(b, r, c.file, guest.Options{})
	}
	return load(b, r, buildGo(b, c.file), guest.Options{})
}

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
	for _, c := range nginx {
		b.Run(c.name, func(b *testing.B) {
			g := c.open(b, r)
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

// BenchmarkAgainstTemplate is the bar: how long a guest takes for the site of
// BenchmarkNginx, as a part of the time of the template. Both take turns, so that
// whatever else the machine does meets both alike; the median of many turns
// counts.
func BenchmarkAgainstTemplate(b *testing.B) {
	const turns, renders = 101, 20
	keys := []string{"/nginx", "/services/web"}
	r := newRuntime(b)
	for _, c := range nginx {
		b.Run(c.name, func(b *testing.B) {
			g, v := c.open(b, r), view(b, "testdata/nginx.json", keys...)
			template := parsed(b, v)
			took := func(render func()) float64 {
				began := time.Now()
				for range renders {
					render()
				}
				return time.Since(began).Seconds()
			}
			for b.Loop() {
				var ratios, times []float64
				for range turns {
					native := took(func() { template() })
					of := took(func() { rendered(b, g, v) })
					ratios, times = append(ratios, of/native), append(times, of/renders)
				}
				slices.Sort(ratios)
				slices.Sort(times)
				b.ReportMetric(ratios[turns/2], "of-template")
				b.ReportMetric(times[turns/2]*1e6, "µs/render")
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
