package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/backend/memory"
	"github.com/wconf/wconf/runtime/cache"
	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/engine"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/ledger"
	"github.com/wconf/wconf/runtime/resource"
	"github.com/wconf/wconf/runtime/stage"
)

// world is an engine over a store in memory and destinations on disk, with
// commands that only note what they would have done, in virtual time.
type world struct {
	t     *testing.T
	dir   string
	pairs []kv.Pair // in the store when a play begins
	store *memory.Store
	cache *cache.Cache
	opt   engine.Options

	mu      sync.Mutex
	ran     []string // what commands saw: the name and the destination's text
	fail    map[string]error
	renders map[string]int
}

func newWorld(t *testing.T, pairs ...string) *world {
	w := &world{t: t, dir: t.TempDir(), fail: map[string]error{}, renders: map[string]int{}}
	for i := 0; i < len(pairs); i += 2 {
		w.pairs = append(w.pairs, kv.Pair{Key: pairs[i], Value: pairs[i+1]})
	}
	return w
}

// play runs an engine with members until f returns.
func (w *world) play(members func() []*resource.Resource, f func(e *engine.Engine)) {
	synctest.Test(w.t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w.store = memory.New(w.pairs...)
		opt := w.opt
		opt.Log = slog.New(slog.NewTextHandler(testLog{t}, nil))
		e := engine.New(opt)
		w.cache = cache.New(w.store, cache.Options{Notify: e.Kick})
		w.cache.SetPrefixes([]string{"/"})
		var ms []engine.Member
		for _, r := range members() {
			ms = append(ms, engine.Member{Resource: r, Source: w.cache})
		}
		e.Set(ms)
		var all sync.WaitGroup
		all.Go(func() { w.cache.Run(ctx) })
		all.Go(func() { e.Run(ctx) })
		synctest.Wait()
		f(e)
		stop()
		all.Wait()
	})
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// show renders "key=value " for each key it is given.
type show struct {
	w    *world
	name string
	keys []string
	slow time.Duration
}

func (s show) Render(_ context.Context, v *kv.View) ([]byte, error) {
	s.w.mu.Lock()
	s.w.renders[s.name]++
	s.w.mu.Unlock()
	out := ""
	for _, k := range s.keys {
		value, ok := v.Get(k)
		if value == "error" {
			return nil, errors.New("a bad value")
		}
		if ok {
			out += k + "=" + value + " "
		}
		time.Sleep(s.slow)
	}
	return []byte(out), nil
}

func (w *world) Run(_ context.Context, c command.Command) (command.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	path := c.Dest
	if strings.HasPrefix(c.Shell, "check") {
		path = c.Src
	}
	text, _ := os.ReadFile(path)
	w.ran = append(w.ran, c.Shell+": "+string(text))
	return command.Result{}, w.fail[c.Shell]
}

func (w *world) resource(name string, spec resource.Spec, condition string, keys ...string) *resource.Resource {
	spec.ID, spec.Scope = name, kv.NewScope("", []string{"/"})
	spec.Target = stage.Target{Path: filepath.Join(w.dir, name), UID: -1, GID: -1}
	parts := resource.Parts{Renderer: show{w, name, keys, 0}, Stager: &stage.Disk{}, Commands: w, Ledger: ledger.Open(filepath.Join(w.dir, "state"))}
	if condition != "" {
		g, err := gate.Compile(condition, gate.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		parts.Condition, spec.ConditionText = g, condition
	}
	return resource.New(spec, parts)
}

func (w *world) file(name, want string) {
	w.t.Helper()
	got, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil && want != "" || string(got) != want {
		w.t.Errorf("%s holds %q (%v), want %q", name, got, err, want)
	}
}

func (w *world) rendered(name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.renders[name]
}

// fails makes a command end with err from now on.
func (w *world) fails(command string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail[command] = err
}

// forget forgets which commands ran.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran = nil
}

// commands checks what ran since the last call.
func (w *world) commands(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if got := strings.Join(w.ran, "|"); got != strings.Join(want, "|") {
		w.t.Errorf("commands: %s, want %s", got, strings.Join(want, "|"))
	}
	w.ran = nil
}

func reload(name string) resource.Spec { return resource.Spec{Reload: command.Command{Shell: name}} }

func settle() { time.Sleep(2 * time.Millisecond); synctest.Wait() }

