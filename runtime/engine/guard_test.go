package engine_test

import (
	"testing"

	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// A guard compares with the file on disk: what was written before counts no
// more, also where its reload was skipped.
func TestGuardComparesWithTheFile(t *testing.T) {
	w := newWorld(t, "/a", "1", "/b", "1", "/c", "1")
	w.play(func() []*resource.Resource {
		compile := func(text string) *gate.Gate {
			g, err := gate.Compile(text, gate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		return []*resource.Resource{resource.New(
			resource.Spec{ID: "x", Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: w.dir + "/x", UID: -1, GID: -1}, Reload: command.Command{Shell: "r"}},
			resource.Parts{
				Renderer: show{w, "x", []string{"/a", "/b", "/c"}, 0}, Stager: &stage.Disk{}, Commands: w,
				Condition: compile("first"), Guard: compile("len(changed) < 2 || first"),
			})}
	}, func(e *engine.Engine) {
		settle()
		for _, key := range []string{"/a", "/b"} {
			w.store.Put(key, "2")
			settle()
		}
		w.file("x", "/a=2 /b=2 /c=1 ")
		w.store.Puts(kv.Pair{Key: "/b", Value: "3"}, kv.Pair{Key: "/c", Value: "3"})
		settle()
		w.file("x", "/a=2 /b=2 /c=1 ")
	})
}
