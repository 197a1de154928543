package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/wasm"
	"github.com/wconf/wconf/runtime/wasm/wat"
)

// appending is a guest that, as a filter, puts its parameter's value behind
// what it gets; as a checker it accepts. A manifest declares the parameters.
func appending(t *testing.T, manifest, param string) []byte {
	t.Helper()
	bin := wat.Assemble(t, fmt.Sprintf(`(module
		(import "wconf/v1" "param" (func $param (param i32 i32 i32 i32) (result i32)))
		(import "wconf/v1" "input" (func $input (param i32 i32) (result i32)))
		(import "wconf/v1" "write" (func $write (param i32 i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "%s")
		(func (export "check") (result i32) (i32.const 0))
		(func (export "filter") (result i32) (local $n i32)
			(call $write (i32.const 100) (call $input (i32.const 100) (i32.const 1000)))
			(local.set $n (call $param (i32.const 0) (i32.const %d) (i32.const 100) (i32.const 100)))
			(if (i32.gt_s (local.get $n) (i32.const 0)) (then (call $write (i32.const 100) (local.get $n))))
			(i32.const 0)))`, param, len(param)))
	if manifest != "" {
		bin = append(bin, wat.Section(0, append([]byte("\x05wconf"), manifest...))...)
	}
	return bin
}

// confdir writes files into a new directory and settings for it; @DIR@ in a
// file stands for the directory.
func confdir(t *testing.T, files map[string][]byte) config.Daemon {
	t.Helper()
	dir := t.TempDir()
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, ".toml") {
			text = []byte(strings.ReplaceAll(string(text), "@DIR@", dir))
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	settings, _ := config.Merge(nil, nil, nil, false)
	daemon := settings.Daemon()
	daemon.Confdir, daemon.StateDir, daemon.Watch = dir, "", true
	return daemon
}

