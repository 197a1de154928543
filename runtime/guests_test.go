package runtime_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/wasm"
)

// Compiled guests lie below the state directory; where they cannot, ordinary
// users keep them among their caches, and root is told.
func TestWhereGuestsAreKept(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", t.TempDir())
	own, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := t.TempDir()
	for _, c := range []struct{ stateDir, kept string }{
		{"", ""}, {good, filepath.Join(good, "guests")}, {file, filepath.Join(own, "wconf", "guests")},
	} {
		said := os.Geteuid() == 0 && c.stateDir == file
		if said {
			c.kept = ""
		}
		var log bytes.Buffer
		r, err := runtime.OpenGuests(c.stateDir, wasm.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Load(t.Context(), "env.wasm", committed(t, "env-c/env.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(log.String(), "compiled guests are not kept") != said {
			t.Errorf("%s: log %q", c.stateDir, &log)
		}
		for _, dir := range []string{filepath.Join(good, "guests"), filepath.Join(own, "wconf", "guests")} {
			if files, _ := os.ReadDir(dir); len(files) > 0 != (dir == c.kept) {
				t.Errorf("%s: %d files in %s", c.stateDir, len(files), dir)
			}
			os.RemoveAll(dir)
		}
	}
}
