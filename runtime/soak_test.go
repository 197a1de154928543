package runtime_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wconf/wconf/guests"
	"github.com/wconf/wconf/runtime/backend/etcd/etcdtest"
	"github.com/wconf/wconf/runtime/metadata"
	"github.com/wconf/wconf/runtime/needs"
)

// TestSoak lets a real wconf follow a real store through random writes,
// restarts and pauses of the store, kills of wconf and reloads that fail.
// Meanwhile readers look for torn files and for keys of one transaction that
// were seen apart. In the end every file must be what the last state renders,
// and the last reload of each must have seen it.
//
// It runs for a few seconds, under `make check` for a minute; the seed is in
// the log, and WCONF_SEED repeats it.
func TestSoak(t *testing.T) {
	t.Run("etcd", func(t *testing.T) { soakOn(t, &etcdStore{Server: etcdtest.Start(t)}) })
	t.Run("rancher", func(t *testing.T) { soakOn(t, newMetadataStore(t)) })
}

func soakOn(t *testing.T, store soakStore) {
	length, seed := 6*time.Second, uint64(2)
	if os.Getenv("WCONF_CHECK") != "" {
		length, seed = time.Minute, uint64(time.Now().UnixNano())
	}
	if s := os.Getenv("WCONF_SEED"); s != "" {
		fmt.Sscan(s, &seed)
	}
	t.Logf("WCONF_SEED=%d", seed)
	s := newSoak(t, seed, store)
	s.start()
	readers, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, r := range soakResources {
		all.Go(func() { s.read(readers, r.name) })
	}
	for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); {
		s.write()
		if s.rnd.IntN(25) == 0 {
			s.fault()
		}
		time.Sleep(time.Duration(s.rnd.IntN(20)) * time.Millisecond)
	}
	os.Remove(s.path("reloads-fail"))
	s.converge()
	stop()
	all.Wait()
	t.Logf("%d writes, faults %v, %d reads", s.writes, s.faults, s.reads)
}

// soakResource is a resource of the soak, and what its file must hold.
type soakResource struct {
	name, settings, template string
	want                     func(keys map[string]string) string
}

var soakResources = []soakResource{
	{"plain", `keys = ["/a", "/b"]`, `begin {{getv "/a/stamp"}}
{{range gets "/a/list/*"}}{{.Key}}={{.Value}}
{{end}}{{getv "/b/stamp"}} end {{getv "/a/stamp"}}
`, wantPlain},
	{"checked", `keys = ["/a", "/b"]
check_cmd  = "grep -q end {{.src}}"
reload_cmd = "./reload checked"`, `begin {{getv "/a/stamp"}}
{{range gets "/a/list/*"}}{{.Key}}={{.Value}}
{{end}}{{getv "/b/stamp"}} end {{getv "/a/stamp"}}
`, wantPlain},
	{"gated", `keys = ["/a/stamp"]
reload_cmd  = "./reload gated"
reload_when = 'settled("200ms") || waited("1s")'`, `begin {{getv "/a/stamp"}}
end {{getv "/a/stamp"}}
`, func(keys map[string]string) string {
		return fmt.Sprintf("begin %[1]s\nend %[1]s\n", keys["/a/stamp"])
	}},
	{"names", `keys = ["/a"]
reload_cmd = "./reload names"`, `begin
{{range ls "/a/list"}}{{.}}
{{end}}{{if exists "/a/list/3"}}three {{end}}end
`, func(keys map[string]string) string {
		out := "begin\n"
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			if name, ok := strings.CutPrefix(k, "/a/list/"); ok {
				out += name + "\n"
			}
		}
		if _, ok := keys["/a/list/3"]; ok {
			out += "three "
		}
		return out + "end\n"
	}},
	{"guest", `keys = ["/nginx", "/services"]
reload_cmd = "./reload guest"`, "", func(keys map[string]string) string {
		return fmt.Sprintf("upstream %[1]s {\n    server h:1 weight=1;\n}\n\nserver {\n    listen 80;\n    server_name n;\n    location / {\n        proxy_pass http://%[1]s;\n    }\n}\n", keys["/nginx/upstream"])
	}},
}

func wantPlain(keys map[string]string) string {
	out := "begin " + keys["/a/stamp"] + "\n"
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if strings.HasPrefix(k, "/a/list/") {
			out += k + "=" + keys[k] + "\n"
		}
	}
	return out + keys["/b/stamp"] + " end " + keys["/a/stamp"] + "\n"
}

type soak struct {
	t     *testing.T
	rnd   *rand.Rand
	dir   string
	wconf string
	store soakStore

	daemon *exec.Cmd
	keys   map[string]string // what the store holds
	writes int
	faults map[string]int

	mu    sync.Mutex
	reads int
}

// soakStore is a store that can be written, and hurt.
type soakStore interface {
	flags() []string
	write(t *testing.T, puts map[string]string, deletes []string) // at once
	faults(rnd *rand.Rand) map[string]func()
}

