package runtime_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/command"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/resource"
)

// noted counts commands instead of running them.
type noted struct{ runs int }

func (n *noted) Run(context.Context, command.Command) (command.Result, error) {
	n.runs++
	return command.Result{}, nil
}

// An offline runtime moves only when it is told to, by its own clock, and shows
// the same states as a daemon.
func TestOffline(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "a.conf")
	conf := "[template]\nsrc = \"a.tmpl\"\ndest = \"" + dest + "\"\nkeys = [\"/a\"]\nreload_cmd = \"r\"\nreload_when = 'first || settled(\"2s\")'\n"
	if err := os.Mkdir(filepath.Join(dir, "conf.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "conf.d", "a.toml"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	settings, _ := config.Merge(nil, nil, nil, false)
	daemon := settings.Daemon()
	daemon.Confdir, daemon.StateDir, daemon.Watch = dir, "", true
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	template := `{{getv "/a"}} {{exists "/b"}}`
	var plans, judged, applied int
	commands := &noted{}
	rt, err := runtime.Open(runtime.Options{Daemon: daemon, Commands: commands, Now: func() time.Time { return now }, Offline: &runtime.Offline{
		Labels:   map[string]string{"host": "test"},
		ReadFile: func(string) ([]byte, error) { return []byte(template), nil },
		Observer: resource.Observer{
			Planned: func(*resource.Plan, error) { plans++ },
			Judged:  func(*gate.Gate, gate.Input, gate.Verdict) { judged++ },
			Applied: func(resource.Outcome) { applied++ },
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	holds := func(want string) {
		t.Helper()
		if got, _ := os.ReadFile(dest); string(got) != want {
			t.Errorf("the file holds %q, want %q", got, want)
		}
	}
	state := func(want resource.State) {
		t.Helper()
		if got := rt.Status()[0].State; got != want {
			t.Errorf("the resource is %s, want %s", got, want)
		}
	}

	rt.Step(t.Context())
	holds("") // nothing was fed
	rt.Feed(backend.Batch{Full: true, Puts: []kv.Pair{{Key: "/a", Value: "1"}, {Key: "/b", Value: "2"}}})
	rt.Step(t.Context())
	holds("1 false")
	if commands.runs != 1 || plans != 1 || judged != 1 || applied != 1 {
		t.Errorf("%d commands, %d plans, %d judgements, %d outcomes", commands.runs, plans, judged, applied)
	}
	rt.Feed(backend.Batch{Puts: []kv.Pair{{Key: "/a", Value: "2"}}})
	if wake := rt.Step(t.Context()); !wake.Equal(now.Add(2 * time.Second)) {
		t.Errorf("there is more to do at %v", wake)
	}
	state(resource.Held)
	now = now.Add(2 * time.Second)
	rt.Step(t.Context())
	holds("2 false")

	rt.Lose(errors.New("away"))
	state(resource.InSync)
	now = now.Add(16 * time.Second)
	state(resource.Stale)
	rt.Feed(backend.Batch{})
	state(resource.InSync)

	os.WriteFile(dest, []byte("edited"), 0o644)
	rt.Step(t.Context())
	holds("edited")
	rt.Tick()
	rt.Step(t.Context())
	holds("2 false")

	wide, err := rt.Draft(t.Context(), "a", kv.NewSnapshot([]kv.Pair{{Key: "/a", Value: "3"}, {Key: "/b", Value: "4"}}), kv.NewScope("", []string{"/"}))
	if err != nil || string(wide.Content) != "3 true" {
		t.Errorf("a draft is %q, %v", wide.Content, err)
	}
	template = "new {{exists \"/a\"}}"
	rt.Reload()
	rt.Step(t.Context())
	holds("new true")
	rt.Feed(backend.Batch{Full: true}) // believed at once
	rt.Step(t.Context())
	now = now.Add(2 * time.Second)
	rt.Step(t.Context())
	holds("new false")
	if rt.Config("a").Dest != dest || rt.Config("b") != nil || rt.Scope("a").Prefix() != "" {
		t.Error("the resource is not what its file says")
	}
}
