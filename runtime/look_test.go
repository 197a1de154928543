package runtime_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/config"
	"github.com/wconf/wconf/runtime/problem"
)

// lookAt opens a configuration with one resource, "app", over a file of keys.
func lookAt(t *testing.T, template string) (*runtime.Runtime, string) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "app.conf")
	for name, text := range map[string]string{
		"conf.d/app.toml":    "[template]\nsrc = \"app.tmpl\"\ndest = \"" + dest + "\"\nkeys = [\"/\"]\nsecret = [\"/tls/**\", \"/pw\"]\n",
		"templates/app.tmpl": template,
		"keys.yaml":          "name: shop\n",
		"app.conf":           "name old\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings, _ := config.Merge(nil, nil, nil, false)
	d := settings.Daemon()
	d.Confdir, d.StateDir = dir, filepath.Join(dir, "state")
	d.Store.Backend, d.Store.Files = "file", []string{filepath.Join(dir, "keys.yaml")}
	rt, err := runtime.Open(runtime.Options{Daemon: d})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close() })
	return rt, dest
}

// Looking renders and compares, and leaves the destination as it is.
func TestLook(t *testing.T) {
	rt, dest := lookAt(t, `name {{getv "/name"}}`)
	for _, name := range []string{"app", "app.toml", dest} {
		l, err := rt.Look(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		keys, err := l.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		plan, err := l.Plan(t.Context(), keys)
		if err != nil || string(plan.Content) != "name shop" {
			t.Fatalf("%q, %v", plan.Content, err)
		}
		standing, err := l.Compare(t.Context(), plan.Content)
		if err != nil || !standing.Difference.Content || !standing.Private || string(standing.Content) != "name old\n" {
			t.Errorf("%+v, %v", standing, err)
		}
	}
	if text, _ := os.ReadFile(dest); string(text) != "name old\n" {
		t.Errorf("the destination holds %q", text)
	}
}

func TestLookAtNothing(t *testing.T) {
	rt, _ := lookAt(t, `{{`)
	if _, err := rt.Look("nope"); !errors.Is(err, runtime.ErrNoResource) {
		t.Errorf("nope: %v", err)
	}
	_, err := rt.Look("app")
	var p *problem.Problem
	if !errors.As(err, &p) || p.Code != problem.TemplateParse {
		t.Errorf("a template that does not parse: %v", err)
	}
	if len(rt.Looks()) != 0 {
		t.Error("a broken resource can be looked at")
	}
}

func TestSecret(t *testing.T) {
	rt, _ := lookAt(t, `x`)
	l, err := rt.Look("app")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{"/tls": true, "/tls/a/b": true, "/pw": true, "/pw/a": false, "/tlsx": false, "/a/tls/b": false} {
		if l.Secret(key) != want {
			t.Errorf("%s: %v", key, !want)
		}
	}
}
