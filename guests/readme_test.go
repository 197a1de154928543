package guests_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/kv"
	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/render/guest"
	"github.com/wconf/wconf/runtime/render/script"
)

// blocks are the code blocks of a section of README.md, by their language.
func blocks(t *testing.T, section string) map[string][]string {
	t.Helper()
	_, text, ok := strings.Cut(string(read(t, "README.md")), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("README.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	all := map[string][]string{}
	for {
		_, rest, ok := strings.Cut(text, "\n```")
		if !ok {
			return all
		}
		language, rest, _ := strings.Cut(rest, "\n")
		code, rest, _ := strings.Cut(rest, "```")
		all[language] = append(all[language], code)
		text = rest
	}
}

// Whoever follows README.md in an empty directory gets a guest.
func TestReadmeByHand(t *testing.T) {
	for _, c := range []struct {
		section, language, source string
		sdk, as                   string // where it is copied to
		needs                     func(t *testing.T)
		want                      string
	}{
		{"By hand, in C", "c", "site.c", "sdk/c/wconf.h", "wconf.h", func(t *testing.T) {
			needs.Tool(t, "clang")
			needs.Tool(t, "wasm-ld")
		}, "listen 80;\n"},
		{"By hand, in Rust", "rust", "site.rs", "sdk/rust/wconf.rs", "wconf.rs", func(t *testing.T) {
			needs.Check(t, "Debian's rustc and its wasm32 library")
			t.Setenv("PATH", "/usr/bin:"+os.Getenv("PATH"))
		}, "listen 80;\n"},
		{"By hand, in Go", "go", "main.go", "sdk/go/wconf.go", "wconf/wconf.go", func(t *testing.T) {
			needs.Tool(t, "go")
			t.Setenv("GOWORK", "off")
		}, "listen 80;\n"},
		{"No SDK at all", "c", "site.c", "", "", func(t *testing.T) { needs.Check(t, "clang, lld, wasi-libc") }, "/nginx/listen = 80\n"},
	} {
		t.Run(c.section, func(t *testing.T) {
			needs.Tool(t, "sh")
			c.needs(t)
			code, dir := blocks(t, c.section), t.TempDir()
			files := map[string]string{c.source: code[c.language][0]}
			if c.sdk != "" {
				files[c.as] = string(read(t, c.sdk))
			}
			for name, text := range files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			build := exec.Command("sh", "-ec", code["sh"][0])
			build.Dir = dir
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			m, err := newRuntime(t).Load(t.Context(), "site.wasm", read(t, filepath.Join(dir, "site.wasm")))
			if err != nil {
				t.Fatal(err)
			}
			g, err := guest.New(m, guest.Options{})
			if err != nil {
				t.Fatal(err)
			}
			v := kv.NewView(kv.NewSnapshot([]kv.Pair{{Key: "/nginx/listen", Value: "80"}}), kv.NewScope("", []string{"/"}))
			if got, err := g.Render(t.Context(), v); err != nil || string(got) != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// The scripts of README.md do what stands there.
func TestReadmeScripts(t *testing.T) {
	code := blocks(t, "Five minutes in JavaScript")["js"]
	roles := []guest.Role{guest.Renderer, guest.Functions, guest.Filter, guest.Checker}
	if len(code) != len(roles) {
		t.Fatalf("there are %d scripts", len(code))
	}
	m, err := script.Load(t.Context(), newRuntime(t), "site.js")
	if err != nil {
		t.Fatal(err)
	}
	var all []*script.Script
	for n, text := range code {
		s, err := script.New(t.Context(), m, []byte(text), script.Options{Role: roles[n], File: "site.js"})
		if err != nil {
			t.Fatalf("%s: %v", roles[n], err)
		}
		all = append(all, s)
	}
	v := kv.NewView(kv.NewSnapshot([]kv.Pair{{Key: "/services/web/1/host", Value: "h"}}), kv.NewScope("", []string{"/services/web"}))
	if got, err := all[0].Render(t.Context(), v); err != nil || string(got) != "upstream web {\n    server h:8080;\n}\n" {
		t.Errorf("%q, %v", got, err)
	}
	calls, err := all[1].Open(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	defer calls.Close()
	if got, err := calls.Call(t.Context(), "url", []string{"10.0.0.1", "80"}); err != nil || got != "http://10.0.0.1:80/" || len(all[1].Names()) != 1 {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := all[2].Filter(t.Context(), v, []byte("a\n\nb\n")); err != nil || string(got) != "    a\n\n    b\n" {
		t.Errorf("%q, %v", got, err)
	}
	if err := all[3].Check(t.Context(), v, []byte("server {\n  listen 80;\n}\n")); err != nil {
		t.Error(err)
	}
	if err := all[3].Check(t.Context(), v, []byte("server {\n}\n")); err == nil || !strings.Contains(err.Error(), "it listens nowhere") {
		t.Errorf("got %v", err)
	}
}
