package bench

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkChange measures from the start of a put to the rename of the file
// that holds it, with more and more keys and templates of which it concerns
// one, and the CPU time of wconf and of etcd for each. ack is how much of the
// latency is the put itself.
func BenchmarkChange(b *testing.B) {
	s := startStore(b, 0)
	for _, keys := range pick([]int{1_000}, []int{1_000, 10_000, 100_000}) {
		for _, templates := range pick([]int{1, 100}, []int{1, 10, 100, 1000}) {
			b.Run(fmt.Sprintf("keys=%d/templates=%d", keys, templates), func(b *testing.B) {
				s.grow(keys)
				w := newWorld(b)
				each := w.sharing(templates, keys)
				out := watchOutputs(b, w.path("out"))
				d := w.run("-node", s.Endpoint)
				out.all(templates)
				changes(b, s, d, out, func(i int) (string, string) {
					t := i * 7919 % templates
					return key(t*each + i%each), fmt.Sprint(t)
				})
			})
		}
	}
}

// changes puts one key after the other. next names a key and the file that
// shows it.
func changes(b *testing.B, s *store, d *process, out *outputs, next func(i int) (key, file string)) {
	n := pick(50, 300)
	settle(b, d.pid())
	daemon, server := cpu(b, d.pid()), cpu(b, s.pid)
	var took latencies
	for i := range n {
		k, file := next(i)
		took.of(s, out, k, file)
	}
	settle(b, d.pid())
	per := func(from time.Duration, pid int) float64 { return ms(cpu(b, pid)-from) / float64(n) }
	report(b, append(percentiles(took.all), figure{"ack-ms", median(took.ack)},
		figure{"cpu-ms/change", per(daemon, d.pid())}, figure{"etcd-cpu-ms/change", per(server, s.pid)})...)
}

// latencies are those of puts: until a file shows them, and until etcd has
// acknowledged them.
type latencies struct{ all, ack []time.Duration }

func (l *latencies) of(s *store, out *outputs, key, file string) {
	v := fmt.Sprintf("changed-%d", time.Now().UnixNano())
	began := time.Now()
	s.Put(key, v)
	l.ack = append(l.ack, time.Since(began))
	l.all = append(l.all, out.until(file, v).Sub(began))
	time.Sleep(2 * time.Millisecond)
}

// BenchmarkListing is BenchmarkChange where the template lists a directory by a
// pattern, of a tree that is deep and large elsewhere.
func BenchmarkListing(b *testing.B) {
	keys := pick(1_000, 100_000)
	s := startStore(b, keys)
	for _, pattern := range []string{"/app/*", "/app/007/*", "/app/*/7"} {
		b.Run(fmt.Sprintf("keys=%d/gets=%s", keys, pattern[1:]), func(b *testing.B) {
			w := newWorld(b)
			w.add(fmt.Sprintf("{{getv \"/app/007/7\"}}\n{{range gets %q}}{{.Key}}={{.Value}}\n{{end}}", pattern), `keys = ["/app"]`)
			out := watchOutputs(b, w.path("out"))
			d := w.run("-node", s.Endpoint)
			out.all(1)
			changes(b, s, d, out, func(int) (string, string) { return key(7), "0" })
		})
	}
}

// BenchmarkChurn changes keys that nothing renders: what the watching costs.
func BenchmarkChurn(b *testing.B) {
	s := startStore(b, 10_000)
	w := newWorld(b)
	w.sharing(200, 2_000)
	out := watchOutputs(b, w.path("out"))
	d := w.run("-node", s.Endpoint)
	out.all(200)
	settle(b, d.pid())
	n, before, began := pick(200, 3_000), out.renders(), cpu(b, d.pid())
	for i := range n {
		s.Put(key(5_000+i), "changed")
	}
	settle(b, d.pid())
	report(b, figure{"cpu-ms/change", ms(cpu(b, d.pid())-began) / float64(n)}, figure{"writes", float64(out.renders() - before)})
}
