package main

import (
	"bytes"
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
	tools := map[string][]string{"c": {"clang", "wasm-ld"}, "rust": {"rustc"}, "go": {"go"}}
	for _, lang := range guests.Languages() {
		t.Run(lang, func(t *testing.T) {
			for _, tool := range tools[lang] {
				needs.Tool(t, tool)
			}
			builds, err := exec.Command("go", "env", "GOCACHE").Output()
			if err != nil {
				t.Fatal(err)
			}
			testscript.Run(t, testscript.Params{
				Files:               []string{filepath.Join("testdata", "toolchain", lang+".txtar")},
				RequireExplicitExec: true,
				Setup: func(env *testscript.Env) error {
					env.Setenv("GOCACHE", string(bytes.TrimSpace(builds)))
					env.Setenv("WCONF_STATE_DIR", filepath.Join(env.WorkDir, "state"))
					return nil
				},
				Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"rc": rc},
			})
		})
	}
}
