package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

const everything = `
[Template]
SRC = "nginx.conf.tmpl"
dest = "/etc/nginx/nginx.conf"
keys = ["/services", "/tls"]
prefix = "/prod"
mode = "0640"
uid = 0
gid = 33
check_cmd = "nginx -t -c {{.src}}"
reload_cmd = ["systemctl", "reload", "nginx"]
check_cmd_timeout = "5s"
reload_cmd_timeout = "10s"
output_format = "yml"
functions = { net = "net.wasm" }
filters = ["fmt.wasm"]
checks = ["lint.wasm"]
reload_when = "touched(\"/tls/*\") || every(\"5m\")"
guard = "len(new) > 0"
min_reload_interval = "30s"
window = "Mon-Fri 02:00-04:30"
while_held = "new"
on_error = "reload"
on_drift = "report"
debounce = "2s"
allow_empty = true
secret = ["/tls/**"]
strict = true
stdin = "json-tree"
[template.params]
port = 80
name = "web"
[template.limits]
memory = "64MiB"
fuel = 1000
time = "2s"
[backend]
backend = "file"
file = ["/etc/keys.yaml"]
`

func load(t *testing.T, text string) (*Resource, []*problem.Problem, error) {
	t.Helper()
	dir := t.TempDir()
	return LoadResource(write(t, dir, "conf.d/nginx.toml", strings.Replace(text, "[template.", "[Template.", -1)), "nginx", dir+"/templates")
}

func TestResource(t *testing.T) {
	r, warnings, err := load(t, everything)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, details("", warnings))
	}
	want := &Resource{
		Name: "nginx", File: r.File, Src: "nginx.conf.tmpl", Dest: "/etc/nginx/nginx.conf", Keys: []string{"/services", "/tls"}, Prefix: "/prod",
		UID: 0, GID: 33, Mode: 0o640, HasMode: true,
		CheckCmd: Command{Shell: "nginx -t -c {{.src}}"}, ReloadCmd: Command{Argv: []string{"systemctl", "reload", "nginx"}},
		CheckCmdTimeout: 5 * time.Second, ReloadCmdTimeout: 10 * time.Second, OutputFormat: "yml",
		Functions: map[string]string{"net": "net.wasm"}, Filters: []string{"fmt.wasm"}, Checks: []string{"lint.wasm"}, Stdin: "json-tree",
		Params: map[string]string{"port": "80", "name": "web"}, Limits: Limits{Memory: 64 << 20, Fuel: 1000, Time: 2 * time.Second},
		ReloadWhen: `touched("/tls/*") || every("5m")`, Guard: "len(new) > 0", MinReloadInterval: 30 * time.Second, Window: "Mon-Fri 02:00-04:30",
		WhileHeld: "new", OnError: "reload", OnDrift: "report", Debounce: 2 * time.Second, DebounceMax: 20 * time.Second,
		AllowEmpty: true, Secret: []string{"/tls/**"}, Strict: true,
		Backend: r.Backend, templates: r.templates, doc: r.doc, table: "Template", written: r.written,
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	p := &problem.Problem{Msg: "unknown name", Len: 5}
	r.At("reload_when")(p, strings.Index(r.ReloadWhen, "every"))
	if p.Line != 18 || p.Col != 39 {
		t.Errorf("%s", p.Detail())
	}
	if s := r.Store(Store{Backend: "etcd", Nodes: []string{"a"}}); s.Backend != "file" || s.Files[0] != "/etc/keys.yaml" || s.Nodes != nil || s.Filter != "*" || !s.NullAsText {
		t.Errorf("%+v", s)
	}
	if s := r.Store(Store{Backend: "file", Filter: "*.json"}); s.Filter != "*.json" || s.Files[0] != "/etc/keys.yaml" {
		t.Errorf("%+v", s)
	}
}

