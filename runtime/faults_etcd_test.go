package runtime_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/needs"
)

// The daemon against a real etcd to which happens what happens in production.
// The file is always one whole state of the store, the last one in the end,
// and each state is reloaded once.
func TestEtcdFaults(t *testing.T) {
	wconf := buildWconf(t)
	for name, fault := range map[string]func(*testing.T, string){
		"the store restarts":            etcdRestarts,
		"compacted while cut off":       etcdCompacted,
		"restored":                      etcdRestored,
		"restored and overtaken":        etcdOvertaken,
		"wiped":                         etcdWiped,
		"one transaction, many keys":    etcdTransactions,
		"all keys deleted":              etcdEmptied,
		"all keys deleted and put back": etcdEmptiedBriefly,
		"all keys may go":               etcdMayEmpty,
		"somebody minds":                etcdMayNotEmpty,
		"an audit is asked for":         etcdAudited,
		"some keys are refused":         etcdRefused,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault(t, wconf)
		})
	}
}

// Faults that take a cluster, or long.
func TestEtcdFaultsLong(t *testing.T) {
	needs.Check(t, "clusters of etcd, and tokens that expire")
	wconf := buildWconf(t)
	t.Run("the leader is killed", func(t *testing.T) { etcdLeaderKilled(t, wconf) })
	t.Run("members freeze", func(t *testing.T) { etcdFrozen(t, wconf) })
	t.Run("compacted while listed", func(t *testing.T) { etcdCompactedWhileListed(t, wconf) })
	t.Run("tokens expire", func(t *testing.T) { etcdTokens(t, wconf) })
}

const stampSettings = "keys = [\"/a\"]\n" + noteReload

func onEtcd(endpoints ...string) []string {
	flags := []string{"-backend", "etcd"}
	for _, e := range endpoints {
		flags = append(flags, "-node", e)
	}
	return flags
}

func etcdRestarts(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	server.Put("/a/stamp", "1")
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(server.Endpoint)...)
	s.start(stamped)
	s.becomes("out", stampText(1), soon)
	s.reloaded(stampText(1))
	server.Kill()
	s.stays("out", stampText(1), time.Second)
	server.Restart()
	server.Put("/a/stamp", "2")
	s.becomes("out", stampText(2), soon)
	s.reloaded(stampText(1), stampText(2))
}

// SIGUSR1 compares what is held with the store, later where that is away, and
// changes nothing.
func etcdAudited(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	server.Put("/a/stamp", "1", "/a/list/1", "one")
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(server.Endpoint)...)
	s.start(stamped)
	s.becomes("out", stampText(1, "one"), soon)
	s.must(s.daemon.Process.Signal(syscall.SIGUSR1))
	s.says("the store was compared with the cache backend=etcd keys=2 differing=0")
	server.Delete("/a/list/1")
	s.becomes("out", stampText(1), soon)
	server.Kill()
	s.says("the store is away")
	s.must(s.daemon.Process.Signal(syscall.SIGUSR1))
	s.says("the store is away; it is compared with the cache when it is back")
	server.Restart()
	s.says("the store was compared with the cache backend=etcd keys=1 differing=0")
	s.reloaded(stampText(1, "one"), stampText(1))
}

