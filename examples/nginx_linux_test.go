package examples_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/examples/machinetest"
	"github.com/wconf/wconf/runtime/needs"
)

// A real nginx follows etcd. What its own check refuses never reaches the
// disk, and the old file goes on serving.
func TestNginxFollowsEtcd(t *testing.T) {
	for _, tool := range []string{"nginx", "etcd", "etcdctl", "ip"} {
		needs.Tool(t, tool)
	}
	machinetest.Run(t, func(m *machinetest.Machine) {
		startEtcd(m)
		m.Install("nginx-etcd", "/etc/confd")
		m.Sh("rm -f /etc/nginx/sites-enabled/default; nginx")
		serve(t, "127.0.0.1:8001", "one")
		serve(t, "127.0.0.1:8002", "two")
		m.Sh("etcdctl put /app/server/01 127.0.0.1:8001")

		log := m.Start("confd -watch -backend etcd -node http://127.0.0.1:2379")
		m.Await("the first server", func() bool { return get("app.example.org") == "one" })

		m.Sh("etcdctl put /app/server/02 127.0.0.1:8002 && etcdctl del /app/server/01")
		const site = "/etc/nginx/conf.d/app.conf"
		m.Await("the second server, alone", func() bool {
			return !strings.Contains(m.Read(site), "8001") && get("app.example.org") == "two"
		})
		good := m.Read(site)

		m.Sh("etcdctl put /app/server/03 127.0.0.1:port")
		m.Await("the refusal", func() bool { return strings.Contains(m.Read(log), "step=check") })
		if now := m.Read(site); now != good {
			t.Errorf("what nginx refuses is on disk:\n%s", now)
		}
		m.Sh("nginx -t && nginx -s reload") // as an administrator might, now
		// Workers of an earlier configuration answer for another 100 ms.
		m.Await("nothing but the second server", func() bool {
			for range 10 {
				if get("app.example.org") != "two" {
					return false
				}
			}
			return true
		})

		m.Sh("etcdctl put /app/server/03 127.0.0.1:8001 && etcdctl del /app/server/02")
		// "one" may be the answer before 02 is gone, while the next file is staged.
		m.Await("the mended server, alone", func() bool {
			return !strings.Contains(m.Read(site), "8002") && get("app.example.org") == "one"
		})
		m.Await("nothing beside the file", func() bool {
			left, _ := os.ReadDir("/etc/nginx/conf.d")
			return len(left) == 1
		})
	})
}

// A guest writes the site of a real nginx, and its twin, a template, the same.
func TestNginxByGuest(t *testing.T) {
	for _, tool := range []string{"nginx", "etcd", "etcdctl", "ip"} {
		needs.Tool(t, tool)
	}
	here := workingDirectory(t)
	machinetest.Run(t, func(m *machinetest.Machine) {
		startEtcd(m)
		m.Sh("rm -f /etc/nginx/sites-enabled/default; nginx")
		serve(t, "127.0.0.1:8001", "one")
		serve(t, "127.0.0.1:8002", "two")
		m.Sh(`etcdctl put /nginx/listen 80; etcdctl put /nginx/server_name www.example.org; etcdctl put /nginx/upstream web
			etcdctl put /services/web/1/host 127.0.0.1; etcdctl put /services/web/1/port 8001; etcdctl put /services/web/1/weight 1`)
		log := m.Start("wconf run -backend etcd -confdir " + here + "/wasm-nginx")
		m.Await("the site", func() bool { return get("www.example.org") == "one" })
		m.Sh("etcdctl put /services/web/1/port 8002")
		m.Await("the other port", func() bool { return get("www.example.org") == "two" })

		m.Sh("etcdctl put /services/web/1/weight heavy")
		m.Await("the refusal", func() bool { return strings.Contains(m.Read(log), "step=check") })
		m.Sh("etcdctl put /services/web/1/weight 2")
		m.Await("equal twins", func() bool {
			site := m.Read("/etc/nginx/conf.d/web.conf")
			return strings.Contains(site, "weight=2;") && site == m.Read("/etc/nginx/web.conf.by-template")
		})
	})
}

// A change waits until all is quiet; one that takes too much away is guarded.
func TestNginxBehindConditions(t *testing.T) {
	for _, tool := range []string{"nginx", "etcd", "etcdctl", "ip"} {
		needs.Tool(t, tool)
	}
	const quiet = 2 * time.Second // as the resource says
	machinetest.Run(t, func(m *machinetest.Machine) {
		startEtcd(m)
		m.Install("gate-window", "/etc/wconf")
		m.Sh("for n in a b c d; do etcdctl put /backends/$n 127.0.0.1:8001; done; etcdctl put /workers 1")
		m.Sh("wconf -onetime -sync-only -backend etcd; nginx")
		serve(t, "127.0.0.1:8001", "one")
		log := m.Start("wconf run -backend etcd -metrics-addr 127.0.0.1:9000")
		m.Await("the first judgement, which the condition lets pass", func() bool { return answers("http://127.0.0.1:9000/ready") })
		began := time.Now() // a busy machine shows what follows late, but never early
		m.Sh("etcdctl put /backends/e 127.0.0.1:8002")
		m.Await("the hold", func() bool { return strings.Contains(m.Read(log), "reload held") })
		if strings.Contains(m.Read("/etc/nginx/nginx.conf"), "8002") && time.Since(began) < quiet {
			t.Error("what is held is on disk")
		}
		m.Await("the reload", func() bool {
			return strings.Contains(m.Read(log), " reloaded ")
		})
		if took := time.Since(began); took < quiet {
			t.Errorf("it was quiet for %s only", took)
		}
		m.Await("both", func() bool { return strings.Contains(m.Read("/etc/nginx/nginx.conf"), "8002") })

		m.Sh("etcdctl del /backends/a /backends/d") // a, b and c, at once
		m.Await("the guard", func() bool { return strings.Contains(m.Read(log), "guard refused") })
		if got := get("any"); got != "one" {
			t.Errorf("serves %q", got)
		}
	})
}

// The cases that ask for it run the real check_cmd.
func TestCasesWithRealChecks(t *testing.T) {
	for _, tool := range []string{"nginx", "haproxy", "ip"} {
		needs.Tool(t, tool)
	}
	here := workingDirectory(t)
	machinetest.Run(t, func(m *machinetest.Machine) {
		out := m.Sh("cd " + here + " && wconf test --allow-exec -t exec .")
		if !strings.HasPrefix(out, "2 passed ") {
			t.Error(out)
		}
	})
}

func workingDirectory(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// startEtcd starts etcd where everybody looks for it.
func startEtcd(m *machinetest.Machine) {
	m.Start("etcd --data-dir etcd --log-level error --unsafe-no-fsync")
	m.Await("etcd", func() bool { return answers("http://127.0.0.1:2379/health") })
}

// answers tells whether a page is there and says that all is well.
func answers(url string) bool {
	r, err := http.Get(url)
	if err != nil {
		return false
	}
	defer r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// serve answers every request with a name, from now on.
func serve(t *testing.T, address, name string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })}
	go s.Serve(l) //nolint:errcheck // it ends with the machine
	t.Cleanup(func() { s.Close() })
}

// get is what port 80 answers for a host, or why it does not.
func get(host string) string {
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		return err.Error()
	}
	r.Host = host
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
