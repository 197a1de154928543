package examples_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wconf/wconf/examples/machinetest"
	"github.com/wconf/wconf/runtime/needs"
)

// A real HAProxy is reloaded again and again under traffic; no request fails.
func TestHAProxyReloadsWithoutALostRequest(t *testing.T) {
	for _, tool := range []string{"haproxy", "etcd", "etcdctl", "ip"} {
		needs.Tool(t, tool)
	}
	machinetest.Run(t, func(m *machinetest.Machine) {
		startEtcd(m)
		m.Install("haproxy-etcd", "/etc/wconf")
		const servers = 6
		for i := range servers {
			serve(t, fmt.Sprintf("127.0.0.1:%d", 8000+i), fmt.Sprint("s", i))
		}
		m.Sh("rm /etc/haproxy/haproxy.cfg; etcdctl put /lb/app/s0 127.0.0.1:8000")
		m.Sh("wconf -onetime -sync-only -backend etcd") // before haproxy runs there is nothing to reload
		m.Start("haproxy -W -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid")
		m.Await("haproxy", func() bool { return get("app") == "s0" })
		log := m.Start("wconf run -backend etcd")

		clients := startClients(4)
		for i := 1; i < servers; i++ {
			m.Sh(fmt.Sprintf("etcdctl put /lb/app/s%d 127.0.0.1:%d && etcdctl del /lb/app/s%d", i, 8000+i, i-1))
			m.Await("the next server", func() bool { return get("app") == fmt.Sprint("s", i) })
		}
		good := m.Read("/etc/haproxy/haproxy.cfg")
		m.Sh("etcdctl put /lb/app/bad 127.0.0.1:port")
		m.Await("the refusal", func() bool { return strings.Contains(m.Read(log), "step=check") })
		if m.Read("/etc/haproxy/haproxy.cfg") != good {
			t.Error("what haproxy refuses is on disk")
		}
		answered, failed := clients.stop()
		if answered < 100 || len(failed) > 0 {
			t.Errorf("%d requests were answered, and these failed: %q", answered, failed)
		}
		t.Logf("%d requests answered during %d reloads", answered, servers-1)
	})
}

// clients ask all the time, each request on a connection of its own.
type clients struct {
	all      sync.WaitGroup
	ended    atomic.Bool
	answered atomic.Int64
	mu       sync.Mutex
	failed   []string
}

func startClients(n int) *clients {
	c := &clients{}
	for range n {
		c.all.Go(c.ask)
	}
	return c
}

func (c *clients) ask() {
	web := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for !c.ended.Load() {
		r, err := web.Get("http://127.0.0.1/")
		why := ""
		switch {
		case err != nil:
			why = err.Error()
		case r.StatusCode != http.StatusOK:
			why = r.Status
		}
		if err == nil {
			r.Body.Close()
		}
		if why == "" {
			c.answered.Add(1)
			continue
		}
		c.mu.Lock()
		c.failed = append(c.failed, why)
		c.mu.Unlock()
	}
}

func (c *clients) stop() (answered int64, failed []string) {
	c.ended.Store(true)
	c.all.Wait()
	return c.answered.Load(), c.failed
}