func newSoak(t *testing.T, seed uint64, store soakStore) *soak {
	s := &soak{t: t, store: store, rnd: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(), faults: map[string]int{}, keys: map[string]string{
		"/a/stamp": "0", "/b/stamp": "0", "/nginx/upstream": "u0", "/nginx/listen": "80", "/nginx/server_name": "n",
		"/services/web/1/host": "h", "/services/web/1/port": "1", "/services/web/1/weight": "1",
	}}
	s.wconf = buildWconf(t)
	store.write(t, s.keys, nil)
	for _, dir := range []string{"conf.d", "templates", "out"} {
		s.must(os.MkdirAll(s.path(dir), 0o755))
	}
	for _, r := range soakResources {
		src := r.name + ".tmpl"
		if text := []byte(r.template); r.template == "" {
			src = r.name + ".wasm"
			s.must(os.WriteFile(s.path("templates/"+src), guests.Nginx, 0o644))
		} else {
			s.must(os.WriteFile(s.path("templates/"+src), text, 0o644))
		}
		toml := fmt.Sprintf("[template]\nsrc = %q\ndest = \"out/%s\"\n%s\n", src, r.name, r.settings)
		s.must(os.WriteFile(s.path("conf.d/"+r.name+".toml"), []byte(toml), 0o644))
	}
	// A reload writes down what it loads; one of three fails while it may.
	s.must(os.WriteFile(s.path("reload"), []byte(`#!/bin/sh
if [ -e reloads-fail ] && [ $(( $(od -An -N1 -tu1 /dev/urandom) % 3 )) -eq 0 ]; then exit 1; fi
sha256sum < "out/$1" > "loaded-$1.$$" && mv "loaded-$1.$$" "loaded-$1"
`), 0o755))
	s.must(os.WriteFile(s.path("reloads-fail"), nil, 0o644))
	return s
}

// buildWconf builds the program from this tree.
func buildWconf(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "wconf")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/wconf/wconf/cmd/wconf").CombinedOutput(); err != nil {
		t.Fatalf("build wconf: %v\n%s", err, out)
	}
	return path
}

func (s *soak) path(name string) string { return filepath.Join(s.dir, name) }

func (s *soak) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *soak) start() {
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	s.must(err)
	defer log.Close()
	s.daemon = exec.Command(s.wconf, append(s.store.flags(), "-watch", "-confdir", ".", "-state-dir", "state", "-interval", "2")...)
	s.daemon.Dir, s.daemon.Stderr = s.dir, log
	s.must(s.daemon.Start())
	s.t.Cleanup(func() { s.daemon.Process.Kill(); s.daemon.Wait() }) // before its directory is removed
}

// write is one transaction: both stamps, and some of the list.
func (s *soak) write() {
	s.writes++
	stamp := fmt.Sprint(s.writes)
	puts, deletes := map[string]string{"/a/stamp": stamp, "/b/stamp": stamp}, []string(nil)
	item := fmt.Sprintf("/a/list/%d", s.rnd.IntN(8))
	if s.rnd.IntN(3) == 0 {
		deletes = []string{item}
	} else {
		puts[item] = stamp
	}
	if s.rnd.IntN(4) == 0 {
		puts["/nginx/upstream"] = "u" + stamp
	}
	s.store.write(s.t, puts, deletes)
	maps.Copy(s.keys, puts)
	for _, k := range deletes {
		delete(s.keys, k)
	}
}

func (s *soak) fault() {
	faults := s.store.faults(s.rnd)
	faults["kill wconf"] = func() { s.daemon.Process.Kill(); s.daemon.Wait(); s.start() }
	name := slices.Sorted(maps.Keys(faults))[s.rnd.IntN(len(faults))]
	s.faults[name]++
	faults[name]()
}

// etcdStore is a real etcd.
type etcdStore struct{ *etcdtest.Server }

func (e *etcdStore) flags() []string { return []string{"-backend", "etcd", "-node", e.Endpoint} }

func (e *etcdStore) write(_ *testing.T, puts map[string]string, deletes []string) {
	var ops []clientv3.Op
	for k, v := range puts {
		ops = append(ops, clientv3.OpPut(k, v))
	}
	for _, k := range deletes {
		ops = append(ops, clientv3.OpDelete(k))
	}
	e.Txn(ops...)
}

func (e *etcdStore) faults(rnd *rand.Rand) map[string]func() {
	return map[string]func(){
		"restart etcd": func() { e.Kill(); e.Launch(); e.Await() },
		"pause etcd": func() {
			e.Pause()
			time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
			e.Resume()
		},
		"compact": func() { e.Compact(e.Revision()) },
	}
}

// metadataStore is the rancher-metadata server of this repository.
type metadataStore struct {
	t       *testing.T
	answers string
	keys    map[string]string
	version int
	addr    string
	server  *metadata.Server
	stop    func()
}

