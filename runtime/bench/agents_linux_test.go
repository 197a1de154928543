package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/etcd"
	"github.com/wconf/wconf/runtime/cache"
)

// agent is the cache of one host.
type agent struct {
	cache *cache.Cache
	news  chan struct{}
}

// BenchmarkAgents lets 200 hosts follow two prefixes of one etcd, each by a
// connection of its own, and measures what they cost the store: when they all
// start, while nothing happens, and for each change.
func BenchmarkAgents(b *testing.B) {
	agents, keys := pick(20, 200), pick(1_000, 10_000)
	s := startStore(b, keys)
	length := pick(3*time.Second, 60*time.Second)
	quiet := cpu(b, s.pid)
	time.Sleep(length)
	alone := cpu(b, s.pid) - quiet // and a little more than nothing
	m := newMeter(b, s.Endpoint)
	server, began := cpu(b, s.pid), time.Now()
	all := startAgents(b, m.Endpoint, agents)
	start := time.Since(began)
	settle(b, s.pid)
	figures := []figure{{"start-ms", ms(start)}, {"start-etcd-cpu-ms/agent", ms(cpu(b, s.pid)-server) / float64(agents)}, {"start-B/agent", float64(m.from.Load()) / float64(agents)}}

	time.Sleep(pick(0, 20*time.Second)) // the quick probes of a start
	server, from, to, asked := cpu(b, s.pid), m.from.Load(), m.to.Load(), s.metric("grpc_server_msg_received_total")
	time.Sleep(length)
	per := float64(agents) * float64(length) / float64(time.Minute)
	figures = append(figures, figure{"idle-etcd-cpu-ms/agent/min", ms(cpu(b, s.pid)-server-alone) / per},
		figure{"idle-requests/agent/min", (s.metric("grpc_server_msg_received_total") - asked) / per},
		figure{"idle-B/agent/min", float64(m.from.Load()-from+m.to.Load()-to) / per})

	n := pick(20, 200)
	server, from, to, asked = cpu(b, s.pid), m.from.Load(), m.to.Load(), s.metric("grpc_server_msg_received_total")
	var took []time.Duration
	for i := range n {
		v := fmt.Sprintf("%050d", i)
		began := time.Now()
		s.Put(key(i%100), v)
		for _, a := range all {
			a.until(b, key(i%100), v)
		}
		took = append(took, time.Since(began))
		time.Sleep(20 * time.Millisecond)
	}
	settle(b, s.pid)
	per = float64(agents * n)
	figures = append(figures, figure{"all-ms", median(took)}, figure{"etcd-cpu-µs/agent/change", 1000 * ms(cpu(b, s.pid)-server) / per},
		figure{"requests/agent/change", (s.metric("grpc_server_msg_received_total") - asked - float64(n)) / per}, figure{"B/agent/change", float64(m.from.Load()-from+m.to.Load()-to) / per})
	report(b, figures...)
}

// startAgents starts caches and waits until all have the keys.
func startAgents(b *testing.B, endpoint string, n int) (all []*agent) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	b.Cleanup(func() {
		stop()
		running.Wait()
	})
	for range n {
		store, err := etcd.Open(backend.Config{Nodes: []string{endpoint}})
		if err != nil {
			b.Fatal(err)
		}
		a := &agent{news: make(chan struct{}, 1)}
		a.cache = cache.New(store, cache.Options{Notify: func() {
			select {
			case a.news <- struct{}{}:
			default:
			}
		}})
		a.cache.SetPrefixes([]string{"/app", "/common"})
		running.Go(func() {
			defer store.Close()
			a.cache.Run(ctx)
		})
		all = append(all, a)
	}
	for _, a := range all {
		a.until(b, key(0), value(0))
	}
	return all
}

// until waits for the value of a key.
func (a *agent) until(b *testing.B, key, value string) {
	for {
		if got, ok := a.cache.Snapshot().Get(key); ok && got == value {
			return
		}
		select {
		case <-a.news:
		case <-time.After(time.Minute):
			b.Fatalf("an agent never saw %s", key)
		}
	}
}
