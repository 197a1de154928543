package engine_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/memory"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/render/gotmpl/funcs"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
	"github.com/wconf/wconf/runtime/wasm"
)

// twin is a resource, and what is known of it without the engine.
type twin struct {
	text     string
	by       func(n *naive) string
	scoped   int // index of scopes
	resource *resource.Resource
	shelf    *shelf

	good  string // what the last render that worked made
	asked questions
	well  questions // by the last render that worked
	seen  int       // renders
}

// twinsOf is each template in each scope. Renderers can be wrapped.
func twinsOf(t *testing.T, wrap func(render.Renderer) render.Renderer) (all []*twin) {
	keys, err := ring()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range twins {
		tm, err := gotmpl.Compile("t", w.text, gotmpl.Options{Keyring: keys})
		if err != nil {
			t.Fatal(err)
		}
		for scoped := range scopes {
			all = append(all, newTwin(w, scoped, wrap(tm)))
		}
	}
	return all
}

// scriptsOf is each script in each scope that grants all below its prefix:
// scripts fail for other keys.
func scriptsOf(t *testing.T) (all []*twin) {
	r, err := wasm.NewRuntime(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	js, err := script.Load(t.Context(), r, "t.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range scripts {
		for scoped, sc := range scopes {
			if sc.keys[0] != "/" {
				continue
			}
			scope := kv.NewScope(sc.prefix, sc.keys)
			s, err := script.New(t.Context(), js, []byte(w.text), script.Options{File: "t.js", Name: "t", Scope: &scope})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, newTwin(w, scoped, s))
		}
	}
	return all
}

func newTwin(w written, scoped int, r render.Renderer) *twin {
	sc, disk := scopes[scoped], newShelf()
	text := fmt.Sprintf("%s in %q%q", w.text, sc.prefix, sc.keys)
	spec := resource.Spec{ID: text, Scope: kv.NewScope(sc.prefix, sc.keys), Target: stage.Target{Path: "file"}}
	return &twin{
		text: text, by: w.twin, scoped: scoped,
		resource: resource.New(spec, resource.Parts{Renderer: r, Stager: disk}), shelf: disk, asked: questions{},
	}
}

func members(all []*twin, source engine.Source) (ms []engine.Member) {
	for _, tw := range all {
		ms = append(ms, engine.Member{Resource: tw.resource, Source: source})
	}
	return ms
}

// ask notes what a full render of what is seen asks for, and returns what it
// makes of that.
func (tw *twin) ask(sees map[string]string) (text string, ok bool) {
	text, asked, ok := tw.byHand(sees)
	if tw.asked = asked; ok {
		tw.well = asked
	} else { // whatever repairs it must wake it, the way back included
		maps.Copy(tw.asked, tw.well)
	}
	return text, ok
}

// check compares a resource with what a full render of what it sees makes.
// Where that fails the file is what one of the good renders before made.
func (tw *twin) check(t *testing.T, sees map[string]string, s engine.Status, before ...string) {
	t.Helper()
	text, ok := tw.ask(sees)
	if before = append(before, tw.good); ok {
		before = []string{text}
	}
	got, _, _ := tw.shelf.Read("file")
	if tw.good = string(got); !slices.Contains(before, tw.good) || ok != (s.Err == nil) {
		t.Fatalf("%s\nmakes %q (%v)\nwant  %q (%v)", tw.text, got, s.Err, before, ok)
	}
	tw.seen = s.Renders
}

// state is what is in the store, and what the scopes see of it.
type state struct {
	all  map[string]string
	sees []sight // by the index of scopes
}

func newState(all map[string]string) state {
	st := state{all: all}
	for _, s := range scopes {
		st.sees = append(st.sees, sight{within(all, s.prefix, s.grants), map[[2]string]string{}})
	}
	return st
}

func (st state) pairs() (pairs []kv.Pair) {
	for k, v := range st.all {
		pairs = append(pairs, kv.Pair{Key: k, Value: v})
	}
	return pairs
}

// edited is the state after deletes and then puts.
func (st state) edited(puts []kv.Pair, deletes []string) state {
	all := maps.Clone(st.all)
	for _, k := range deletes {
		delete(all, k)
	}
	for _, p := range puts {
		all[p.Key] = p.Value
	}
	next := newState(all)
	for i, s := range st.sees {
		if maps.Equal(s.sees, next.sees[i].sees) {
			next.sees[i] = s // with its answers
		}
	}
	return next
}

func randomEdit(rnd *rand.Rand) (puts []kv.Pair, deletes []string) {
	keys := []string{"/a/x", "/a/y", "/a/z", "/a/x/deep", "/b/1/n", "/b/2/n", "/b/2/m", "/b/2/n/leaf", "/b/3", "/switch", "/pointer", "/c", "/d/e/f"}
	texts := []string{"x", "y", "z", "/a/y", "/b/3", "1", ""}
	sealed := slices.Sorted(maps.Keys(vault))
	for range 1 + rnd.IntN(3) {
		k, v := keys[rnd.IntN(len(keys))], texts[rnd.IntN(len(texts))]
		if rnd.IntN(8) == 0 {
			k = []string{"/sealed/a", "/sealed/b"}[rnd.IntN(2)]
			if rnd.IntN(4) > 0 {
				v = sealed[rnd.IntN(len(sealed))]
			}
		}
		if rnd.IntN(2) == 0 {
			k = "/p" + k
		}
		if rnd.IntN(3) == 0 {
			deletes = append(deletes, k)
		} else {
			puts = append(puts, kv.Pair{Key: k, Value: v})
		}
	}
	return puts, deletes
}