// A resource whose keys the store refuses has failed, and all others go on.
func etcdRefused(t *testing.T, wconf string) {
	server := etcdtest.Start(t, "--bcrypt-cost", "4")
	server.Put("/a/stamp", "1", "/secret/x", "2")
	admin := server.Client()
	for _, err := range []error{
		second(admin.UserAdd(t.Context(), "root", "root")), second(admin.UserGrantRole(t.Context(), "root", "root")),
		second(admin.RoleAdd(t.Context(), "reader")),
		second(admin.RoleGrantPermission(t.Context(), "reader", "/a/", "/a0", clientv3.PermissionType(clientv3.PermRead))),
		second(admin.UserAdd(t.Context(), "wconf", "wconf")), second(admin.UserGrantRole(t.Context(), "wconf", "reader")),
		second(admin.AuthEnable(t.Context())),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	address := etcdtest.FreeAddress(t)
	s := newSite(t, wconf, stampSettings, stampTemplate, append(onEtcd(server.Endpoint), "-metrics-addr", address)...)
	s.file("confd.toml", "basic_auth = true\nusername = \"wconf\"\npassword = \"wconf\"\n")
	s.file("conf.d/secret.toml", "[template]\nsrc = \"secret.tmpl\"\ndest = \"secret\"\nkeys = [\"/secret\"]\n")
	s.file("templates/secret.tmpl", `{{getv "/secret/x"}}`)
	s.start(stamped)
	s.becomes("out", stampText(1), soon)
	s.says("the store refuses some keys")
	said := ""
	if !needs.Await(soon, func() bool {
		answer, err := http.Get("http://" + address + "/ready/detailed")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		said = string(text)
		return err == nil && answer.StatusCode == http.StatusServiceUnavailable &&
			strings.Contains(said, `"resource":"secret","state":"failed","step":"keys"`)
	}) {
		t.Errorf("the resource whose keys are refused is shown as in %s", said)
	}
}

func etcdCompacted(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	net := etcdtest.NewProxy(t, server.Endpoint)
	server.Put("/a/list/1", "one", "/a/list/2", "two", "/a/stamp", "1")
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(net.Endpoint)...)
	s.start(stamped)
	s.becomes("out", stampText(1, "one", "two"), soon)
	s.reloaded(stampText(1, "one", "two"))
	net.Refuse()
	for i := range 20 {
		server.Put("/a/stamp", fmt.Sprint(i))
	}
	server.Delete("/a/list/1")
	server.Compact(0)
	net.Pass()
	s.becomes("out", stampText(19, "two"), soon)
	s.reloaded(stampText(1, "one", "two"), stampText(19, "two"))
}

func etcdRestored(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	server.Put("/a/stamp", "1")
	restore := server.Save()
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(server.Endpoint)...)
	s.start(stamped)
	s.becomes("out", stampText(1), soon)
	s.reloaded(stampText(1))
	server.Put("/a/list/1", "one")
	s.reloaded(stampText(1), stampText(1, "one"))
	restore()
	s.reloaded(stampText(1), stampText(1, "one"), stampText(1))
	server.Put("/a/stamp", "2")
	s.becomes("out", stampText(2), soon)
	s.reloaded(stampText(1), stampText(1, "one"), stampText(1), stampText(2))
}

func etcdOvertaken(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	net := etcdtest.NewProxy(t, server.Endpoint)
	server.Put("/a/stamp", "1")
	restore := server.Save()
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(net.Endpoint)...)
	server.Put("/a/list/gone", "gone")
	s.start(stamped)
	s.becomes("out", stampText(1, "gone"), soon)
	s.reloaded(stampText(1, "gone"))
	net.Refuse()
	restore()
	server.Put("/a/list/new", "new")
	for i := range 20 {
		server.Put("/elsewhere", fmt.Sprint(i))
	}
	net.Pass()
	s.becomes("out", stampText(1, "new"), soon)
}

const listTemplate = "begin\n{{range gets \"/a/*\"}}{{.Value}}\n{{end}}end\n"

func listed(text string) bool {
	return strings.HasPrefix(text, "begin\n") && strings.HasSuffix(text, "end\n")
}

func etcdWiped(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	server.Put("/a/1", "one")
	s := newSite(t, wconf, stampSettings, listTemplate, onEtcd(server.Endpoint)...)
	s.start(listed)
	s.becomes("out", "begin\none\nend\n", soon)
	s.reloaded("begin\none\nend\n")
	server.Wipe()
	s.says("a prefix lost all of its keys")
	s.reloaded("begin\none\nend\n", "begin\nend\n")
	server.Put("/a/1", "again")
	s.reloaded("begin\none\nend\n", "begin\nend\n", "begin\nagain\nend\n")
}

