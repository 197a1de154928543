package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// every template uses other store functions, and reads what depends on keys.
var incremental = []string{
	`{{getv "/a/x" "none"}}`,
	`{{if exists "/a/y"}}{{getv "/a/y"}}{{else}}no{{end}}`,
	`{{range gets "/a/*"}}{{.Key}}={{.Value}} {{end}}`,
	`{{range getvs "/b/*/n"}}{{.}} {{end}}`,
	`{{range ls "/b"}}{{.}}:{{range ls (printf "/b/%s" .)}}{{.}},{{end}} {{end}}`,
	`{{range lsdir "/"}}{{.}} {{end}}`,
	`{{with get "/switch"}}{{getv (printf "/a/%s" .Value) "?"}}{{end}}`,
	`{{getv (getv "/pointer" "/a/x") "dangling"}}`,
	`{{range gets "/?/[xyz]"}}{{.Value}} {{end}}{{ls "/a/x"}}`,
}

// After every step of a long random edit each file is what a full render of
// the last state makes; and what reads nothing that changed is not rendered.
func TestIncrementalIsFull(t *testing.T) {
	dir, rnd := t.TempDir(), rand.New(rand.NewPCG(7, 8))
	c := cache.New(nil, cache.Options{})
	c.SetPrefixes([]string{"/"})
	e := engine.New(engine.Options{})
	scope := kv.NewScope("", []string{"/"})
	var members []engine.Member
	var templates []*gotmpl.Template
	for i, text := range incremental {
		tm, err := gotmpl.Compile(fmt.Sprint(i), text, gotmpl.Options{})
		if err != nil {
			t.Fatal(err)
		}
		templates = append(templates, tm)
		spec := resource.Spec{ID: fmt.Sprint(i), Scope: scope, Target: stage.Target{Path: filepath.Join(dir, fmt.Sprint(i)), UID: -1, GID: -1}}
		members = append(members, engine.Member{Source: c, Resource: resource.New(spec, resource.Parts{Renderer: tm, Stager: &stage.Disk{NoSync: true}})})
	}
	e.Set(members)
	c.Believe(backend.Batch{Full: true})
	model, reads := kv.NewSnapshot(nil), make([]kv.ReadSet, len(incremental))
	good := make([]string, len(incremental)) // what the last render that worked made
	for step := range 2500 {
		before := e.Status()
		puts, deletes := randomEdit(rnd)
		next, changes := model.Apply(puts, deletes)
		model = next
		c.Believe(backend.Batch{Puts: puts, Deletes: deletes})
		e.Step(t.Context())
		for i, s := range e.Status() {
			v := kv.NewView(model, scope)
			want, err := templates[i].Render(t.Context(), v)
			if err == nil {
				good[i] = string(want)
			}
			if got, _ := os.ReadFile(filepath.Join(dir, fmt.Sprint(i))); string(got) != good[i] || (err == nil) != (s.Err == nil) {
				t.Fatalf("step %d: %s\nmakes %q (%v)\nwant  %q (%v)", step, incremental[i], got, s.Err, good[i], err)
			}
			renders := s.Renders - before[i].Renders
			if touched := reads[i].TouchesAny(changes); step > 0 && (renders == 1) != touched || renders > 1 {
				t.Fatalf("step %d: %s was rendered %d times; touched: %v", step, incremental[i], renders, touched)
			}
			if err != nil { // whatever repairs it must wake it, the way back included
				reads[i] = v.Reads().Union(reads[i])
			} else {
				reads[i] = v.Reads()
			}
		}
	}
}

func randomEdit(rnd *rand.Rand) (puts []kv.Pair, deletes []string) {
	keys := []string{"/a/x", "/a/y", "/a/z", "/b/1/n", "/b/2/n", "/b/2/m", "/b/3", "/switch", "/pointer", "/c", "/d/e/f"}
	values := []string{"x", "y", "z", "/a/y", "/b/3", "1"}
	for range 1 + rnd.IntN(3) {
		k := keys[rnd.IntN(len(keys))]
		if rnd.IntN(3) == 0 {
			deletes = append(deletes, k)
		} else {
			puts = append(puts, kv.Pair{Key: k, Value: values[rnd.IntN(len(values))]})
		}
	}
	return puts, deletes
}

// One changed key costs the executions of its readers and no others, however
// many resources and keys there are.
func TestExecutionsAreReaders(t *testing.T) {
	const resources, keys = 2000, 200_000
	dir := t.TempDir()
	c := cache.New(nil, cache.Options{})
	c.SetPrefixes([]string{"/"})
	e := engine.New(engine.Options{})
	w := &world{renders: map[string]int{}}
	var members []engine.Member
	for i := range resources {
		spec := resource.Spec{ID: fmt.Sprint(i), Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: filepath.Join(dir, fmt.Sprint(i)), UID: -1, GID: -1}}
		read := []string{fmt.Sprintf("/k/%d", i*100), fmt.Sprintf("/k/%d", i*100+1), "/k/7"}
		if i%1000 != 7 {
			read = read[:2]
		}
		members = append(members, engine.Member{Source: c, Resource: resource.New(spec, resource.Parts{Renderer: show{w, fmt.Sprint(i), read, 0}, Stager: &stage.Disk{NoSync: true}})})
	}
	e.Set(members)
	pairs := make([]kv.Pair, keys)
	for i := range pairs {
		pairs[i] = kv.Pair{Key: fmt.Sprintf("/k/%d", i), Value: "0"}
	}
	c.Believe(backend.Batch{Full: true, Puts: pairs})
	e.Step(t.Context())
	for key, want := range map[string]int{"/k/100": 1, "/k/55500": 1, "/k/55599": 0, "/k/7": 2, "/k/new": 0} {
		clear(w.renders)
		c.Believe(backend.Batch{Puts: []kv.Pair{{Key: key, Value: "1"}}})
		e.Step(t.Context())
		if got := len(w.renders); got != want {
			t.Errorf("%s: %d executions, want %d", key, got, want)
		}
	}
}