// No function that reads keys is left out.
func TestTwinsUseAllFunctions(t *testing.T) {
	used := ""
	for _, w := range twins {
		used += " " + strings.NewReplacer("{", " ", "(", " ").Replace(w.text)
	}
	for f := range funcs.All() {
		if (f.Family == "Keys" || f.Sealed) && !strings.Contains(used, " "+f.Name+" ") {
			t.Errorf("%s is in no template", f.Name)
		}
	}
}

// After every step of a long random edit each file is what a full render of
// the last state makes; and a resource is rendered, once, if an answer that it
// got has changed, and else not.
func TestIncrementalIsFull(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	c := cache.New(nil, cache.Options{})
	c.SetPrefixes([]string{"/"})
	e := engine.New(engine.Options{})
	all := append(twinsOf(t, func(r render.Renderer) render.Renderer { return r }), scriptsOf(t)...)
	e.Set(members(all, c))
	now := newState(map[string]string{})
	c.Believe(backend.Batch{Full: true})
	renders, more := 0, 0
	for step := range 2500 {
		before := now
		for range 1 + rnd.IntN(5)/4 { // now and then two steps of the store are taken together
			puts, deletes := randomEdit(rnd)
			if now = now.edited(puts, deletes); rnd.IntN(20) == 0 {
				c.Believe(backend.Batch{Full: true, Puts: now.pairs()})
			} else {
				c.Believe(backend.Batch{Puts: puts, Deletes: deletes})
			}
		}
		e.Step(t.Context())
		for i, s := range e.Status() {
			tw := all[i]
			rendered := s.Renders - tw.seen
			altered := tw.asked.altered(before.sees[tw.scoped], now.sees[tw.scoped])
			switch {
			case step == 0 || rendered == 1 && altered || rendered == 0 && !altered:
			case rendered == 1 && scopes[tw.scoped].twice:
				more++
			default:
				t.Fatalf("step %d: %s was rendered %d times; altered: %v\nbefore %q\nnow    %q", step, tw.text, rendered, altered, before.all, now.all)
			}
			if renders += rendered; rendered > 0 || altered || step%100 == 0 {
				tw.check(t, now.sees[tw.scoped].sees, s)
			}
		}
	}
	if t.Logf("%d renders of %d resources", renders, len(all)); more > renders/50 {
		t.Errorf("%d renders because a part of a name came or went", more)
	}
}

// The same of the loop that runs beside the cache and the renders: at rest
// each file is what a full render makes, and a resource none of whose answers
// changed meanwhile was not rendered.
func TestIncrementalIsFullLive(t *testing.T) {
	all := twinsOf(t, func(r render.Renderer) render.Renderer { return lingering{r} })
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		rnd := rand.New(rand.NewPCG(11, 12))
		now := newState(map[string]string{"/keep": "", "/p/keep": ""})
		store := memory.New(now.pairs()...)
		e := engine.New(engine.Options{})
		c := cache.New(store, cache.Options{Notify: e.Kick})
		c.SetPrefixes([]string{"/"})
		e.Set(members(all, c))
		var running sync.WaitGroup
		running.Go(func() { c.Run(ctx) })
		running.Go(func() { e.Run(ctx) })
		calm := func() { time.Sleep(2 * time.Second); synctest.Wait() }
		calm()
		renders := 0
		for round := range 600 {
			states := []state{now}
			for range 1 + rnd.IntN(6) {
				puts, deletes := randomEdit(rnd)
				now = now.edited(puts, deletes)
				states = append(states, now)
				if rnd.IntN(30) == 0 {
					store.Forget() // the cache has to list
				}
				store.Apply(puts, deletes)
				time.Sleep(time.Duration(rnd.IntN(3000)) * time.Microsecond)
			}
			calm()
			for i, s := range e.Status() {
				tw := all[i]
				rendered := s.Renders - tw.seen
				altered := slices.ContainsFunc(states[1:], func(st state) bool {
					return tw.asked.altered(states[0].sees[tw.scoped], st.sees[tw.scoped])
				})
				if round > 0 && (rendered > 0 && !altered && !scopes[tw.scoped].twice || rendered >= len(states)) {
					t.Fatalf("round %d: %s was rendered %d times in %d steps; altered: %v", round, tw.text, rendered, len(states)-1, altered)
				}
				renders += rendered
				if !altered && rendered == 0 && round > 0 {
					continue
				}
				var between []string
				for _, st := range states { // any of them may have been rendered
					text, asked, ok := tw.byHand(st.sees[tw.scoped].sees)
					if maps.Copy(tw.asked, asked); ok {
						between = append(between, text)
					}
				}
				tw.check(t, now.sees[tw.scoped].sees, s, between...)
			}
		}
		t.Logf("%d renders of %d resources", renders, len(all))
		stop()
		running.Wait()
	})
}

// lingering renders for a while before and after it looks, so that keys change
// meanwhile.
type lingering struct{ render.Renderer }

func (l lingering) Render(ctx context.Context, v *kv.View) ([]byte, error) {
	time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	defer time.Sleep(time.Millisecond)
	return l.Renderer.Render(ctx, v)
}
