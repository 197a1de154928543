package engine_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend/memory"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// A loop with nothing to do turns once per pulse, and without one not at all.
func TestPulse(t *testing.T) {
	for pulse, want := range map[time.Duration]int64{time.Second: 60, 0: 0} {
		w := newWorld(t, "/a", "1")
		var turns atomic.Int64
		w.opt = engine.Options{Pulse: pulse, Observer: engine.Observer{Turned: func() { turns.Add(1) }}}
		w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("rx"), "", "/a")} }, func(e *engine.Engine) {
			time.Sleep(time.Second / 2)
			turns.Store(0)
			time.Sleep(time.Minute)
			if n := turns.Load(); n != want {
				t.Errorf("with a pulse of %s it turned %d times in a minute, want %d", pulse, n, want)
			}
		})
	}
}

// While what runs at the end is waited for, the loop goes on turning.
func TestPulseAtTheEnd(t *testing.T) {
	w := newWorld(t)
	synctest.Test(t, func(t *testing.T) {
		var turns atomic.Int64
		e := engine.New(engine.Options{Pulse: time.Second, Grace: time.Minute, Observer: engine.Observer{Turned: func() { turns.Add(1) }}})
		c := cache.New(memory.New(kv.Pair{Key: "/a", Value: "1"}), cache.Options{Notify: e.Kick})
		c.SetPrefixes([]string{"/"})
		r := resource.New(resource.Spec{ID: "x", Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: filepath.Join(w.dir, "x"), UID: -1, GID: -1}},
			resource.Parts{Renderer: show{w, "x", []string{"/a"}, 20 * time.Second}, Stager: &stage.Disk{}, Commands: w})
		e.Set([]engine.Member{{Resource: r, Source: c}})
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { c.Run(ctx) })
		all.Go(func() { e.Run(ctx) })
		time.Sleep(time.Second / 2) // the render sleeps
		stop()
		synctest.Wait()
		turns.Store(0)
		time.Sleep(10 * time.Second)
		if n := turns.Load(); n < 9 {
			t.Errorf("it turned %d times in ten seconds", n)
		}
		all.Wait()
	})
}

func TestRendersAreTold(t *testing.T) {
	w := newWorld(t, "/a", "1")
	var mu sync.Mutex
	var told []string
	w.opt.Observer.Rendered = func(name string, _ time.Duration, err error) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			name += " failed"
		}
		told = append(told, name)
	}
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("rx"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.fails("rx", errors.New("no"))
		w.store.Put("/a", "error")
		settle()
		w.store.Put("/a", "2")
		settle()
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"x", "x failed", "x"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		counts := e.Status()[0].Counts
		if want := (engine.Counts{Renders: 3, FailedRenders: 1, Writes: 2, Reloads: 1, FailedReloads: 1}); counts != want {
			t.Errorf("counts %+v, want %+v", counts, want)
		}
		e.Set([]engine.Member{{Resource: w.resource("x", reload("rx"), "", "/a"), Source: w.cache}})
		if after := e.Status()[0].Counts; after != counts {
			t.Errorf("a template that was edited begins with %+v, want %+v", after, counts)
		}
	})
}
