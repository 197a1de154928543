package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wconf/wconf/guests"
	"github.com/wconf/wconf/runtime/needs"
)

// In every language that `guest new` offers, a new guest builds, passes its own
// tests and renders.
func TestNewGuests(t *testing.T) {
	tools := map[string][]string{"c": {"clang", "wasm-ld"}, "rust": {"rustc"}, "go": {"go"}, "js": nil}
	for _, lang := range guests.Languages() {
		t.Run(lang, func(t *testing.T) {
			for _, tool := range tools[lang] {
				needs.Tool(t, tool)
			}
			withCompilers(t, lang+".txtar")
		})
	}
}

// While one works on a guest, each save builds it, shows what has changed, and
// an error with its place.
func TestDevBuilds(t *testing.T) {
	needs.Tool(t, "clang")
	needs.Tool(t, "wasm-ld")
	withCompilers(t, "dev-build.txtar")
}

// withCompilers plays a script in which go finds what it built before.
func withCompilers(t *testing.T, script string) {
	builds, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{filepath.Join("testdata", "toolchain", script)},
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOCACHE", string(bytes.TrimSpace(builds)))
			env.Setenv("WCONF_STATE_DIR", filepath.Join(env.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"rc": rc, "eventually": eventually, "signal": sendSignal},
	})
}

// `guest build` compiles as the Makefile of the committed guests does.
func TestBuildCommittedGuests(t *testing.T) {
	needs.Check(t, "clang and lld")
	needs.Tool(t, "clang")
	needs.Tool(t, "wasm-ld")
	for _, guest := range []string{"nginx-c/nginx", "galera-c/galera"} {
		source := filepath.Join("..", "..", "guests", guest)
		out := filepath.Join(t.TempDir(), "built.wasm")
		var said bytes.Buffer
		if code := wconf([]string{"wconf", "guest", "build", filepath.Dir(source), "-o", out}, nil, &said, &said); code != exitOK {
			t.Fatalf("%s: exit %d\n%s", guest, code, said.String())
		}
		built, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if committed, err := os.ReadFile(source + ".wasm"); err != nil || !bytes.Equal(built, committed) {
			t.Errorf("%s: %d bytes were built, %d are committed (%v)", guest, len(built), len(committed), err)
		}
	}
}
