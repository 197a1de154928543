package runtime_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/wasm"
)

// withScript is a confdir with one resource, whose source is app.js.
func withScript(t *testing.T, source, more string) config.Daemon {
	t.Helper()
	dir := t.TempDir()
	for path, text := range map[string]string{
		"conf.d/app.toml":  "[template]\nsrc = \"app.js\"\ndest = \"" + filepath.Join(dir, "app.conf") + "\"\nkeys = [\"/app\"]\n" + more,
		"templates/app.js": source,
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	settings, _ := config.Merge(nil, nil, nil, false)
	daemon := settings.Daemon()
	daemon.Confdir, daemon.StateDir, daemon.Watch = dir, "", true
	return daemon
}

// A script is a source like any other: it is rendered, and rendered again when
// a key that it read changes.
func TestScript(t *testing.T) {
	daemon := withScript(t, "const render = () => `${param(\"wconf.name\")} ${getv(\"/app/port\")}\\n`", "")
	var used []wasm.Stats
	rt, err := runtime.Open(runtime.Options{Daemon: daemon, Offline: &runtime.Offline{GuestUsed: func(u runtime.GuestUse) { used = append(used, u.Stats) }}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	for _, port := range []string{"80", "81"} {
		rt.Feed(backend.Batch{Full: true, Puts: []kv.Pair{{Key: "/app/port", Value: port}}})
		rt.Step(t.Context())
		got, err := os.ReadFile(filepath.Join(daemon.Confdir, "app.conf"))
		if err != nil || string(got) != "app "+port+"\n" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if len(used) != 2 || used[0].Fuel == 0 || used[0].Calls["getv"] != 1 {
		t.Errorf("used %+v", used)
	}
}

// What does not fit a script is said with its place in the resource.
func TestScriptThatDoesNotFit(t *testing.T) {
	guests := runtime.NewGuests("", slog.New(slog.DiscardHandler))
	defer guests.Close()
	for words, c := range map[string]struct{ source, more string }{
		"app.js:1:9: SyntaxError":        {"let x = ;", ""},
		"it starts with":                 {`"x"`, "[template.limits]\nmemory = \"1MiB\"\n"},
		"stdin is for commands":          {`"x"`, "stdin = \"json\"\n"},
		"functions are for Go templates": {`"x"`, "functions = { net = \"net.wasm\" }\n"},
		"app.js: it has no function":     {`"x"`, "checks = [\"app.js\"]\n"},
		"missing script":                 {`"x"`, "filters = [\"none.js\"]\n"},
		"no Wasm guest (*.wasm) and no":  {`"x"`, "filters = [\"none.tmpl\"]\n"},
	} {
		rt, err := runtime.Open(runtime.Options{Daemon: withScript(t, c.source, c.more), Offline: &runtime.Offline{Guests: guests}})
		if err != nil {
			t.Fatal(err)
		}
		if p := rt.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), words) {
			t.Errorf("%s: got %v", words, p)
		}
		rt.Close()
	}
}
