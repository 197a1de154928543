package rancher

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
	server "github.com/wconf/wconf/runtime/metadata"
	"github.com/wconf/wconf/runtime/needs"
)

// answers are what a server of the old form loads: two clients, and one of
// every awkward value.
const answers = `
'2015-12-19':
  default: &d
    version: 'q-VERSION'
    self: {host: {name: h}}
    scalars: {str: hello, empty: '', numstr: '007', big: 12345678901, huge: 12345678901234567890, max53: 9007199254740993,
      float: 2.5, whole: 3.0, tiny: 0.0000001, exp: 1e21, t: true, f: false, nul: null, unicode: 'héllo 世界 <&>'}
    collections:
      emptymap: {}
      emptylist: []
      mixed: [1, two, 3.5, true, null, [x, z], {k: v}, {name: named, k: v}, {uuid: 0f1e, k: v}, {}]
      named: [{name: alpha, v: 1}, {name: beta, v: 2}, {name: alpha, v: 3}]
    keys: {'sla/sh': {sub: key}, 'sp ace': s, 'pl+us': p, 'per%20cent': pc, 'ünï': u, 'q?m': q, 'ha#sh': h}
  '10.42.0.9':
    self: {host: {name: h}, container: {name: nine}}
`

// serve serves answers, and returns a backend of one of its clients and a way
// to load other answers.
func serve(t *testing.T, version string, c backend.Config) (m *metadata, load func(version string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "answers.yml")
	s := server.New(server.Options{Answers: path, XFF: true})
	load = func(version string) {
		t.Helper()
		err := os.WriteFile(path, []byte(strings.ReplaceAll(answers, "VERSION", version)), 0o644)
		if err := errors.Join(err, s.Reload()); err != nil {
			t.Fatal(err)
		}
	}
	load(version)
	return opened(t, s.Handler(), c), load
}

func TestRealAnswers(t *testing.T) {
	m, _ := serve(t, "1", backend.Config{Identity: "10.42.0.9", NullAsText: true})
	for prefix, want := range map[string]string{
		"/2015-12-19/self":                    "/2015-12-19/self/container/name=nine /2015-12-19/self/host/name=h",
		"/2015-12-19/version":                 "/2015-12-19/version=q-1",
		"/2015-12-19/scalars/empty":           "/2015-12-19/scalars/empty=",
		"/2015-12-19/collections/emptymap":    "",
		"/2015-12-19/collections/alpha":       "",
		"/2015-12-19/collections/named/beta":  "/2015-12-19/collections/named/beta/name=beta /2015-12-19/collections/named/beta/v=2",
		"/2015-12-19/keys/sp ace":             "/2015-12-19/keys/sp ace=s",
		"/2015-12-19/keys/pl+us":              "/2015-12-19/keys/pl+us=p",
		"/2015-12-19/keys/per%20cent":         "/2015-12-19/keys/per%20cent=pc",
		"/2015-12-19/keys/q?m":                "/2015-12-19/keys/q?m=q",
		"/2015-12-19/keys/ha#sh":              "/2015-12-19/keys/ha#sh=h",
		"/2015-12-19/keys/ünï":                "/2015-12-19/keys/ünï=u",
		"/nowhere/self":                       "",
		"/2015-12-19/scalars/str/not/a/level": "",
	} {
		m.started = time.Now().Add(-time.Hour) // nothing is awaited
		if got := listed(t, m, prefix); got != want {
			t.Errorf("%s:\n got %s\nwant %s", prefix, got, want)
		}
	}
	all, err := m.List(t.Context(), []string{"/2015-12-19"})
	if err != nil {
		t.Fatal(err)
	}
	s := kv.NewSnapshot(all.Pairs)
	for key, want := range map[string]string{
		"/scalars/big": "12345678901", "/scalars/huge": "12345678901234567890", "/scalars/max53": "9007199254740993",
		"/scalars/float": "2.5", "/scalars/whole": "3", "/scalars/tiny": "0.0000001", "/scalars/exp": "1000000000000000000000",
		"/scalars/nul": "null", "/scalars/numstr": "007", "/scalars/unicode": "héllo 世界 <&>",
		"/collections/mixed/0": "1", "/collections/mixed/4": "null", "/collections/mixed/5/1": "z", "/collections/mixed/6/k": "v",
		"/collections/mixed/named/k": "v", "/collections/mixed/8/uuid": "0f1e", "/collections/named/alpha/v": "3", "/keys/sla/sh/sub": "key",
	} {
		if got, ok := s.Get("/2015-12-19" + key); !ok || got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
}

func TestReloadOfTheServerArrives(t *testing.T) {
	m, load := serve(t, "1", backend.Config{})
	prefixes := []string{"/latest/version"}
	l, err := m.List(t.Context(), prefixes)
	if err != nil {
		t.Fatal(err)
	}
	load("2") // between List and Watch
	out, ended := make(chan backend.Batch), make(chan error, 1)
	go func() { ended <- m.Watch(t.Context(), prefixes, l.Cursor, out) }()
	for _, version := range []string{"2", "3", "1"} {
		if version != "2" {
			load(version)
		}
		for got := ""; got != "/latest/version=q-"+version; {
			select {
			case b := <-out:
				if len(b.Puts) > 0 {
					got = words(b.Puts)
				}
			case err := <-ended:
				t.Fatalf("Watch ended: %v", err)
			case <-needs.Patience(10 * time.Second):
				t.Fatalf("version %s did not arrive", version)
			}
		}
	}
	m.Close()
	if err := <-ended; !errors.Is(err, backend.ErrClosed) {
		t.Errorf("Watch ended with %v", err)
	}
}
