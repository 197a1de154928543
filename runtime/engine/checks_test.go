package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/render"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
	"github.com/wconf/wconf/runtime/wasm"
)

// checker is a check written as a script.
func checker(t *testing.T, text string) render.Checker {
	t.Helper()
	r, err := wasm.NewRuntime(wasm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	js, err := script.Load(t.Context(), r, "check.js")
	if err != nil {
		t.Fatal(err)
	}
	s, err := script.New(t.Context(), js, []byte(text), script.Options{Role: guest.Checker, File: "check.js", Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checked is a resource that shows /a, and what may refuse it.
func (w *world) checked(c render.Checker) func() []*resource.Resource {
	return func() []*resource.Resource {
		return []*resource.Resource{resource.New(
			resource.Spec{ID: "x", Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: filepath.Join(w.dir, "x"), UID: -1, GID: -1}},
			resource.Parts{Renderer: show{w, "x", []string{"/a"}, 0}, Checkers: []render.Checker{c}, Stager: &stage.Disk{}, Commands: w})}
	}
}

const allowed = `function check() { if (getv("/allow", "no") !== "yes") fail("not allowed") }`

// A key that only a check reads wakes the resource: what was refused because of
// it is written at once, and not when a retry happens to come.
func TestKeysOfChecks(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.play(w.checked(checker(t, allowed)), func(e *engine.Engine) {
		w.file("x", "")
		if s := e.Status()[0]; s.State != resource.Failed || s.Step != "check" {
			t.Errorf("%+v", s)
		}
		w.store.Put("/allow", "yes")
		settle()
		w.file("x", "/a=1 ")

		before := w.rendered("x")
		w.store.Put("/allow", "no") // the file stands, and nobody asks for less
		settle()
		w.file("x", "/a=1 ")
		if n := w.rendered("x") - before; n != 1 {
			t.Errorf("rendered %d times", n)
		}
		w.store.Put("/other", "1")
		settle()
		if n := w.rendered("x") - before; n != 1 {
			t.Errorf("rendered %d times for a key that nobody reads", n)
		}
		w.store.Put("/a", "2")
		settle()
		w.file("x", "/a=1 ")
		w.store.Put("/allow", "yes")
		settle()
		w.file("x", "/a=2 ")
		if s := e.Status()[0]; s.State != resource.InSync {
			t.Errorf("%+v", s)
		}
	})
}

// beside is a check that something happens beside, once it has read.
type beside struct {
	render.Checker
	asked atomic.Int64
	do    func(n int64)
}

func (b *beside) Check(ctx context.Context, v *kv.View, content []byte) error {
	err := b.Checker.Check(ctx, v, content)
	b.do(b.asked.Add(1))
	return err
}

// A key that a check has read changes while the check is still at work; before
// it nobody knew that the key matters.
func TestKeysChangeDuringChecks(t *testing.T) {
	w := newWorld(t, "/a", "1")
	c := &beside{Checker: checker(t, allowed)}
	c.do = func(n int64) {
		if n == 1 {
			w.store.Put("/allow", "yes")
			time.Sleep(5 * time.Millisecond) // the engine hears of it
			w.store.Put("/other", "1")
			time.Sleep(5 * time.Millisecond)
		}
	}
	w.play(w.checked(c), func(e *engine.Engine) {
		time.Sleep(10 * time.Millisecond)
		settle()
		w.file("x", "/a=1 ")
		if n := c.asked.Load(); n != 2 || w.rendered("x") != 2 {
			t.Errorf("checked %d times, rendered %d times", n, w.rendered("x"))
		}
	})
}

// A file that stood when wconf began was not checked. When it has to be mended
// the check sees the keys as they are by then.
func TestChecksSeeTheNewestKeys(t *testing.T) {
	w := newWorld(t, "/a", "1", "/allow", "yes")
	edit := func(text string) {
		if err := os.WriteFile(filepath.Join(w.dir, "x"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	edit("/a=1 ")
	w.play(w.checked(checker(t, allowed)), func(e *engine.Engine) {
		settle()
		w.store.Put("/allow", "no")
		settle()
		edit("by hand")
		e.Look()
		settle()
		w.file("x", "by hand")
		w.store.Put("/allow", "yes")
		settle()
		w.file("x", "/a=1 ")
	})
}
