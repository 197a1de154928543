package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/memory"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render/gotmpl"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// readers are 2,000 resources: each looks at a directory of its own, among
// them in turn by one of the store functions, and three at the directory above.
func readers(t *testing.T, source engine.Source) (ms []engine.Member) {
	disk := newShelf()
	add := func(text string) {
		tm, err := gotmpl.Compile("t", text, gotmpl.Options{})
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(len(ms))
		spec := resource.Spec{ID: id, Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: id}}
		ms = append(ms, engine.Member{Source: source, Resource: resource.New(spec, resource.Parts{Renderer: tm, Stager: disk})})
	}
	for i := range 1997 {
		add(fmt.Sprintf([]string{
			`{{getv "/s/%d/7"}}`, `{{exists "/s/%d/7"}}`, `{{ls "/s/%d"}}`, `{{lsdir "/s/%d"}}`, `{{gets "/s/%d/7*"}}`, `{{getvs "/s/%d/*"}}`,
		}[i%6], i))
	}
	add(`{{ls "/s"}}`)
	add(`{{lsdir "/s"}}`)
	add(`{{range lsdir "/s"}}{{.}}{{end}}{{ls "/"}}`)
	return ms
}

// manyKeys is 200,000 keys, 100 in each directory.
func manyKeys() (pairs []kv.Pair) {
	for i := range 200_000 {
		pairs = append(pairs, kv.Pair{Key: fmt.Sprintf("/s/%d/%d", i/100, i%100), Value: "0"})
	}
	return pairs
}

// leases is a thousand keys that come below directories of one directory.
func leases() (puts []kv.Pair, keys []string) {
	for i := range 1000 {
		key := fmt.Sprintf("/s/%d/lease/%d", 12+i%6, i)
		puts, keys = append(puts, kv.Pair{Key: key}), append(keys, key)
	}
	return puts, keys
}

// executions are steps of the store, one after the other, and how often they
// have something rendered.
func executions() []execution {
	put := func(key, value string, want int) execution {
		return execution{"put " + key, []kv.Pair{{Key: key, Value: value}}, nil, want}
	}
	remove := func(key string, want int) execution { return execution{"delete " + key, nil, []string{key}, want} }
	many, gone := leases()
	return []execution{
		put("/s/0/7", "1", 1), put("/s/0/7", "1", 0), put("/s/0/8", "1", 0), put("/s/0/7/x", "1", 0), // getv
		put("/s/1/7", "1", 0), remove("/s/1/7", 1), put("/s/1/7", "1", 1), // exists
		put("/s/2/7", "1", 0), put("/s/2/new", "1", 1), put("/s/2/7/x", "1", 0), put("/s/2/dir/x", "1", 1), put("/s/2/dir/y", "1", 0), // ls
		remove("/s/2/7", 0), remove("/s/2/7/x", 1), remove("/s/2/dir/y", 0), remove("/s/2/dir/x", 1),
		put("/s/3/7", "1", 0), put("/s/3/new", "1", 0), put("/s/3/7/x", "1", 1), put("/s/3/7/y", "1", 0), remove("/s/3/7", 0), // lsdir
		put("/s/4/7", "1", 1), put("/s/4/8", "1", 0), put("/s/4/7x", "1", 1), put("/s/4/7x/y", "1", 0), // gets
		put("/s/5/7", "1", 1), put("/s/5/new", "1", 1), put("/s/5/7/x", "1", 0), // getvs
		put("/s/new/x", "1", 3), put("/s/new/y", "1", 0), put("/s/leaf", "1", 1), put("/top", "1", 1), // above
		{"leases", many, nil, 2}, {"leases end", nil, gone, 2}, // of 12 to 17 those with ls and lsdir see that one more directory is there
		{"four at once", []kv.Pair{{Key: "/s/6/7"}, {Key: "/s/7/7"}, {Key: "/s/8/x"}, {Key: "/s/8/y"}}, []string{"/s/7/8"}, 2},
	}
}

type execution struct {
	name    string
	puts    []kv.Pair
	deletes []string
	want    int
}

// renders is how often anything was rendered.
func renders(e *engine.Engine) (n int) {
	for _, s := range e.Status() {
		n += s.Renders
	}
	return n
}

// One step costs the executions of those to whom it says something else, once
// each, and no others, however many resources and keys there are.
func TestExecutionsAreReaders(t *testing.T) {
	c := cache.New(nil, cache.Options{})
	c.SetPrefixes([]string{"/"})
	e := engine.New(engine.Options{})
	e.Set(readers(t, c))
	c.Believe(backend.Batch{Full: true, Puts: manyKeys()})
	e.Step(t.Context())
	if got := renders(e); got != 2000 {
		t.Fatalf("%d executions at the start", got)
	}
	for _, x := range executions() {
		before := renders(e)
		c.Believe(backend.Batch{Puts: x.puts, Deletes: x.deletes})
		e.Step(t.Context())
		if got := renders(e) - before; got != x.want {
			t.Errorf("%s: %d executions, want %d", x.name, got, x.want)
		}
	}
}

// The same with a cache that follows a store, and the loop beside it.
func TestExecutionsAreReadersLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		store := memory.New(manyKeys()...)
		e := engine.New(engine.Options{})
		c := cache.New(store, cache.Options{Notify: e.Kick})
		c.SetPrefixes([]string{"/"})
		e.Set(readers(t, c))
		var running sync.WaitGroup
		running.Go(func() { c.Run(ctx) })
		running.Go(func() { e.Run(ctx) })
		calm := func() { time.Sleep(time.Second); synctest.Wait() }
		calm()
		if got := renders(e); got != 2000 {
			t.Errorf("%d executions at the start", got)
		}
		for _, x := range executions() {
			before := renders(e)
			store.Apply(x.puts, x.deletes)
			calm()
			if got := renders(e) - before; got != x.want {
				t.Errorf("%s: %d executions, want %d", x.name, got, x.want)
			}
		}
		before := renders(e)
		store.Forget() // the cache lists again, and finds nothing new
		calm()
		if got := renders(e) - before; got != 0 {
			t.Errorf("%d executions for a listing that brings nothing", got)
		}
		stop()
		running.Wait()
	})
}