func etcdTransactions(t *testing.T, wconf string) {
	const each = 42 // 126 keys; etcd takes 128 in one transaction
	server := etcdtest.Start(t)
	net := etcdtest.NewProxy(t, server.Endpoint)
	write := func(stamp int) {
		var ops []clientv3.Op
		for i := range each {
			for _, prefix := range []string{"a", "b", "c"} {
				ops = append(ops, clientv3.OpPut(fmt.Sprintf("/%s/%02d", prefix, i), fmt.Sprint(stamp)))
			}
		}
		server.Txn(ops...)
	}
	write(0)
	s := newSite(t, wconf, "keys = [\"/a\", \"/b\", \"/c\"]\n"+noteReload,
		`{{range getvs "/a/*"}}{{.}} {{end}}{{range getvs "/b/*"}}{{.}} {{end}}{{range getvs "/c/*"}}{{.}} {{end}}`, onEtcd(net.Endpoint)...)
	text := func(stamp int) string { return strings.Repeat(fmt.Sprint(stamp, " "), 3*each) }
	one := func(text string) bool {
		stamps := strings.Fields(text)
		return len(stamps) == 3*each && len(slices.Compact(stamps)) == 1
	}
	s.start(one)
	s.becomes("out", text(0), soon)
	for i := range 40 {
		write(i + 1)
		if i%10 == 5 {
			net.Cut()
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.becomes("out", text(40), soon)
	for _, line := range s.reloads() {
		if !one(line) {
			t.Errorf("reloaded %q", line)
		}
	}
	s.oncePerWrite()
}

func deletePrefix(server *etcdtest.Server, prefix string) {
	server.Txn(clientv3.OpDelete(prefix, clientv3.WithPrefix()))
}

// All keys gone at once is believed after a second look.
func etcdEmptied(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	server.Put("/a/1", "one", "/a/2", "two")
	s := newSite(t, wconf, stampSettings, listTemplate, onEtcd(server.Endpoint)...)
	s.start(listed)
	s.becomes("out", "begin\none\ntwo\nend\n", soon)
	s.reloaded("begin\none\ntwo\nend\n")
	began := time.Now()
	deletePrefix(server, "/a/")
	s.becomes("out", "begin\nend\n", soon)
	if took := time.Since(began); took < time.Second {
		t.Errorf("it was believed after %v", took)
	}
	s.says("a prefix lost all of its keys")
	s.reloaded("begin\none\ntwo\nend\n", "begin\nend\n")
}

// Keys that are away for a moment only never empty the file.
func etcdEmptiedBriefly(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	net := etcdtest.NewProxy(t, server.Endpoint)
	server.Put("/a/1", "one")
	s := newSite(t, wconf, stampSettings, listTemplate, onEtcd(net.Endpoint)...)
	s.start(func(text string) bool { return listed(text) && text != "begin\nend\n" })
	s.becomes("out", "begin\none\nend\n", soon)
	s.reloaded("begin\none\nend\n")
	net.Hole() // however long this test takes for both, they come one after the other
	deletePrefix(server, "/a/")
	server.Put("/a/1", "two")
	net.Pass()
	s.becomes("out", "begin\ntwo\nend\n", soon)
	s.reloaded("begin\none\nend\n", "begin\ntwo\nend\n")
}

// With allow_empty there is no second look.
func etcdMayEmpty(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	server.Put("/a/1", "one")
	s := newSite(t, wconf, "allow_empty = true\n"+stampSettings, listTemplate, onEtcd(server.Endpoint)...)
	s.start(listed)
	s.becomes("out", "begin\none\nend\n", soon)
	s.reloaded("begin\none\nend\n")
	deletePrefix(server, "/a/")
	s.becomes("out", "begin\nend\n", soon)
	s.reloaded("begin\none\nend\n", "begin\nend\n")
	if strings.Contains(s.text("log"), "lost all of its keys") {
		t.Error("the store was looked at twice")
	}
}

// As long as one resource below a prefix minds, there is a second look.
func etcdMayNotEmpty(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	server.Put("/a/1", "one")
	s := newSite(t, wconf, "allow_empty = true\n"+stampSettings, listTemplate, onEtcd(server.Endpoint)...)
	s.file("conf.d/other.toml", "[template]\nsrc = \"app.tmpl\"\ndest = \"other\"\nkeys = [\"/a/1\"]\n")
	s.start(listed)
	s.becomes("out", "begin\none\nend\n", soon)
	s.reloaded("begin\none\nend\n")
	deletePrefix(server, "/a/")
	s.becomes("out", "begin\nend\n", soon)
	s.says("a prefix lost all of its keys")
}

func etcdLeaderKilled(t *testing.T, wconf string) {
	members := etcdtest.Cluster(t, 3)
	endpoints := []string{members[0].Endpoint, members[1].Endpoint, members[2].Endpoint}
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	put := func(stamp int) {
		var err error
		if !needs.Await(soon, func() bool {
			ctx, stop := context.WithTimeout(t.Context(), 2*time.Second)
			defer stop()
			_, err = client.Put(ctx, "/a/stamp", fmt.Sprint(stamp))
			return err == nil
		}) {
			t.Fatal(err)
		}
	}
	put(1)
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(endpoints...)...)
	s.start(stamped)
	s.becomes("out", stampText(1), soon)
	s.reloaded(stampText(1))
	for stamp := 2; stamp <= 200; stamp++ {
		if put(stamp); stamp == 100 {
			leaderOf(t, members).Kill()
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.becomes("out", stampText(200), soon)
	last := 0
	for _, line := range s.reloads() {
		var stamp int
		if fmt.Sscanf(line, "stamp %d", &stamp); stamp < last {
			t.Errorf("reloaded %d after %d", stamp, last)
		}
		last = stamp
	}
	s.oncePerWrite()
}

func leaderOf(t *testing.T, members []*etcdtest.Server) *etcdtest.Server {
	for _, m := range members {
		if status, err := m.Client().Status(t.Context(), m.Endpoint); err == nil && status.Leader == status.Header.MemberId {
			return m
		}
	}
	t.Fatal("there is no leader")
	return nil
}

func etcdFrozen(t *testing.T, wconf string) {
	members := etcdtest.Cluster(t, 3)
	members[0].Put("/a/stamp", "1")
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(members[0].Endpoint, members[1].Endpoint, members[2].Endpoint)...)
	s.start(stamped)
	s.becomes("out", stampText(1), soon)
	s.reloaded(stampText(1))
	for i := range members {
		members[i].Pause()
		other := members[(i+1)%3]
		other.Await()
		other.Put("/a/stamp", fmt.Sprint(i+2))
		s.becomes("out", stampText(i+2), 30*time.Second)
		members[i].Resume()
		members[i].Await()
	}
	s.reloaded(stampText(1), stampText(2), stampText(3), stampText(4))
}

func etcdCompactedWhileListed(t *testing.T, wconf string) {
	server := etcdtest.Start(t)
	for i := range 60 {
		var ops []clientv3.Op
		for j := range 100 {
			ops = append(ops, clientv3.OpPut(fmt.Sprintf("/a/list/%04d", 100*i+j), strings.Repeat("x", 2000)))
		}
		server.Txn(ops...)
	}
	write := func(stamp int) {
		value := fmt.Sprint(stamp)
		server.Txn(clientv3.OpPut("/a/first", value), clientv3.OpPut("/a/last", value))
	}
	write(0)
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 1; ; i++ {
			select {
			case <-stopped:
				return
			default:
			}
			write(i)
			server.Compact(0)
		}
	}()
	defer func() { close(stopped); <-ended }()
	s := newSite(t, wconf, "keys = [\"/a\"]\n", `{{getv "/a/first"}} {{len (gets "/a/list/*")}} {{getv "/a/last"}}`, onEtcd(server.Endpoint)...)
	for range 10 {
		o := s.run("-onetime")
		var first, n, last int
		if fmt.Sscan(s.text("out"), &first, &n, &last); o.code != 0 || first != last || n != 6000 {
			t.Fatalf("exit %d: %q %s", o.code, s.text("out"), o.output)
		}
	}
}

func etcdTokens(t *testing.T, wconf string) {
	server := etcdtest.Start(t, "--auth-token=simple", "--auth-token-ttl=3")
	net := etcdtest.NewProxy(t, server.Endpoint)
	server.Put("/a/stamp", "1")
	client := server.Client()
	for _, err := range []error{
		second(client.RoleAdd(t.Context(), "root")), second(client.UserAdd(t.Context(), "root", "secret")),
		second(client.UserGrantRole(t.Context(), "root", "root")), second(client.AuthEnable(t.Context())),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	knows, err := clientv3.New(clientv3.Config{Endpoints: []string{server.Endpoint}, Username: "root", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer knows.Close()
	s := newSite(t, wconf, stampSettings, stampTemplate, onEtcd(net.Endpoint)...)
	s.file("confd.toml", "basic_auth = true\nusername = \"root\"\npassword = \"secret\"\n")
	s.start(stamped)
	for stamp := 1; stamp <= 3; stamp++ {
		if _, err := knows.Put(t.Context(), "/a/stamp", fmt.Sprint(stamp)); err != nil {
			t.Fatal(err)
		}
		s.becomes("out", stampText(stamp), soon)
		time.Sleep(4 * time.Second)
		net.Cut()
	}
	s.reloaded(stampText(1), stampText(2), stampText(3))
}

func second[T any](_ T, err error) error { return err }