func TestDefaults(t *testing.T) {
	r, warnings, err := load(t, "[template]\nsrc = 'a.tmpl'\ndest = 'out/a'\nmode = ''\nuid = -1\n")
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, details("", warnings))
	}
	if r.UID != -1 || r.GID != -1 || r.HasMode || r.WhileHeld != "old" || r.OnError != "fail" || r.OnDrift != "repair" || r.Backend != nil || !r.CheckCmd.IsZero() {
		t.Errorf("%+v", r)
	}
	if quiet, most := r.WithDebounce(time.Second); quiet != time.Second || most != 10*time.Second {
		t.Error(quiet, most)
	}
	if r.Store(Store{Backend: "etcd"}).Backend != "etcd" {
		t.Error("another store")
	}
}

func TestSources(t *testing.T) {
	r := &Resource{templates: "/etc/wconf/templates"}
	for src, want := range map[string]string{
		"a.tmpl": "template /etc/wconf/templates/a.tmpl", "sub/../b": "template /etc/wconf/templates/b", "../x/c": "template /etc/wconf/x/c",
		"/etc/passwd": "template /etc/wconf/templates/etc/passwd", "g.wasm": "wasm /etc/wconf/templates/g.wasm", "u.js": "script /etc/wconf/templates/u.js",
		"catalog:lb/haproxy@^1.4": "catalog ",
	} {
		if got := string(KindOf(src)) + " " + r.Path(src); got != want {
			t.Errorf("%s: %s, want %s", src, got, want)
		}
	}
}

