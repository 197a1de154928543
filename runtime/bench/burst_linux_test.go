package bench

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkBurst puts 5,000 times from 25 clients, as fast as etcd takes it,
// and measures when every file shows the last state, what was rendered and
// reloaded on the way, and the CPU time of it all.
func BenchmarkBurst(b *testing.B) {
	s := startStore(b, 1000)
	b.Run("templates=1/keys=50", func(b *testing.B) { burst(b, s, 1, 50) })
	b.Run("templates=20/keys=10", func(b *testing.B) { burst(b, s, 20, 10) })
}

func burst(b *testing.B, s *store, templates, each int) {
	w := newWorld(b)
	for i := range templates {
		var text strings.Builder
		for j := range each {
			k := key(i*each + j)
			fmt.Fprintf(&text, "%s={{getv %q}}\n", k, k)
		}
		w.add(text.String(), fmt.Sprintf("keys = [\"/app\"]\nreload_cmd = \"echo >> reloads-%d\"", i))
	}
	out := watchOutputs(b, w.path("out"))
	d := w.run("-node", s.Endpoint)
	out.all(templates)
	settle(b, d.pid())
	renders, reloads, daemon, server := out.renders(), w.reloads(), cpu(b, d.pid()), cpu(b, s.pid)
	n, stamp := int64(pick(500, 5_000)), time.Now().UnixNano()
	began := time.Now()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 25 {
		all.Go(func() {
			for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
				s.Put(key(int(i)%(templates*each)), fmt.Sprint(stamp, i))
			}
		})
	}
	all.Wait()
	for i := range templates * each { // the last state
		s.Put(key(i), fmt.Sprint("last ", stamp, i))
	}
	acked, last := time.Now(), time.Time{}
	for t := range templates {
		for j := range each {
			at := out.until(fmt.Sprint(t), fmt.Sprint("last ", stamp, t*each+j))
			if at.After(last) {
				last = at
			}
		}
	}
	settle(b, d.pid())
	report(b, figure{"puts-ms", ms(acked.Sub(began))}, figure{"lag-ms", ms(last.Sub(acked))},
		figure{"writes", float64(out.renders() - renders)}, figure{"reloads", float64(w.reloads() - reloads)},
		figure{"cpu-ms", ms(cpu(b, d.pid()) - daemon)}, figure{"etcd-cpu-ms", ms(cpu(b, s.pid) - server)})
}

// reloads is how often the reload commands ran.
func (w *world) reloads() (n int) {
	for i := range w.n {
		text, _ := os.ReadFile(w.path(fmt.Sprint("reloads-", i)))
		n += bytes.Count(text, []byte("\n"))
	}
	return n
}
