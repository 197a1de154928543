package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/problem"
)

// write puts a file, and the folders that it needs, below dir.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// details is problems as a terminal shows them, without the directory.
func details(dir string, problems []*problem.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, strings.ReplaceAll(p.Detail(), dir+"/", ""))
	}
	return strings.Join(all, "\n")
}

func TestLoadDaemon(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "confd.toml", `
BACKEND = "file"
Nodes = ["a:1", "b:2"]
interval = 60
log-level = "ERROR"
sync_only = true
keepstagefile = true
client_cakeys = "ca.pem"
debounce = "2s"
auth_token = "t"
`)
	layer, warnings, err := LoadDaemon(path)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, details(dir, warnings))
	}
	s, _ := Merge(layer, nil, nil, false)
	d := s.Daemon()
	if d.Store.Backend != "file" || !slices.Equal(d.Store.Nodes, []string{"a:1", "b:2"}) || d.Interval != time.Minute || d.LogLevel != "error" ||
		!d.SyncOnly || !d.KeepStageFile || d.Store.ClientCAKeys != "ca.pem" || d.Debounce != 2*time.Second {
		t.Errorf("%+v", d)
	}
	if d.Confdir != "/etc/wconf" || !d.FSync || !d.Store.NullAsText || d.Store.Filter != "*" || d.FailureMode != "best-effort" {
		t.Errorf("defaults: %+v", d)
	}
	if v := s.Value("interval"); v.Source != File || !strings.HasSuffix(v.From, "confd.toml:4:1") || s.Set("watch") {
		t.Errorf("%+v", v)
	}
	if got := s.Unserved(); !slices.Equal(got, []string{"auth-token"}) {
		t.Errorf("unserved %v", got)
	}
}