func newMetadataStore(t *testing.T) *metadataStore {
	m := &metadataStore{t: t, answers: filepath.Join(t.TempDir(), "answers.json"), keys: map[string]string{}, addr: etcdtest.FreeAddress(t)}
	m.write(t, nil, nil)
	m.launch(t)
	t.Cleanup(func() { m.stop() })
	return m
}

func (m *metadataStore) launch(t *testing.T) {
	m.server = metadata.New(metadata.Options{Answers: m.answers, Listen: m.addr})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.server.Run(ctx) }()
	select {
	case <-m.server.Ready():
	case err := <-ended:
		t.Fatal(err)
	}
	m.addr = m.server.Addr().String()
	m.stop = func() { stop(); <-ended }
}

func (m *metadataStore) flags() []string {
	return []string{"-backend", "rancher", "-node", m.addr, "-prefix", "/latest"}
}

func (m *metadataStore) write(t *testing.T, puts map[string]string, deletes []string) {
	maps.Copy(m.keys, puts)
	for _, k := range deletes {
		delete(m.keys, k)
	}
	m.version++
	tree := map[string]any{"version": fmt.Sprint(m.version)}
	for k, v := range m.keys {
		at := tree
		names := strings.Split(k[1:], "/")
		for _, name := range names[:len(names)-1] {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at = at[name].(map[string]any)
		}
		at[names[len(names)-1]] = v
	}
	text, err := json.Marshal(map[string]any{"latest": map[string]any{"default": tree}})
	if err == nil {
		err = os.WriteFile(m.answers, text, 0o644)
	}
	if err == nil && m.server != nil {
		err = m.server.Reload()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (m *metadataStore) faults(rnd *rand.Rand) map[string]func() {
	return map[string]func(){
		"restart the server": func() {
			m.stop()
			time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
			m.launch(m.t)
		},
	}
}

// read looks at a file again and again: it must always be one whole render.
func (s *soak) read(ctx context.Context, name string) {
	for ctx.Err() == nil {
		text, err := os.ReadFile(s.path("out/" + name))
		if err == nil && !whole(name, string(text)) {
			s.t.Errorf("%s was torn:\n%s", name, text)
			return
		}
		s.mu.Lock()
		s.reads++
		s.mu.Unlock()
		time.Sleep(200 * time.Microsecond)
	}
}

func whole(name, text string) bool {
	if name == "guest" {
		return strings.HasPrefix(text, "upstream u") && strings.HasSuffix(text, ";\n    }\n}\n")
	}
	var begin, other, end string
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	fmt.Sscanf(lines[0], "begin %s", &begin)
	last := lines[len(lines)-1]
	switch name {
	case "plain", "checked":
		fmt.Sscanf(last, "%s end %s", &other, &end)
		return begin != "" && begin == other && other == end // the stamps of one transaction
	case "gated":
		fmt.Sscanf(last, "end %s", &end)
		return begin != "" && begin == end
	}
	return lines[0] == "begin" && strings.HasSuffix(last, "end")
}

// converge waits until every file is what the last state renders and its
// service has loaded it, and then for a while for needless reloads.
func (s *soak) converge() {
	s.t.Helper()
	var behind []string
	if !needs.Await(25*time.Second, func() bool { behind = s.behind(); return len(behind) == 0 }) {
		log, _ := os.ReadFile(s.path("log"))
		s.t.Fatalf("not converged: %q\n%s", behind, log[max(0, len(log)-6000):])
	}
	// A wconf that was killed while its reload ran leaves the reload running and
	// owes it all the same: the next one reloads once more.
	before, after := s.loads(), map[string]time.Time(nil)
	for range 2 {
		time.Sleep(2500 * time.Millisecond)
		if after = s.loads(); maps.Equal(before, after) {
			return
		}
		before, after = after, before
	}
	s.t.Errorf("reloads without a change and without an end: %v, then %v", after, before)
}

// behind says what is not yet as the last state wants it.
func (s *soak) behind() (all []string) {
	for _, r := range soakResources {
		text, _ := os.ReadFile(s.path("out/" + r.name))
		loaded, _ := os.ReadFile(s.path("loaded-" + r.name))
		if want := r.want(s.keys); string(text) != want {
			all = append(all, fmt.Sprintf("%s holds %q, want %q", r.name, text, want))
		} else if sum := fmt.Sprintf("%x", sha256.Sum256(text)); r.name != "plain" && !strings.HasPrefix(string(loaded), sum) {
			all = append(all, r.name+" is not loaded")
		}
	}
	return all
}

func (s *soak) loads() map[string]time.Time {
	all := map[string]time.Time{}
	for _, r := range soakResources {
		if info, err := os.Stat(s.path("loaded-" + r.name)); err == nil {
			all[r.name] = info.ModTime()
		}
	}
	return all
}
