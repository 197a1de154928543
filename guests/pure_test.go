package guests_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// outcome is all that a guest leaves: what it wrote or failed with, and its fuel.
type outcome struct {
	output, failed string
	fuel           uint64
	world          bool // it asked for more than keys and parameters
}

// every committed guest in each of its roles, and the script, by "file role".
func everyGuest(t *testing.T, o wasm.Options, keys *kv.Snapshot) map[string]outcome {
	t.Helper()
	r, err := wasm.NewRuntime(o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]outcome{}
	files, err := filepath.Glob("*/*.wasm")
	if err != nil || len(files) < 12 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		m, err := r.Load(t.Context(), filepath.Base(file), read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		roles := m.Inspect().Exports
		if m.Inspect().Kind == wasm.Command {
			roles = []string{string(guest.Renderer)}
		}
		for _, role := range roles {
			all[file+" "+role] = inRole(t, m, guest.Role(role), keys)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	all["nginx-js/nginx.js render"] = playScript(t, r, keys)
	return all
}

func inRole(t *testing.T, m *wasm.Module, role guest.Role, keys *kv.Snapshot) (out outcome) {
	t.Helper()
	v := kv.NewView(keys, kv.NewScope("", []string{"/"}))
	g, err := guest.New(m, guest.Options{
		Role: role, Name: "pure", Dest: "/etc/pure", Limits: wasm.Limits{Fuel: 10_000_000, Time: time.Minute},
		Stats: func(s wasm.Stats) { out.fuel = s.Fuel },
	})
	if err != nil {
		t.Fatal(err)
	}
	var content []byte
	switch input := []byte("a b\nlonger c\na d\n"); role {
	case guest.Filter:
		content, err = g.Filter(t.Context(), v, input)
	case guest.Checker:
		err = g.Check(t.Context(), v, input)
	case guest.Functions:
		content, err = callAll(t, g, v)
	default:
		content, err = g.Render(t.Context(), v)
	}
	out.output, out.world = string(content), len(v.Reads().World()) > 0
	if err != nil {
		out.failed = err.Error()
	}
	return out
}

// callAll calls every function of a guest, with numbers.
func callAll(t *testing.T, g *guest.Guest, v *kv.View) ([]byte, error) {
	t.Helper()
	calls, err := g.Open(t.Context(), v)
	if err != nil {
		return nil, err
	}
	defer calls.Close()
	var all bytes.Buffer
	names := g.Names()
	for _, name := range []string{"cidrhost", "cidrnetmask", "cidrcontains", "join"} {
		if _, ok := names[name]; !ok {
			continue
		}
		got, err := calls.Call(t.Context(), name, []string{"10.0.0.0/8", "3"}[:names[name]])
		fmt.Fprintf(&all, "%s %s %v\n", name, got, err)
	}
	return all.Bytes(), nil
}

func playScript(t *testing.T, r *wasm.Runtime, keys *kv.Snapshot) (out outcome) {
	t.Helper()
	m, err := script.Load(t.Context(), r, "nginx.js")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v := kv.NewView(keys, kv.NewScope("", []string{"/"}))
	s, err := script.New(t.Context(), m, read(t, "nginx-js/nginx.js"), script.Options{
		File: "nginx.js", Limits: wasm.Limits{Time: time.Minute}, Stats: func(s wasm.Stats) { out.fuel = s.Fuel },
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := s.Render(t.Context(), v)
	out.output = string(content)
	if err != nil {
		out.failed = err.Error()
	}
	return out
}

// What a guest writes, and its fuel, is a function of module, parameters and
// keys: not of the environment, the time zone, the directory, the time, the
// number of cores, machine code or interpreter, nor of how often keys changed
// before.
func TestGuestsSeeNothingOfTheHost(t *testing.T) {
	flat := map[string]string{
		"/tck/a": "1", "/tck/b": "0", "/tck/empty": "", "/tck/dir/x": "x", "/tck/huge": "hhh",
	}
	for _, file := range []string{"nginx", "haproxy", "galera", "env", "targets-keys"} {
		if err := json.Unmarshal(read(t, "testdata/"+file+".json"), &flat); err != nil {
			t.Fatal(err)
		}
	}
	var pairs []kv.Pair
	for k, v := range flat {
		pairs = append(pairs, kv.Pair{Key: k, Value: v})
	}
	once := kv.NewSnapshot(pairs)
	later, _ := once.Apply([]kv.Pair{{Key: "/other", Value: "1"}}, nil)
	later, _ = later.Apply(nil, []string{"/other"})
	if once.Gen() == later.Gen() {
		t.Fatal("the snapshots have one revision")
	}

	here := everyGuest(t, wasm.Options{}, once)

	t.Setenv("TZ", "Pacific/Auckland")
	t.Setenv("LANG", "tr_TR.UTF-8")
	t.Setenv("HOME", "/elsewhere")
	t.Setenv("WCONF_FUEL", "1")
	local, cores := time.Local, goruntime.GOMAXPROCS(1)
	time.Local = time.FixedZone("elsewhere", 13*3600)
	defer func() { time.Local = local; goruntime.GOMAXPROCS(cores) }()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	there := everyGuest(t, wasm.Options{Interpreter: true}, later)

	for name, a := range here {
		if a.world {
			t.Errorf("%s looks at more than keys", name)
		}
		if b := there[name]; a != b {
			t.Errorf("%s:\nhere  %.300v\nthere %.300v", name, a, b)
		}
		if a.fuel == 0 {
			t.Errorf("%s took no fuel", name)
		}
	}
	if len(here) != len(there) {
		t.Errorf("%d and %d guests", len(here), len(there))
	}
}