func TestBackendTable(t *testing.T) {
	dir := t.TempDir()
	layer, warnings, err := LoadDaemon(write(t, dir, "wconf.toml", "prefix = '/p'\n[backend]\nbackend = 'rancher'\nnull_as_text = false\nmissing = 'error'\ninterval = 5\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := details(dir, warnings), "wconf.toml:6:1: unknown key \"interval\" in [backend]\n  6 | interval = 5\n    | ^^^^^^^^"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s, _ := Merge(layer, nil, nil, false)
	if d := s.Daemon(); d.Store.Backend != "rancher" || d.Store.NullAsText || d.Store.Missing != "error" || d.Interval != 10*time.Minute {
		t.Errorf("%+v", d)
	}
}

func TestDaemonProblems(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "prefx = '/p'\n", "wconf.toml:1:1: unknown key \"prefx\"\n  1 | prefx = '/p'\n    | ^^^^^ did you mean \"prefix\"?"},
		{"twice", "log-level = 'info'\nlog_level = 'debug'\n", "wconf.toml:2:1: \"log_level\" is set before, at wconf.toml:1:1; this one counts\n  2 | log_level = 'debug'\n    | ^^^^^^^^^"},
		{"type", "nodes = 'a:1'\n", "wconf.toml:1:9: \"nodes\" must be a list, not a string\n  1 | nodes = 'a:1'\n    |         ^^^^^ write ['a:1']"},
		{"element", "nodes = ['a', 1]\n", "wconf.toml:1:15: element 2 of \"nodes\" must be a string, not an integer\n  1 | nodes = ['a', 1]\n    |               ^"},
		{"choice", "missing = 'eror'\n", "wconf.toml:1:11: invalid missing \"eror\": one of absent, error\n  1 | missing = 'eror'\n    |           ^^^^^^ did you mean \"error\"?"},
		{"duration", "debounce = '2'\n", "wconf.toml:1:12: invalid debounce \"2\": it takes a duration such as \"500ms\" or \"1m30s\"\n  1 | debounce = '2'\n    |            ^^^"},
		{"negative", "interval = -1\n", "wconf.toml:1:12: \"interval\" is out of range\n  1 | interval = -1\n    |            ^^"},
		{"two of them", "watch = 1\nnoop = 'x'\n", "wconf.toml:1:9: \"watch\" must be a boolean, not an integer\n  1 | watch = 1\n    |         ^\nwconf.toml:2:8: \"noop\" must be a boolean, not a string\n  2 | noop = 'x'\n    |        ^^^"},
		{"syntax", "prefix = \n", "wconf.toml:1:10: expected value but found '\\n' instead\n  1 | prefix = \n    |          ^"},
		{"a password is not shown", "password = 12345\n", "wconf.toml:1:12: \"password\" must be a string, not an integer"},
		{"nor by the parser", "password = hunter2\n", "wconf.toml:1:12: this line is not TOML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			_, problems, err := LoadDaemon(write(t, dir, "wconf.toml", c.text))
			if err != nil {
				problems = problemsOf(err)
			}
			if got := strings.ReplaceAll(details(dir, problems), dir+"/", ""); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	if _, _, err := LoadDaemon(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"WCONF_PREFIX": "/w", "CONFD_PREFIX": "/c", "CONFD_NODE": "a, b", "WCONF_BACKEND": "", "CONFD_BACKEND": "rancher",
		"CONFD_CLIENT_CAKEYS": "ca", "WCONF_WATCH": "yes", "WCONF_INTERVAL": "soon", "WCONF_MISSING": "eror", "WCONF_PASSWORD": "hunter2",
	}
	layer, problems := Environment(func(name string) string { return env[name] })
	got := map[string]any{}
	for name, v := range layer {
		got[name] = v.Any
	}
	if got["prefix"] != "/w" || got["backend"] != "rancher" || got["client-ca-keys"] != "ca" || got["watch"] != true || !slices.Equal(got["node"].([]string), []string{"a", "b"}) {
		t.Errorf("%v", got)
	}
	want := "the variable WCONF_INTERVAL: invalid interval \"soon\": it takes a duration such as \"500ms\" or \"1m30s\"\n" +
		"the variable WCONF_MISSING: invalid missing \"eror\": one of absent, error\n  did you mean \"error\"?"
	if got := details("", problems); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPrecedence(t *testing.T) {
	file := Layer{"prefix": {"/file", File, "confd.toml:1:1"}, "password": {"hunter2", File, "confd.toml:2:1"}, "noop": {false, File, "confd.toml:3:1"}}
	env := Layer{"prefix": {"/env", Env, "CONFD_PREFIX"}, "client-cert": {"env.pem", Env, "CONFD_CLIENT_CERT"}, "debug": {true, Env, "CONFD_DEBUG"}}
	flags := Layer{"prefix": {"/flag", Flag, "-prefix"}, "password": {"hunter3", Flag, "-password"}, "noop": {false, Flag, "-noop"}}

	s, warnings := Merge(file, env, flags, false)
	if d := s.Daemon(); d.Prefix != "/flag" || d.Store.ClientCert != "env.pem" || len(warnings) > 0 || d.LogLevel != "debug" {
		t.Errorf("wconf: %+v %v", d, warnings)
	}
	if s, _ := Merge(file, env, nil, false); s.Daemon().Prefix != "/env" {
		t.Errorf("the environment does not beat the file")
	}
	s, warnings = Merge(file, env, flags, true)
	if d := s.Daemon(); d.Prefix != "/file" || d.Store.Password != "hunter2" || d.Store.ClientCert != "env.pem" {
		t.Errorf("confd: %+v", d)
	}
	want := []string{
		"-prefix is overruled by confd.toml:1:1, as in confd 0.16; under the name wconf flags win",
		"-password is overruled by confd.toml:2:1, as in confd 0.16; under the name wconf flags win",
	}
	if !slices.Equal(warnings, want) {
		t.Errorf("warnings %q", warnings)
	}
	flags["log-level"] = Value{"warn", Flag, "-log-level"}
	if s, _ := Merge(file, env, flags, false); s.Daemon().LogLevel != "warn" {
		t.Error("debug beats log-level")
	}
}

func TestWithPeers(t *testing.T) {
	if s := (Store{Backend: "etcd"}).WithPeers("http://a:4001, http://b:4001"); !slices.Equal(s.Nodes, []string{"http://a:4001", "http://b:4001"}) {
		t.Errorf("%v", s.Nodes)
	}
	if s := (Store{Backend: "rancher"}).WithPeers("x"); s.Nodes != nil {
		t.Errorf("%v", s.Nodes)
	}
	if s := (Store{Backend: "etcd", Nodes: []string{"y"}}).WithPeers("x"); s.Nodes[0] != "y" {
		t.Errorf("%v", s.Nodes)
	}
}

func TestDaemonFile(t *testing.T) {
	dir := t.TempDir()
	if got := DaemonFile("x.toml", dir); got != "x.toml" {
		t.Error(got)
	}
	if got := DaemonFile("", dir); got != dir+"/confd.toml" {
		t.Error(got)
	}
	write(t, dir, "wconf.toml", "")
	if got := DaemonFile("", dir); got != dir+"/wconf.toml" {
		t.Error(got)
	}
	resource := write(t, dir, "conf.d/a.toml", "[Template]\nsrc = 'a'\n")
	test := write(t, dir, "conf.d/b.toml", "format = 1\n[template]\nsrc = 'a'\n[[case]]\n")
	if !IsResource(resource) || IsResource(test) || IsResource(dir+"/wconf.toml") || IsResource(dir+"/none") {
		t.Error("IsResource")
	}
	if got := TemplateDir(resource, "/etc/wconf", false); got != dir+"/templates" {
		t.Error(got)
	}
	if got := TemplateDir(resource, "/etc/wconf", true); got != "/etc/wconf/templates" {
		t.Error(got)
	}
	if got := TemplateDir(dir+"/wconf.toml", "/etc/wconf", false); got != "/etc/wconf/templates" {
		t.Error(got)
	}
}