// committed is a module of the folder guests.
func committed(t *testing.T, path string) []byte {
	t.Helper()
	bin, err := os.ReadFile(filepath.Join("..", "guests", path))
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Guests of one resource share its parameters, and stdin is for the command
// that is its src.
func TestRolesCombine(t *testing.T) {
	guests := runtime.NewGuests("", slog.New(slog.DiscardHandler))
	defer guests.Close()
	modules := map[string][]byte{
		"templates/lines.wasm": committed(t, "lines-c/lines.wasm"),
		"templates/cidr.wasm":  committed(t, "cidr-rust/cidr.wasm"),
		"templates/one.wasm":   appending(t, `{"params":{"one":{"type":"int","default":"1"}}}`, "one"),
		"templates/two.wasm":   appending(t, `{"params":{"two":{}}}`, "two"),
		"templates/peek.wasm":  appending(t, `{"params":{"two":{}}}`, "one"),
		"templates/any.wasm":   appending(t, "", "one"),
		"templates/a.tmpl":     []byte(`{{getv "/app"}} `),
		"templates/f.tmpl":     []byte(`{{net_cidrhost "10.0.0.0/8" 3}} `),
		"templates/a.js":       []byte("`${getv(\"/app\")} ${param(\"free\", \"-\")} `"),
		"templates/mark.js":    []byte("input() + param(\"mark\", \"!\")"),
		"templates/even.js":    []byte("function check() { if (input().length % 2) fail(`odd ${param(\"one\")}`) }"),
		"templates/up.js":      []byte("function up(s) { return s.toUpperCase() + getv(\"/app\") }"),
		"templates/u.tmpl":     []byte(`{{js_up "a"}}{{range ls "/app"}}{{end}}`),
		"templates/wrong.tmpl": []byte(`{{js_up}}`),
	}
	for name, c := range map[string]struct{ resource, want, problem string }{
		"stdin beside a filter":                        {"src = \"lines.wasm\"\nstdin = \"lines\"\nfilters = [\"one.wasm\"]\nchecks = [\"two.wasm\"]", "upstream web {\n}\n1", ""},
		"one filter's parameter is another's stranger": {"src = \"a.tmpl\"\nfilters = [\"one.wasm\", \"two.wasm\"]\n[template.params]\none = \"7\"\ntwo = \"x\"", "v 7x", ""},
		"each gets what it declares":                   {"src = \"a.tmpl\"\nfilters = [\"peek.wasm\", \"one.wasm\"]\n[template.params]\none = \"7\"", "v 7", ""},
		"who declares nothing gets all":                {"src = \"a.tmpl\"\nfilters = [\"any.wasm\"]\nchecks = [\"one.wasm\"]\n[template.params]\none = \"7\"", "v 7", ""},
		"a script may ask for any":                     {"src = \"a.js\"\nfilters = [\"one.wasm\"]\n[template.params]\nfree = \"y\"", "v y 1", ""},
		"functions and a parameter of the check":       {"src = \"f.tmpl\"\nfunctions = { net = \"cidr.wasm\" }\nchecks = [\"one.wasm\"]\n[template.params]\none = \"7\"", "10.0.0.3 ", ""},
		"scripts in every role":                        {"src = \"u.tmpl\"\nfunctions = { js = \"up.js\" }\nfilters = [\"mark.js\", \"mark.js\"]\nchecks = [\"even.js\"]", "Av!!", ""},
		"a script among guests":                        {"src = \"lines.wasm\"\nfilters = [\"one.wasm\", \"mark.js\"]\nchecks = [\"two.wasm\"]\n[template.params]\nmark = \".\"", "upstream web {\n}\n1.", ""},
		"a script as src and as a filter":              {"src = \"a.js\"\nfilters = [\"mark.js\"]", "v - !", ""},
		"arguments of a script's function":             {"src = \"wrong.tmpl\"\nfunctions = { js = \"up.js\" }", "", "templates/wrong.tmpl:1:3: wrong number of args for js_up: want 1 got 0"},
		"a filter's script as a check":                 {"src = \"a.tmpl\"\nchecks = [\"mark.js\"]", "", "templates/mark.js: it has no function check"},
		"nobody declares it":                           {"src = \"a.tmpl\"\nfilters = [\"one.wasm\", \"two.wasm\"]\n[template.params]\ntwoo = \"x\"", "", `it has no parameter twoo (did you mean "two"?)`},
		"nobody, beside one that gets all":             {"src = \"a.tmpl\"\nfilters = [\"any.wasm\", \"one.wasm\"]\n[template.params]\nonee = \"x\"", "", `did you mean "one"?`},
		"of a wrong type":                              {"src = \"a.tmpl\"\nfilters = [\"two.wasm\", \"one.wasm\"]\n[template.params]\none = \"x\"", "", "guest one.wasm: parameter one must be an integer"},
		"stdin of a template":                          {"src = \"a.tmpl\"\nstdin = \"json\"", "", "stdin is for commands"},
		"functions of a guest":                         {"src = \"lines.wasm\"\nfunctions = { net = \"cidr.wasm\" }", "", "functions are for Go templates"},
		"a command as a filter":                        {"src = \"a.tmpl\"\nfilters = [\"lines.wasm\"]", "", "it is a command, which can only render a file"},
		"a filter that is not there":                   {"src = \"a.tmpl\"\nfilters = [\"none.wasm\"]", "", "conf.d/app.toml:5:11: missing guest"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string][]byte{"conf.d/app.toml": []byte("[template]\ndest = \"@DIR@/app.conf\"\nkeys = [\"/app\"]\n" + c.resource + "\n")}
			for path, bin := range modules {
				files[path] = bin
			}
			daemon := confdir(t, files)
			rt, err := runtime.Open(runtime.Options{Daemon: daemon, Offline: &runtime.Offline{Guests: guests}})
			if err != nil {
				t.Fatal(err)
			}
			defer rt.Close()
			if c.problem != "" {
				if p := rt.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), c.problem) {
					t.Errorf("got %v", p)
				}
				return
			}
			if p := rt.Problems(); len(p) > 0 {
				t.Fatalf("got %v", p)
			}
			rt.Feed(backend.Batch{Full: true, Puts: []kv.Pair{{Key: "/app", Value: "v"}}})
			rt.Step(t.Context())
			if got, err := os.ReadFile(filepath.Join(daemon.Confdir, "app.conf")); string(got) != c.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// Of 200 resources with guests, a changed key executes its readers and no
// others, though all of them may see it.
func TestGuestsOfOneKeyRun(t *testing.T) {
	files := map[string][]byte{
		"templates/nginx.wasm": committed(t, "nginx-c/nginx.wasm"),
		"templates/own.js": []byte("const own = param(\"own\");\n" +
			"`${getv(\"/app/\" + own)} ${own % 10 === 0 ? getv(\"/app/shared\") : ls(\"/app/list\")} ${exists(\"/app/maybe/\" + own)}\\n`"),
	}
	keys := map[string]string{"/app/shared": "0", "/app/list/a": "1"}
	for i := range 100 {
		files[fmt.Sprintf("conf.d/guest-%d.toml", i)] = fmt.Appendf(nil, "[template]\nsrc = \"nginx.wasm\"\ndest = \"@DIR@/guest-%d\"\nprefix = \"/site/%d\"\nkeys = [\"/\"]\n", i, i%20)
		files[fmt.Sprintf("conf.d/script-%d.toml", i)] = fmt.Appendf(nil, "[template]\nsrc = \"own.js\"\ndest = \"@DIR@/script-%d\"\nkeys = [\"/app\"]\n[template.params]\nown = \"%d\"\n", i, i)
		site := fmt.Sprintf("/site/%d", i%20)
		keys[site+"/nginx/upstream"], keys[site+"/nginx/listen"], keys[site+"/nginx/server_name"] = "web", "80", "www"
		keys[site+"/services/web/1/host"], keys[site+"/services/web/1/port"], keys[site+"/services/web/1/weight"] = "h", "1", "1"
		keys[fmt.Sprintf("/app/%d", i)] = "v"
	}
	daemon := confdir(t, files)
	var mu sync.Mutex
	executed := 0
	rt, err := runtime.Open(runtime.Options{Daemon: daemon, Offline: &runtime.Offline{GuestUsed: func(runtime.GuestUse) { mu.Lock(); executed++; mu.Unlock() }}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	if p := rt.Problems(); len(p) > 0 {
		t.Fatal(p)
	}
	step := func(b backend.Batch) int {
		executed = 0
		rt.Feed(b)
		rt.Step(t.Context())
		return executed
	}
	full := backend.Batch{Full: true}
	for k, v := range keys {
		full.Puts = append(full.Puts, kv.Pair{Key: k, Value: v})
	}
	if got := step(full); got != 200 {
		t.Fatalf("%d executions at the start", got)
	}
	for _, c := range []struct {
		put, value, delete string
		readers            int
		file               string // of a reader
		holds              string
	}{
		{"/site/7/nginx/listen", "8080", "", 5, "guest-27", "listen 8080;"},
		{"/site/7/services/web/2/host", "h2", "", 5, "guest-7", ""}, // a new server: it has no port yet
		{"", "", "/site/7/services/web/2/host", 5, "guest-7", "listen 8080;"},
		{"/site/7/other", "x", "", 0, "guest-7", "listen 8080;"},
		{"/app/42", "changed", "", 1, "script-42", "changed a false"},
		{"/app/shared", "1", "", 10, "script-30", "v 1 false"},
		{"/app/list/a", "2", "", 0, "script-1", "v a false"}, // ls: values do not matter
		{"/app/list/b", "2", "", 90, "script-1", "v a,b false"},
		{"/app/maybe/3", "x", "", 1, "script-3", "v a,b true"},
		{"/app/nobody", "x", "", 0, "script-3", "v a,b true"},
		{"/elsewhere", "x", "", 0, "script-3", "v a,b true"},
	} {
		b := backend.Batch{}
		if c.put != "" {
			b.Puts = []kv.Pair{{Key: c.put, Value: c.value}}
		} else {
			b.Deletes = []string{c.delete}
		}
		if got := step(b); got != c.readers {
			t.Errorf("%s%s: %d executions, want %d", c.put, c.delete, got, c.readers)
		}
		text, err := os.ReadFile(filepath.Join(daemon.Confdir, c.file))
		if err != nil || !strings.Contains(string(text), c.holds) {
			t.Errorf("%s: %s holds %q, %v", c.put, c.file, text, err)
		}
	}
}

// The reference of [template.limits] says what guests get, and what they may get
// at most.
func TestLimitsOfTheReference(t *testing.T) {
	for _, c := range []struct {
		name string
		of   func(config.Field) string
		want wasm.Limits
	}{
		{"defaults", func(f config.Field) string { return f.Default }, wasm.Defaults},
		{"ceilings", func(f config.Field) string { return f.Most }, wasm.Ceiling},
	} {
		file := filepath.Join(t.TempDir(), "x.toml")
		text := "[template]\nsrc = 'a'\ndest = 'b'\n[template.limits]\n"
		for _, f := range config.LimitFields {
			text += fmt.Sprintf("%s = %q\n", f.Name, c.of(f))
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		r, _, err := config.LoadResource(file, "x", "templates")
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(r.Limits.Memory, r.Limits.Fuel, r.Limits.Time, r.Limits.Stack, r.Limits.Output, r.Limits.Result, r.Limits.Calls, r.Limits.Reads)
		want := fmt.Sprint(c.want.Memory, c.want.Fuel, c.want.Time, c.want.Stack, c.want.Output, c.want.Result, c.want.Calls, c.want.Reads)
		if got != want {
			t.Errorf("%s: %s, but guests get %s", c.name, got, want)
		}
	}
}

// When wconf is to end, it does not wait until its guests are compiled: Open
// fails, and what a Reload has begun changes nothing.
func TestLoadsEndWithWconf(t *testing.T) {
	const resource = `[template]
src = "x.tmpl"
dest = "@DIR@/x"
keys = ["/"]
filters = ["append.wasm"]
`
	daemon := confdir(t, map[string][]byte{
		"conf.d/x.toml": []byte(resource), "templates/x.tmpl": []byte("x"), "templates/append.wasm": appending(t, "", "text"),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ending := false
	o := runtime.Options{Daemon: daemon, Loading: ctx, Offline: &runtime.Offline{ReadFile: func(path string) ([]byte, error) {
		if ending && strings.HasSuffix(path, ".wasm") {
			cancel() // just before it is compiled
		}
		return os.ReadFile(path)
	}}}
	rt, err := runtime.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ending = true
	if err := os.WriteFile(filepath.Join(daemon.Confdir, "templates/append.wasm"), appending(t, "", "longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	rt.Reload()
	if p := rt.Problems(); len(p) > 0 || len(rt.Resources()) != 1 {
		t.Errorf("the reload left %v of %v", p, rt.Resources())
	}
	if err := rt.Close(); err != nil {
		t.Error(err)
	}
	if rt, err := runtime.Open(o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v", rt, err)
	}
}
