package examples_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

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
		m.Await("the second server", func() bool { return get("app.example.org") == "two" })
		good := m.Read("/etc/nginx/conf.d/app.conf")

		m.Sh("etcdctl put /app/server/03 127.0.0.1:port")
		m.Await("the refusal", func() bool { return strings.Contains(m.Read(log), "check_cmd refused") })
		if now := m.Read("/etc/nginx/conf.d/app.conf"); now != good {
			t.Errorf("what nginx refuses is on disk:\n%s", now)
		}
		m.Sh("nginx -t && nginx -s reload") // as an administrator might, now
		if got := get("app.example.org"); got != "two" {
			t.Errorf("serves %q", got)
		}

		m.Sh("etcdctl put /app/server/03 127.0.0.1:8001 && etcdctl del /app/server/02")
		m.Await("the mended server", func() bool { return get("app.example.org") == "one" })
		if left, _ := os.ReadDir("/etc/nginx/conf.d"); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// startEtcd starts etcd where everybody looks for it.
func startEtcd(m *machinetest.Machine) {
	m.Start("etcd --data-dir etcd --log-level error --unsafe-no-fsync")
	m.Await("etcd", func() bool {
		r, err := http.Get("http://127.0.0.1:2379/health")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

// serve answers every request with a name.
func serve(t *testing.T, address, name string) {
	s := &http.Server{Addr: address, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, name) })}
	go s.ListenAndServe() //nolint:errcheck // it ends with the machine
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
