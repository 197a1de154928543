package guests_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/problem"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/guest"
)

// renderers are guests and the templates that write the same file.
var renderers = []struct {
	name, module, template string
	root                   string
	cases                  map[string]string // keys → file, below testdata
}{
	{"haproxy", "haproxy-rust/haproxy.wasm", "haproxy-rust/haproxy.tmpl", "/haproxy/backends",
		map[string]string{"haproxy.json": "haproxy.cfg"}},
	{"galera", "galera-c/galera.wasm", "galera-c/galera.cnf.tmpl", "/self",
		map[string]string{"galera.json": "galera.cnf", "galera-alone.json": "galera-alone.cnf"}},
	{"prometheus", "prometheus-rust/targets.wasm", "prometheus-rust/targets.tmpl", "/prometheus/jobs",
		map[string]string{"targets-keys.json": "targets.json"}},
	{"env", "env-c/env.wasm", "env-c/env.tmpl", "/env", map[string]string{"env.json": "env"}},
}

// Each guest and its template write the same bytes.
func TestRenderers(t *testing.T) {
	r := newRuntime(t)
	for _, c := range renderers {
		t.Run(c.name, func(t *testing.T) {
			g := load(t, r, c.module, guest.Options{})
			tmpl := compiled(t, c.template)
			for keys, want := range c.cases {
				of, ot := view(t, "testdata/"+keys, c.root), view(t, "testdata/"+keys, c.root)
				if got := rendered(t, g, of); got != string(read(t, "testdata/"+want)) {
					t.Errorf("guest, %s: got\n%s", keys, got)
				}
				if got := rendered(t, tmpl, ot); got != string(read(t, "testdata/"+want)) {
					t.Errorf("template, %s: got\n%s", keys, got)
				}
			}
		})
	}
}

// They agree also where a key is missing or empty: on the file, or in failing
// for that key.
func TestRenderersWithoutAKey(t *testing.T) {
	r := newRuntime(t)
	for _, c := range renderers {
		t.Run(c.name, func(t *testing.T) {
			g, tmpl := load(t, r, c.module, guest.Options{}), compiled(t, c.template)
			for keys := range c.cases {
				for what, snapshot := range damaged(t, "testdata/"+keys) {
					scope := kv.NewScope("", []string{c.root})
					got, err := g.Render(t.Context(), kv.NewView(snapshot, scope))
					want, err2 := tmpl.Render(t.Context(), kv.NewView(snapshot, scope))
					if string(got) != string(want) || code(err) != code(err2) {
						t.Errorf("%s: guest %q, %v\ntemplate %q, %v", what, got, err, want, err2)
					}
				}
			}
		})
	}
}

// damaged is the keys of a file, each time without one of them, with one of
// them empty, and none at all.
func damaged(t *testing.T, file string) map[string]*kv.Snapshot {
	var flat map[string]string
	if err := json.Unmarshal(read(t, file), &flat); err != nil {
		t.Fatal(err)
	}
	var pairs []kv.Pair
	for k, v := range flat {
		pairs = append(pairs, kv.Pair{Key: k, Value: v})
	}
	whole := kv.NewSnapshot(pairs)
	all := map[string]*kv.Snapshot{"no keys": kv.NewSnapshot(nil)}
	for k := range flat {
		all["without "+k], _ = whole.Apply(nil, []string{k})
		all["empty "+k], _ = whole.Apply([]kv.Pair{{Key: k}}, nil)
	}
	return all
}

func compiled(t *testing.T, file string) *gotmpl.Template {
	t.Helper()
	tmpl, err := gotmpl.Compile(file, string(read(t, file)), gotmpl.Options{File: file})
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func rendered(t testing.TB, r render.Renderer, v *kv.View) string {
	t.Helper()
	b, err := r.Render(context.Background(), v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func code(err error) string {
	var p *problem.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
