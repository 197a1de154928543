package engine_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// slow is a resource whose render takes its time.
func (w *world) slow(name, key string, takes time.Duration, more ...string) *resource.Resource {
	return resource.New(
		resource.Spec{ID: name, Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: w.dir + "/" + name, UID: -1, GID: -1}},
		resource.Parts{Renderer: show{w, name, append([]string{key}, more...), takes}, Stager: &stage.Disk{}, Commands: w})
}

// Changes that come faster than they can be rendered are taken together, the
// last one is there soon after, and a change that comes alone waits for nobody.
func TestPace(t *testing.T) {
	w := newWorld(t, "/a", "start")
	w.play(func() []*resource.Resource { return []*resource.Resource{w.slow("x", "/a", 2*time.Millisecond)} }, func(e *engine.Engine) {
		time.Sleep(time.Second)
		before := w.rendered("x")
		for i := range 1000 {
			w.store.Put("/a", strconv.Itoa(i))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(60 * time.Millisecond)
		w.file("x", "/a=999 ")
		if n := w.rendered("x") - before; n > 200 {
			t.Errorf("%d renders for a thousand changes", n)
		}
		time.Sleep(time.Second)
		for i := range 100 { // the next change comes when the one before is done
			before, value := w.rendered("x"), "later"+strconv.Itoa(i)
			w.store.Put("/a", value)
			time.Sleep(4 * time.Millisecond)
			if n := w.rendered("x") - before; i > 0 && n != 1 {
				t.Errorf("change %d: %d renders after 4 ms", i, n)
			}
			w.file("x", "/a="+value+" ")
		}
	})
}

// Several changes at a time that could just be kept up with are taken together
// after a while; changes that come one by one wait for nothing however close they
// are.
func TestPaceInAStorm(t *testing.T) {
	const takes, apart = 100 * time.Microsecond, 300 * time.Microsecond
	w := newWorld(t, "/a", "start")
	w.play(func() []*resource.Resource {
		return []*resource.Resource{w.slow("x", "/a", takes/2, "/b"), w.slow("y", "/y", takes)}
	}, func(e *engine.Engine) {
		time.Sleep(time.Second)
		before := w.rendered("x")
		for i := range 500 {
			before := w.rendered("y")
			w.store.Put("/y", strconv.Itoa(i))
			time.Sleep(apart)
			if n := w.rendered("y") - before; n != 1 {
				t.Errorf("change %d: %d renders", i, n)
				return
			}
		}
		if w.rendered("x") != before {
			t.Error("x was rendered for a key of y")
		}
		for i := range 500 {
			w.store.Apply([]kv.Pair{{Key: "/a", Value: strconv.Itoa(i)}, {Key: "/b", Value: strconv.Itoa(i)}}, nil)
			time.Sleep(apart)
		}
		time.Sleep(5 * time.Millisecond)
		w.file("x", "/a=499 /b=499 ")
		if n := w.rendered("x") - before; n < 50 || n > 250 {
			t.Errorf("%d renders for 500 times two changes", n)
		}
	})
}

// Renders that take long, more of them than there are cores, keep nobody else
// from rendering.
func TestLongRenders(t *testing.T) {
	w := newWorld(t, "/long", "1", "/a", "1")
	w.play(func() []*resource.Resource {
		rs := []*resource.Resource{w.slow("x", "/a", 0)}
		for i := range 2*runtime.GOMAXPROCS(0) + 1 {
			rs = append(rs, w.slow("long"+strconv.Itoa(i), "/long", time.Minute))
		}
		return rs
	}, func(e *engine.Engine) {
		time.Sleep(time.Hour)
		w.store.Put("/long", "2")
		time.Sleep(time.Second)
		w.store.Put("/a", "2")
		settle()
		w.file("x", "/a=2 ")
	})
}
