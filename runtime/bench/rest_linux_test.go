package bench

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

// BenchmarkMemory measures resident memory with one small template and many
// keys, after the start and after changes, and the start itself.
func BenchmarkMemory(b *testing.B) {
	s := startStore(b, 0)
	for _, keys := range pick([]int{10_000}, []int{10_000, 100_000, 500_000}) {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			s.grow(keys)
			w := newWorld(b)
			w.sharing(1, 10)
			out := watchOutputs(b, w.path("out"))
			began := time.Now()
			d := w.run("-node", s.Endpoint)
			start := out.all(1).Sub(began)
			settle(b, d.pid())
			time.Sleep(pick(0, 3*time.Second))
			first, peak := memory(b, d.pid())
			ran := cpu(b, d.pid())
			for i := range pick(100, 2_000) {
				s.Put(key(i), fmt.Sprint("changed ", i))
			}
			settle(b, d.pid())
			later, _ := memory(b, d.pid())
			report(b, figure{"start-ms", ms(start)}, figure{"start-cpu-ms", ms(ran)}, figure{"RSS-MiB", first}, figure{"peak-MiB", peak}, figure{"RSS-later-MiB", later})
		})
	}
}

// BenchmarkIdle measures what wconf costs while nothing happens, by the minute,
// and etcd with it and alone.
func BenchmarkIdle(b *testing.B) {
	s := startStore(b, 2_000)
	for _, templates := range []int{1, 200} {
		b.Run(fmt.Sprintf("templates=%d", templates), func(b *testing.B) {
			w := newWorld(b)
			w.sharing(templates, 2_000)
			out := watchOutputs(b, w.path("out"))
			time.Sleep(pick(0, 5*time.Second)) // etcd is idle without wconf ...
			quiet, length := cpu(b, s.pid), pick(2*time.Second, 60*time.Second)
			time.Sleep(length)
			alone := cpu(b, s.pid) - quiet
			m := newMeter(b, s.Endpoint)
			d := w.run("-node", m.Endpoint)
			out.all(templates)
			time.Sleep(pick(time.Second, 20*time.Second)) // ... and probes follow a start quickly
			daemon, server, from, to := cpu(b, d.pid()), cpu(b, s.pid), m.from.Load(), m.to.Load()
			time.Sleep(length)
			minute := float64(length) / float64(time.Minute)
			report(b, figure{"cpu-ms/min", ms(cpu(b, d.pid())-daemon) / minute}, figure{"etcd-cpu-ms/min", ms(cpu(b, s.pid)-server) / minute}, figure{"etcd-alone-cpu-ms/min", ms(alone) / minute},
				figure{"from-etcd-B/min", float64(m.from.Load()-from) / minute}, figure{"to-etcd-B/min", float64(m.to.Load()-to) / minute})
		})
	}
}

// BenchmarkTraffic counts what goes between wconf and etcd for a change that
// comes alone: 200 templates below one prefix, or below one each.
func BenchmarkTraffic(b *testing.B) {
	s := startStore(b, 2_000)
	for _, kind := range []string{"shared", "own"} {
		b.Run("prefixes="+kind, func(b *testing.B) {
			watchers := s.metric("etcd_debugging_mvcc_watcher_total")
			m := newMeter(b, s.Endpoint)
			w := newWorld(b)
			for i := range 200 {
				prefix := "/app"
				if kind == "own" {
					prefix = fmt.Sprintf("/app/%03d", i)
				}
				w.add(fmt.Sprintf("{{getv %q}}\n", key(i)), fmt.Sprintf("keys = [%q]", prefix))
			}
			out := watchOutputs(b, w.path("out"))
			d := w.run("-node", m.Endpoint)
			out.all(200)
			settle(b, d.pid())
			time.Sleep(pick(0, 15*time.Second)) // the quick probes of a start
			watchers = s.metric("etcd_debugging_mvcc_watcher_total") - watchers
			n, from, to, asked := pick(20, 200), m.from.Load(), m.to.Load(), s.metric("grpc_server_msg_received_total")
			for i := range n {
				v := fmt.Sprintf("%050d", i)
				s.Put(key(i%200), v)
				out.until(fmt.Sprint(i%200), v)
				time.Sleep(10 * time.Millisecond)
			}
			settle(b, d.pid())
			per := func(v float64) float64 { return v / float64(n) }
			report(b, figure{"watchers", watchers}, figure{"conns", float64(m.conns.Load())}, figure{"from-etcd-B/change", per(float64(m.from.Load() - from))},
				figure{"to-etcd-B/change", per(float64(m.to.Load() - to))}, figure{"requests/change", per(s.metric("grpc_server_msg_received_total")-asked) - 1}) // but for the put
		})
	}
}

// BenchmarkCacheFile measures a start with many keys to the first file: by
// listing etcd, by the cache file with etcd there, and by it alone.
func BenchmarkCacheFile(b *testing.B) {
	s := startStore(b, 0)
	for _, keys := range pick([]int{10_000}, []int{100_000, 500_000}) {
		s.grow(keys)
		file, proxy := b.TempDir()+"/keys", newProxy(b, s.Endpoint)
		for _, how := range []string{"list", "file", "away"} {
			b.Run(fmt.Sprintf("keys=%d/from=%s", keys, how), func(b *testing.B) {
				w := newWorld(b)
				w.sharing(1, 10)
				out := watchOutputs(b, w.path("out"))
				var took, ran []time.Duration
				for range pick(1, 5) {
					if how == "list" {
						os.Remove(file)
					} else if _, err := os.Stat(file); err != nil {
						b.Fatal("the run before has left no cache file: ", err)
					}
					if how == "away" {
						proxy.Refuse()
					}
					os.Remove(w.path("out/0"))
					n, began := out.renders(), time.Now()
					d := w.run("-node", proxy.Endpoint, "-cache-file", file)
					took = append(took, out.after(n+1).Sub(began))
					settle(b, d.pid())
					ran = append(ran, cpu(b, d.pid()))
					d.end()
					proxy.Pass()
				}
				figures := []figure{{"start-ms", median(took)}, {"cpu-ms", median(ran)}}
				if info, err := os.Stat(file); err == nil {
					figures = append(figures, figure{"file-MiB", float64(info.Size()) / (1 << 20)})
				}
				report(b, figures...)
			})
		}
	}
}

func median(took []time.Duration) float64 {
	slices.Sort(took)
	return ms(took[len(took)/2])
}