func TestResourceProblems(t *testing.T) {
	const head = "[template]\nsrc = 'a'\ndest = 'b'\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty file", "", "a.toml: empty src template\n  write src = \"name.tmpl\""},
		{"empty src", "[template]\nsrc = ''\n", "a.toml:2:7: empty src template\n  2 | src = ''\n    |       ^^ write src = \"name.tmpl\""},
		{"no dest", "[template]\nsrc = 'a'\n", "a.toml:1:2: dest is missing: the file to write\n  1 | [template]\n    |  ^^^^^^^^"},
		{"no table", "template = 1\n", "a.toml:1:12: \"template\" must be a table, not an integer\n  1 | template = 1\n    |            ^"},
		{"unknown field", head + "\treload_comand = \"nginx -s reload\"\n", "a.toml:4:2: unknown key \"reload_comand\" in [template]\n  4 | \treload_comand = \"nginx -s reload\"\n    | \t^^^^^^^^^^^^^ did you mean \"reload_cmd\"?"},
		{"unknown table, once", head + "[tempalte]\nx = 1\n[other]\n", "a.toml:4:2: unknown key \"tempalte\"\n  4 | [tempalte]\n    |  ^^^^^^^^ did you mean \"template\"?\na.toml:6:2: unknown key \"other\"\n  6 | [other]\n    |  ^^^^^"},
		{"unknown limit", head + "[template.limits]\nmemry = 1\n", "a.toml:5:1: unknown key \"memry\" in [template.limits]\n  5 | memry = 1\n    | ^^^^^ did you mean \"memory\"?"},
		{"limit", head + "[template.limits]\nreads = '1GiB'\n", "a.toml:5:9: \"reads\" is above the most that wconf allows (256MiB)\n  5 | reads = '1GiB'\n    |         ^^^^^^"},
		{"limit in bytes", head + "[template.limits]\nstack = 4294967296\n", "a.toml:5:9: \"stack\" is above the most that wconf allows (1048576)\n  5 | stack = 4294967296\n    |         ^^^^^^^^^^"},
		{"limit of time", head + "limits = { time = '61s' }\n", "a.toml:4:19: \"time\" is above the most that wconf allows (1m)\n  4 | limits = { time = '61s' }\n    |                   ^^^^^"},
		{"limit below nothing", head + "[template.limits]\nreads = -1\n", "a.toml:5:9: \"reads\" is out of range\n  5 | reads = -1\n    |         ^^"},
		{"limit of letters", head + "[template.limits]\nreads = 'many'\n", "a.toml:5:9: invalid reads \"many\": it takes a size such as \"8MiB\" or \"65536\"\n  5 | reads = 'many'\n    |         ^^^^^^"},
		{"reserved", head + "apply_group = 'lb'\nhealth_cmd = 'x'\n", "a.toml:4:1: \"apply_group\" is not supported by this version\n  4 | apply_group = 'lb'\n    | ^^^^^^^^^^^ remove it\na.toml:5:1: \"health_cmd\" is not supported by this version\n  5 | health_cmd = 'x'\n    | ^^^^^^^^^^ remove it"},
		{"keys", head + "keys = '/app'\n", "a.toml:4:8: \"keys\" must be a list, not a string\n  4 | keys = '/app'\n    |        ^^^^^^ write ['/app']"},
		{"mode is a number", head + "mode = 420\n", "a.toml:4:8: \"mode\" must be a string, not an integer\n  4 | mode = 420\n    |        ^^^"},
		{"mode", head + "mode = 'rw-r--r--'\n", "a.toml:4:8: invalid mode \"rw-r--r--\": invalid syntax\n  4 | mode = 'rw-r--r--'\n    |        ^^^^^^^^^^^"},
		{"mode without 0", head + "mode = '644'\n", "a.toml:4:8: mode \"644\" is taken as octal; confd takes it as decimal\n  4 | mode = '644'\n    |        ^^^^^"},
		{"duration", head + "min_reload_interval = 'soon'\n", "a.toml:4:23: invalid min_reload_interval \"soon\": it takes a duration such as \"500ms\" or \"1m30s\"\n  4 | min_reload_interval = 'soon'\n    |                       ^^^^^^"},
		{"choice", head + "on_drift = 'repiar'\n", "a.toml:4:12: invalid on_drift \"repiar\": one of repair, report\n  4 | on_drift = 'repiar'\n    |            ^^^^^^^^ did you mean \"repair\"?"},
		{"no program", head + "reload_cmd = []\n", "a.toml:4:14: \"reload_cmd\" names no program\n  4 | reload_cmd = []\n    |              ^^"},
		{"a command of numbers", head + "reload_cmd = ['kill', 1]\n", "a.toml:4:23: element 2 of \"reload_cmd\" must be a string, not an integer\n  4 | reload_cmd = ['kill', 1]\n    |                       ^"},
		{"uid and owner", head + "uid = 1\nowner = 'www'\n", "a.toml:5:9: uid is set, owner is ignored\n  5 | owner = 'www'\n    |         ^^^^^"},
		{"params", head + "params = { a = { b = 1 } }\n", "a.toml:4:16: \"a\" must be a string, not a table\n  4 | params = { a = { b = 1 } }\n    |                ^^^^^^^^^"},
		{"debounce", head + "debounce = '5s'\ndebounce_max = '1s'\n", "a.toml:5:16: debounce_max is shorter than debounce\n  5 | debounce_max = '1s'\n    |                ^^^^"},
		{"in [backend]", head + "[backend]\nnode = 1\nwatch = true\n", "a.toml:5:8: \"node\" must be a list, not an integer\n  5 | node = 1\n    |        ^"},
		{"syntax", "[template\n", "a.toml:1:10: expected '.' or ']' to end table name, but got '\\n' instead\n  1 | [template\n    |          ^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			_, problems, err := LoadResource(write(t, dir, "a.toml", c.text), "a", "templates")
			if err != nil {
				problems = problemsOf(err)
			}
			if got := details(dir, problems); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// No file makes the loader panic, and every problem can be shown.
func FuzzResource(f *testing.F) {
	f.Add(everything)
	f.Add("[template]\nsrc = 1\nkeys = [[]]\nmode = '9'\nlimits = 3\n[[backend]]\n")
	f.Add("template.src = ''\n\"template\".\"dest\" = 'x'\nbackend = {node = ['a']}\n")
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := formats.Parse("f", []byte(text))
		if err != nil {
			return
		}
		r, warnings, err := newResource(doc, "f", "templates")
		for _, p := range warnings {
			_ = p.Detail()
		}
		if err != nil {
			for _, p := range problemsOf(err) {
				_ = p.Detail()
			}
			return
		}
		if r.Src == "" || r.Dest == "" {
			t.Error("without src or dest")
		}
		for _, f := range Fields {
			p := &problem.Problem{Len: 3}
			r.At(f.Name)(p, 2)
			_ = p.Detail() + r.Problem("", "m", "", f.Name).Detail()
		}
		r.Store(Store{Backend: "etcd"})
		_, _, _ = isTest(doc), key(doc, "template"), r.Path(r.Src)
	})
}