func TestChangeToFile(t *testing.T) {
	w := newWorld(t, "/a", "1", "/b", "1")
	w.play(func() []*resource.Resource {
		return []*resource.Resource{w.resource("x", reload("rx"), "", "/a"), w.resource("y", reload("ry"), "", "/b", "/missing")}
	}, func(e *engine.Engine) {
		w.file("x", "/a=1 ")
		w.forget()
		w.store.Put("/a", "2")
		settle()
		w.file("x", "/a=2 ")
		w.commands("rx: /a=2 ")
		w.store.Put("/unread", "1")
		w.store.Put("/missing", "now") // a miss is a read, too
		settle()
		w.file("y", "/b=1 /missing=now ")
		w.commands("ry: /b=1 /missing=now ")
		if w.rendered("x") != 2 || w.rendered("y") != 2 {
			t.Errorf("x was rendered %d times", w.rendered("x"))
		}
	})
}

// A change that lands while a render is running must not be lost, even when
// the render had not read that key before.
func TestChangeDuringRender(t *testing.T) {
	w := newWorld(t, "/mode", "short", "/extra", "1")
	r := w.resource("x", resource.Spec{}, "")
	*r = *resource.New(resource.Spec{ID: "x", Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: filepath.Join(w.dir, "x"), UID: -1, GID: -1}},
		resource.Parts{Renderer: switching{}, Stager: &stage.Disk{}, Commands: w})
	w.play(func() []*resource.Resource { return []*resource.Resource{r} }, func(e *engine.Engine) {
		time.Sleep(time.Minute)
		w.store.Put("/mode", "long") // from now on the render also reads /extra
		time.Sleep(time.Second)      // it sleeps inside Render, with extra=1 in its snapshot
		w.store.Put("/extra", "2")
		time.Sleep(time.Minute)
		w.file("x", "long 2")
	})
}

type switching struct{}

func (switching) Render(_ context.Context, v *kv.View) ([]byte, error) {
	mode, _ := v.Get("/mode")
	time.Sleep(5 * time.Second)
	if mode == "long" {
		extra, _ := v.Get("/extra")
		mode += " " + extra
	}
	return []byte(mode), nil
}

// Files that share a command are reloaded once, after the last of them.
func TestOneReloadForAll(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.play(func() (rs []*resource.Resource) {
		for i := range 20 {
			rs = append(rs, w.resource(fmt.Sprint("f", i), reload("r"), "", "/a"))
		}
		return rs
	}, func(e *engine.Engine) {
		settle()
		w.forget()
		w.store.Put("/a", "2")
		settle()
		if len(w.ran) != 1 {
			t.Errorf("%d reloads: %v", len(w.ran), w.ran)
		}
	})
}

// A failed reload is owed: it is tried again until it works, also by the next
// wconf, and the debt stands on the file.
func TestOwed(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.fails("r", errors.New("refused"))
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("r"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.commands("r: /a=1 ")
		if s := e.Status()[0]; s.State != resource.Owed || s.Err == nil {
			t.Errorf("status: %+v", s)
		}
		time.Sleep(1500 * time.Millisecond)
		w.commands("r: /a=1 ")
	})
	w.fails("r", nil)
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("r"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.commands("r: /a=1 ")
		if s := e.Status()[0]; s.State != resource.InSync || s.Reloads != 1 {
			t.Errorf("status: %+v", s)
		}
	})
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("r"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.commands()
	})
}

// A check that refuses leaves the old file, and is asked again.
func TestCheck(t *testing.T) {
	w := newWorld(t, "/a", "1")
	spec := reload("r")
	spec.Check = command.Command{Shell: "check {{.src}}"}
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", spec, "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.commands("check {{.src}}: /a=1 ", "r: /a=1 ")
		w.fails("check {{.src}}", errors.New("no"))
		w.store.Put("/a", "2")
		settle()
		w.file("x", "/a=1 ")
		w.commands("check {{.src}}: /a=2 ")
		if s := e.Status()[0]; s.State != resource.Failed || s.Step != "check" {
			t.Errorf("status: %+v", s)
		}
		w.fails("check {{.src}}", nil)
		time.Sleep(2 * time.Second) // no key changes
		w.file("x", "/a=2 ")
		w.commands("check {{.src}}: /a=2 ", "r: /a=2 ")
	})
}

