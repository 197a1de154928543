package bench

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/wconf/wconf/guests"
)

// BenchmarkHostile is BenchmarkChange with a hundred templates, beside guests
// that run without an end: none, and one more than there are cores.
func BenchmarkHostile(b *testing.B) {
	s := startStore(b, 1_000)
	for _, endless := range []int{0, runtime.GOMAXPROCS(0) + 1} {
		b.Run(fmt.Sprintf("endless=%d", endless), func(b *testing.B) {
			w := newWorld(b)
			each := w.sharing(100, 1_000)
			w.must(os.WriteFile(w.path("templates/endless.wasm"), guests.Endless, 0o644))
			for i := range endless {
				toml := fmt.Sprintf("[template]\nsrc = \"endless.wasm\"\ndest = \"out/.endless%d\"\nkeys = [\"/app\"]\n[template.limits]\ntime = \"60s\"\nfuel = 100_000_000_000\n", i)
				w.must(os.WriteFile(w.path(fmt.Sprintf("conf.d/endless%d.toml", i)), []byte(toml), 0o644))
			}
			out := watchOutputs(b, w.path("out"))
			d := w.run("-node", s.Endpoint)
			out.all(100)
			n, took := pick(50, 300), latencies{}
			for i := range n {
				t := i * 7919 % 100
				took.of(s, out, key(t*each+i%each), fmt.Sprint(t))
			}
			if err := d.cmd.Process.Kill(); err != nil {
				b.Fatal(err)
			}
			report(b, percentiles(took.all)...)
		})
	}
}
