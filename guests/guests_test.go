// Package guests_test runs every guest of this folder as a resource would: a
// fresh instance, vetted and within the default limits.
package guests_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/wasm"
)

// view shows the keys of a file to one render.
func view(t testing.TB, file string, keys ...string) *kv.View {
	t.Helper()
	var flat map[string]string
	if err := json.Unmarshal(read(t, file), &flat); err != nil {
		t.Fatal(err)
	}
	var pairs []kv.Pair
	for k, v := range flat {
		pairs = append(pairs, kv.Pair{Key: k, Value: v})
	}
	return kv.NewView(kv.NewSnapshot(pairs), kv.NewScope("", keys))
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newRuntime(t testing.TB) *wasm.Runtime {
	t.Helper()
	r, err := wasm.NewRuntime(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func load(t testing.TB, r *wasm.Runtime, file string, o guest.Options) *guest.Guest {
	t.Helper()
	m, err := r.Load(context.Background(), filepath.Base(file), read(t, file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	g, err := guest.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// buildGo builds a guest of this folder with the Go that runs the tests.
func buildGo(t testing.TB, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(dir)+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off", "CGO_ENABLED=0")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", dir, err, b)
	}
	return out
}

// parsed is the template that says the same as the guests, ready to execute.
func parsed(t testing.TB, v *kv.View) (render func() []byte) {
	t.Helper()
	tmpl := template.Must(template.New("nginx").Funcs(template.FuncMap{
		"getv": func(key string) string {
			value, _ := v.Get(key)
			return value
		},
		"ls": v.List,
	}).Parse(string(read(t, "nginx-template/nginx.conf.tmpl"))))
	return func() []byte {
		var b bytes.Buffer
		if err := tmpl.Execute(&b, nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
}

// The template and the guests in five languages write the same bytes.
func TestNginx(t *testing.T) {
	keys := []string{"/nginx", "/services/web"}
	want := string(read(t, "testdata/nginx.conf"))
	if got := string(parsed(t, view(t, "testdata/nginx.json", keys...))()); got != want {
		t.Errorf("template: got\n%s", got)
	}
	r := newRuntime(t)
	for name, c := range map[string]struct {
		file        string
		least, most uint64 // fuel: exact for modules that are committed
	}{
		"c":    {"nginx-c/nginx.wasm", 143_279, 143_279},
		"rust": {"nginx-rust/nginx.wasm", 377_946, 377_946},
		"zig":  {"nginx-zig/nginx.wasm", 181_385, 181_385},
		"as":   {"nginx-assemblyscript/nginx.wasm", 2_030_218, 2_030_218},
		"go":   {buildGo(t, "nginx-go"), 1_000_000, 50_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			g := load(t, r, c.file, guest.Options{Stats: func(s wasm.Stats) {
				if s.Fuel < c.least || s.Fuel > c.most {
					t.Errorf("%d units of fuel", s.Fuel)
				}
			}})
			v := view(t, "testdata/nginx.json", keys...)
			got, err := g.Render(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want {
				t.Errorf("got\n%s", got)
			}
			if r := v.Reads(); !r.TouchesAny([]kv.Change{{Key: "/services/web/51/host"}}) || r.TouchesAny([]kv.Change{{Key: "/other"}}) {
				t.Errorf("reads are wrong")
			}
		})
	}
}

// Renders side by side see only their own keys.
func TestParallel(t *testing.T) {
	g := load(t, newRuntime(t), "nginx-c/nginx.wasm", guest.Options{})
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for round := range 20 {
				name := fmt.Sprintf("upstream-%d-%d", n, round)
				v := kv.NewView(kv.NewSnapshot([]kv.Pair{
					{Key: "/nginx/upstream", Value: name}, {Key: "/nginx/listen", Value: "80"}, {Key: "/nginx/server_name", Value: name},
				}), kv.NewScope("", []string{"/"}))
				got, err := g.Render(t.Context(), v)
				if err != nil || strings.Count(string(got), name) != 3 || strings.Count(string(got), "upstream-") != 3 {
					t.Errorf("%s: got %s, %v", name, got, err)
				}
			}
		})
	}
	wg.Wait()
}

// The committed modules come from the committed sources.
func TestRebuild(t *testing.T) {
	needs.Check(t, "clang, lld, rustc and the packages of package.json")
	needs.Tool(t, "clang")
	needs.Tool(t, "wasm-ld")
	needs.Tool(t, "rustc")
	needs.Tool(t, "npm")
	out := t.TempDir()
	if b, err := exec.Command("make", "OUT="+out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	list, err := exec.Command("make", "-s", "modules").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range bytes.Fields(list) {
		built, committed := read(t, filepath.Join(out, string(module))), read(t, string(module))
		if !bytes.Equal(built, committed) {
			t.Errorf("%s: %d bytes are committed, %d were built, and they differ", module, len(committed), len(built))
		}
	}
}