// A condition holds until exactly its time; what is held is not on disk.
func TestHeld(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.play(func() []*resource.Resource {
		return []*resource.Resource{w.resource("x", reload("r"), `settled("10s") || first`, "/a")}
	}, func(e *engine.Engine) {
		settle()
		w.commands("r: /a=1 ")
		began := time.Now()
		w.store.Put("/a", "2")
		time.Sleep(6 * time.Second)
		w.store.Put("/a", "3")
		synctest.Wait()
		w.file("x", "/a=1 ")
		if s := e.Status()[0]; s.State != resource.Held || !s.Wake.Equal(time.Now().Add(10*time.Second)) {
			t.Errorf("status: %+v at %v", s, time.Since(began))
		}
		time.Sleep(10*time.Second - time.Millisecond)
		synctest.Wait()
		w.commands()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		w.file("x", "/a=3 ")
		w.commands("r: /a=3 ")
		if w.rendered("x") != 3 {
			t.Errorf("x was rendered %d times", w.rendered("x"))
		}
	})
}

// A skipped change is written, without a reload, and counts towards the next.
func TestSkipped(t *testing.T) {
	w := newWorld(t, "/n", "0")
	w.play(func() []*resource.Resource {
		return []*resource.Resource{w.resource("x", reload("r"), `first || abs(delta("/n")) >= 3`, "/n")}
	}, func(e *engine.Engine) {
		settle()
		w.commands("r: /n=0 ")
		for _, n := range []string{"1", "2"} {
			w.store.Put("/n", n)
			settle()
			w.file("x", "/n="+n+" ")
			w.commands()
		}
		w.store.Put("/n", "3")
		settle()
		w.commands("r: /n=3 ")
	})
}

// A render that fails keeps the file and is healed by the key that broke it.
func TestRenderFails(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("r"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.store.Put("/a", "error")
		settle()
		w.file("x", "/a=1 ")
		w.store.Put("/a", "2")
		settle()
		w.file("x", "/a=2 ")
		w.commands("r: /a=1 ", "r: /a=2 ")
	})
}

// Somebody edits the destination; the interval finds and mends it.
func TestDrift(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.opt.Interval = time.Minute
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("r"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		os.WriteFile(filepath.Join(w.dir, "x"), []byte("edited"), 0o644)
		w.forget()
		time.Sleep(time.Minute)
		synctest.Wait()
		w.file("x", "/a=1 ")
		w.commands("r: /a=1 ")
		if w.rendered("x") != 1 || e.Status()[0].Last.Reason != "" && e.Status()[0].Last.Reason != "drift" {
			t.Errorf("x was rendered %d times, %+v", w.rendered("x"), e.Status()[0])
		}
	})
}

// Without -watch changes wait for the interval.
func TestPoll(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.opt.Interval, w.opt.Poll = time.Minute, true
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("r"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.store.Put("/a", "2")
		time.Sleep(30 * time.Second)
		w.file("x", "/a=1 ")
		time.Sleep(31 * time.Second)
		w.file("x", "/a=2 ")
		w.commands("r: /a=1 ", "r: /a=2 ")
	})
}

func TestDebounce(t *testing.T) {
	w := newWorld(t, "/a", "0")
	spec := reload("r")
	spec.Debounce, spec.DebounceMax = 2*time.Second, 5*time.Second
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", spec, "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.commands("r: /a=0 ")
		for i := range 9 { // a change each second: the longest wait ends it
			w.store.Put("/a", fmt.Sprint(i+1))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if w.rendered("x") != 2 {
			t.Errorf("x was rendered %d times", w.rendered("x"))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		w.file("x", "/a=9 ")
	})
}

func TestOnce(t *testing.T) {
	w := newWorld(t, "/a", "1")
	c := cache.New(memory.New(w.pairs...), cache.Options{})
	c.SetPrefixes([]string{"/"})
	if err := c.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Options{})
	e.Set([]engine.Member{{Resource: w.resource("x", reload("r"), "", "/a"), Source: c}, {Resource: w.resource("y", reload("r"), "", "/a"), Source: c},
		{Resource: w.resource("z", reload("rz"), "", "/a"), Source: c}})
	for _, s := range e.Once(t.Context()) {
		if s.State != resource.InSync || s.Writes != 1 || s.Reloads != 1 || s.Renders != 1 {
			t.Errorf("%+v", s)
		}
	}
	w.commands("r: /a=1 ", "rz: /a=1 ")
}

