package guests_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/wasm"
)

// What a guest writes, and its fuel, is a function of module, parameters and
// keys: not of the environment, the time zone, the directory, the clock, the
// number of cores, machine code or interpreter, nor of how often keys changed
// before.
func TestGuestsSeeNothingOfTheHost(t *testing.T) {
	all, once := everySubject(t), keysOfAll(t)
	later, _ := once.Apply([]kv.Pair{{Key: "/other", Value: "1"}}, nil)
	later, _ = later.Apply(nil, []string{"/other"})
	if once.Gen() == later.Gen() {
		t.Fatal("the snapshots have one revision")
	}
	here := outcomes(t, wasm.Options{}, all, once)
	if world := here["world.wasm render"].output; !strings.HasPrefix(world, "now 2026-01-01T00:00:00") || !strings.Contains(world, "environment []\n") {
		t.Errorf("the world of a guest is\n%s", world)
	}

	t.Setenv("TZ", "Pacific/Auckland")
	t.Setenv("LANG", "tr_TR.UTF-8")
	t.Setenv("HOME", "/elsewhere")
	t.Setenv("GOGC", "20")
	t.Setenv("WCONF_FUEL", "1")
	t.Chdir(t.TempDir())
	local, cores := time.Local, goruntime.GOMAXPROCS(1)
	time.Local = time.FixedZone("elsewhere", 13*3600)
	defer func() { time.Local = local; goruntime.GOMAXPROCS(cores) }()
	compare(t, "in the interpreter", here, outcomes(t, wasm.Options{Interpreter: true}, all, later))
	synctest.Test(t, func(t *testing.T) { // whose clock stands in the year 2000
		compare(t, "in another year", here, outcomes(t, wasm.Options{}, all, later))
	})
	for name, o := range here {
		if o.world {
			t.Errorf("%s looks at more than keys", name)
		}
		if o.fuel == 0 {
			t.Errorf("%s took no fuel", name)
		}
	}
}

// outcome is all that a guest leaves: what it wrote or failed with, and its fuel.
type outcome struct {
	output, failed string
	fuel           uint64
	world          bool // it asked for more than keys and parameters
}

func compare(t *testing.T, where string, here, there map[string]outcome) {
	t.Helper()
	if len(here) != len(there) {
		t.Errorf("%s: %d guests, not %d", where, len(there), len(here))
	}
	for name, want := range here {
		if got := there[name]; got != want {
			t.Errorf("%s, %s:\ngot  %.300v\nwant %.300v", name, where, got, want)
		}
	}
}

// subject is a guest, or a script for one role.
type subject struct {
	name string
	text []byte
	role guest.Role // of a script
}

// everySubject is every committed guest, those of Go, and scripts in each role.
func everySubject(t *testing.T) (all []subject) {
	t.Helper()
	files, err := filepath.Glob("*/*.wasm")
	if err != nil || len(files) < 12 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		all = append(all, subject{name: file, text: read(t, file)})
	}
	for name, dir := range map[string]string{"world.wasm": "tck/world-go", "nginx-go.wasm": "nginx-go"} {
		all = append(all, subject{name: name, text: read(t, buildGo(t, dir))})
	}
	const scripts = "../examples/script-roles/templates/"
	for file, role := range map[string]guest.Role{
		"nginx-js/nginx.js": guest.Renderer, scripts + "net.js": guest.Functions, scripts + "align.js": guest.Filter, scripts + "unique.js": guest.Checker,
	} {
		all = append(all, subject{filepath.Base(file), read(t, file), role})
	}
	return all
}

// keysOfAll are keys that all of them find something in.
func keysOfAll(t *testing.T) *kv.Snapshot {
	t.Helper()
	flat := map[string]string{"/tck/a": "1", "/tck/b": "0", "/tck/empty": "", "/tck/dir/x": "x", "/tck/huge": "hhh"}
	for _, file := range []string{"nginx", "haproxy", "galera", "env", "targets-keys"} {
		if err := json.Unmarshal(read(t, "testdata/"+file+".json"), &flat); err != nil {
			t.Fatal(err)
		}
	}
	var pairs []kv.Pair
	for k, v := range flat {
		pairs = append(pairs, kv.Pair{Key: k, Value: v})
	}
	return kv.NewSnapshot(pairs)
}

// outcomes runs everything in each of its roles, by "name role".
func outcomes(t *testing.T, o wasm.Options, subjects []subject, keys *kv.Snapshot) map[string]outcome {
	t.Helper()
	r, err := wasm.NewRuntime(o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := map[string]outcome{}
	for _, s := range subjects {
		load := r.Load
		if s.role != "" {
			load = func(ctx context.Context, name string, _ []byte) (*wasm.Module, error) {
				return script.Load(ctx, r, name)
			}
		}
		m, err := load(t.Context(), filepath.Base(s.name), s.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range s.roles(m) {
			all[s.name+" "+string(role)] = s.in(t, role, m, keys)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	return all
}

func (s subject) roles(m *wasm.Module) (roles []guest.Role) {
	switch about := m.Inspect(); {
	case s.role != "":
		return []guest.Role{s.role}
	case about.Kind == wasm.Command:
		return []guest.Role{guest.Renderer}
	default:
		for _, export := range about.Exports {
			roles = append(roles, guest.Role(export))
		}
		return roles
	}
}

// worker is what guests and scripts have in common.
type worker interface {
	render.Renderer
	render.Filter
	render.Checker
	render.Functions
}

func (s subject) in(t *testing.T, role guest.Role, m *wasm.Module, keys *kv.Snapshot) (out outcome) {
	t.Helper()
	limits := wasm.Limits{Fuel: 50_000_000, Time: time.Minute}
	stats := func(s wasm.Stats) { out.fuel = s.Fuel }
	var (
		w   worker
		err error
	)
	if s.role != "" {
		w, err = script.New(t.Context(), m, s.text, script.Options{Role: role, File: s.name, Name: "pure", Dest: "/etc/pure", Limits: limits, Stats: stats})
	} else {
		w, err = guest.New(m, guest.Options{Role: role, Name: "pure", Dest: "/etc/pure", Limits: limits, Stats: stats})
	}
	if err != nil {
		t.Fatal(err)
	}
	var content []byte
	v := kv.NewView(keys, kv.NewScope("", []string{"/"}))
	switch input := []byte("a b\nlonger c\na d\n"); role {
	case guest.Filter:
		content, err = w.Filter(t.Context(), v, input)
	case guest.Checker:
		err = w.Check(t.Context(), v, input)
	case guest.Functions:
		content, err = callAll(t, w, v)
	default:
		content, err = w.Render(t.Context(), v)
	}
	out.output, out.world = string(content), len(v.Reads().World()) > 0
	if err != nil {
		out.failed = err.Error()
	}
	return out
}

// callAll calls every function, with numbers.
func callAll(t *testing.T, f render.Functions, v *kv.View) ([]byte, error) {
	t.Helper()
	calls, err := f.Open(t.Context(), v)
	if err != nil {
		return nil, err
	}
	defer calls.Close()
	var all bytes.Buffer
	names := f.Names()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		got, err := calls.Call(t.Context(), name, []string{"10.0.0.0/8", "3"}[:names[name]])
		fmt.Fprintf(&all, "%s %s %v\n", name, got, err)
	}
	return all.Bytes(), nil
}
