package etcd

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
)

// BenchmarkLatency measures from the start of a put to its event: with the
// usual client's watch, with one prefix, and with two, in one run.
func BenchmarkLatency(b *testing.B) {
	s := etcdtest.Start(b)
	s.Put("/app/a", "0", "/web/a", "0")
	b.Run("clientv3", func(b *testing.B) {
		events := s.Client().Watch(b.Context(), "/app/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
		<-events
		latency(b, s, func() { <-events })
	})
	for _, prefixes := range [][]string{{"/app"}, {"/app", "/web"}} {
		b.Run(fmt.Sprintf("wconf-%d", len(prefixes)), func(b *testing.B) {
			store := openReal(b, backend.Config{}, s.Endpoint)
			l, err := store.List(b.Context(), prefixes)
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			out := make(chan backend.Batch)
			go store.Watch(ctx, prefixes, l.Cursor, out)
			<-out
			latency(b, s, func() {
				for len((<-out).Puts) == 0 {
				}
			})
		})
	}
}

func latency(b *testing.B, s *etcdtest.Server, arrived func()) {
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		done := make(chan struct{})
		go func() {
			arrived()
			close(done)
		}()
		s.Put("/app/a", "1")
		<-done
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// manyKeys is an etcd with 100,000 keys of 100 bytes.
func manyKeys(b *testing.B) *etcdtest.Server {
	s := etcdtest.Start(b, "--max-txn-ops", "2000")
	value := string(make([]byte, 100))
	for i := range 100 {
		var ops []clientv3.Op
		for j := range 1000 {
			ops = append(ops, clientv3.OpPut(fmt.Sprintf("/app/%03d/%04d", i, j), value))
		}
		s.Txn(ops...)
	}
	return s
}

// BenchmarkSurvey counts 100,000 keys, also looks for newer ones among them,
// and counts 2,000 prefixes.
func BenchmarkSurvey(b *testing.B) {
	s := manyKeys(b)
	store := openReal(b, backend.Config{}, s.Endpoint)
	one, many := []string{"/app"}, []string{}
	for i := range 2000 {
		many = append(many, fmt.Sprintf("/app/%03d/%04d", i/1000, i%1000))
	}
	at := cursor{rev: s.Revision(), mark: mark{mod: s.Revision()}}
	for _, c := range []struct {
		name     string
		prefixes []string
		newest   bool
		count    int64
	}{{"count", one, false, 100_000}, {"newest", one, true, 100_000}, {"prefixes", many, false, 2000}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if n, other, err := store.survey(b.Context(), store.scope(c.prefixes), at, at.rev, c.newest); n != c.count || other != "" || err != nil {
					b.Fatal(n, other, err)
				}
			}
		})
	}
}

// BenchmarkList lists 100,000 keys of 100 bytes.
func BenchmarkList(b *testing.B) {
	s := manyKeys(b)
	store := openReal(b, backend.Config{}, s.Endpoint)
	b.ReportAllocs()
	var held uint64
	for b.Loop() {
		l, err := store.List(b.Context(), []string{"/app"})
		if err != nil || len(l.Pairs) != 100_000 {
			b.Fatal(len(l.Pairs), err)
		}
		b.StopTimer()
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		held = m.HeapAlloc
		runtime.KeepAlive(l)
		b.StartTimer()
	}
	b.ReportMetric(float64(held)/(1<<20), "MiB-held")
}