// A resource that joins later is not rendered before its keys were listed: it
// would see them absent, and write a file without them.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.store = memory.New(kv.Pair{Key: "/a/x", Value: "1"}, kv.Pair{Key: "/b/y", Value: "2"})
		slow := &slowStore{Store: w.store}
		e := engine.New(engine.Options{})
		c := cache.New(slow, cache.Options{Notify: e.Kick})
		first := w.scoped("first", "/a", "/a/x")
		second := w.scoped("second", "/b", "/b/y")
		c.SetPrefixes([]string{"/a"})
		e.Set([]engine.Member{{Resource: first, Source: c}})
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { c.Run(ctx) })
		all.Go(func() { e.Run(ctx) })
		time.Sleep(2 * time.Second)
		synctest.Wait()
		w.file("first", "/a/x=1 ")
		c.SetPrefixes([]string{"/a", "/b"})
		e.Set([]engine.Member{{Resource: first, Source: c}, {Resource: second, Source: c}})
		time.Sleep(500 * time.Millisecond) // the list is under way
		synctest.Wait()
		w.file("second", "")
		if w.rendered("second") != 0 {
			t.Error("rendered without its keys")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		w.file("second", "/b/y=2 ")
		if w.rendered("first") != 1 {
			t.Error("the other was rendered again")
		}
		stop()
		all.Wait()
	})
}

// slowStore takes a second to list.
type slowStore struct{ *memory.Store }

func (s *slowStore) List(ctx context.Context, prefixes []string) (backend.Listing, error) {
	time.Sleep(time.Second)
	return s.Store.List(ctx, prefixes)
}

func (w *world) scoped(name, scope string, keys ...string) *resource.Resource {
	return resource.New(resource.Spec{ID: name, Scope: kv.NewScope("", []string{scope}), Target: stage.Target{Path: filepath.Join(w.dir, name), UID: -1, GID: -1}},
		resource.Parts{Renderer: show{w, name, keys, 0}, Stager: &stage.Disk{}, Commands: w})
}

// A render that fails stays failed when the interval looks at the file, and
// what was owed before is still tried.
func TestBrokenRenderAndDebt(t *testing.T) {
	w := newWorld(t, "/a", "1")
	w.opt.Interval = time.Minute
	w.fails("r", errors.New("refused"))
	w.play(func() []*resource.Resource { return []*resource.Resource{w.resource("x", reload("r"), "", "/a")} }, func(e *engine.Engine) {
		settle()
		w.store.Put("/a", "error")
		settle()
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if s := e.Status()[0]; s.State != resource.Failed || s.Step != "render" {
			t.Errorf("status: %+v", s)
		}
		w.fails("r", nil)
		w.forget()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.mu.Lock()
		if len(w.ran) == 0 {
			t.Error("the debt was forgotten")
		}
		w.mu.Unlock()
	})
}

// A thousand resources at once hold no thousand descriptors.
func TestBound(t *testing.T) {
	w := newWorld(t, "/a", "1")
	var most, now atomic.Int32
	w.play(func() (rs []*resource.Resource) {
		for i := range 1000 {
			r := resource.New(resource.Spec{ID: fmt.Sprint(i), Scope: kv.NewScope("", []string{"/"}), Target: stage.Target{Path: filepath.Join(w.dir, fmt.Sprint(i)), UID: -1, GID: -1},
				Check: command.Command{Shell: "check"}}, resource.Parts{Renderer: show{w, "x", []string{"/a"}, 0}, Stager: &stage.Disk{NoSync: true}, Commands: counting{&now, &most}})
			rs = append(rs, r)
		}
		return rs
	}, func(e *engine.Engine) {
		time.Sleep(time.Minute)
		synctest.Wait()
		if files, _ := filepath.Glob(filepath.Join(w.dir, "*")); len(files) != 1000 || most.Load() > 128 {
			t.Errorf("%d files, %d at once", len(files), most.Load())
		}
	})
}

type counting struct{ now, most *atomic.Int32 }

func (c counting) Run(context.Context, command.Command) (command.Result, error) {
	n := c.now.Add(1)
	defer c.now.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	time.Sleep(10 * time.Millisecond)
	return command.Result{}, nil
}
