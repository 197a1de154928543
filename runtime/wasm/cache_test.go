package wasm_test

import (
	"bytes"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/wasm"
)

// hello loads and runs a guest once in a runtime of its own on a cache.
func hello(t testing.TB, dir string, between func()) (log string) {
	t.Helper()
	var b bytes.Buffer
	r, err := wasm.NewRuntime(wasm.Options{Cache: dir, Log: slog.New(slog.NewTextHandler(&b, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if between != nil {
		between()
	}
	m, err := r.Load(t.Context(), "hello.wasm", guest(t, `(call $write (i32.const 0) (i32.const 5))`))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := run(t, m, wasm.Invocation{}); err != nil || got != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if m.Inspect().Exports[0] != "render" {
		t.Errorf("inspection %+v", m.Inspect())
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return b.String()
}

// files are the contents of a directory's files by path.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "cache")
	hello(t, dir, nil)
	first := files(t, dir)
	if len(first) != 4 { // the rewritten module and the machine code, each with its sum
		t.Fatalf("files %q", slices.Sorted(maps.Keys(first)))
	}
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	for path := range first {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	hello(t, dir, nil)
	for path := range files(t, dir) {
		if info, err := os.Stat(path); err != nil || !info.ModTime().Equal(long) {
			t.Errorf("%s was written again, %v", path, err)
		}
	}
}

// Every byte of every file may be damaged, before the start or after it: what
// does not fit is built again.
func TestDamagedCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	hello(t, dir, nil)
	want := files(t, dir)
	damage := map[string]func(string) string{
		"flipped": func(s string) string { b := []byte(s); b[len(b)/2] ^= 0x10; return string(b) },
		"cut":     func(s string) string { return s[:len(s)/2] },
		"empty":   func(string) string { return "" },
	}
	for name, f := range damage {
		for path := range want {
			break1 := func() {
				if err := os.WriteFile(path, []byte(f(want[path])), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			break1()
			hello(t, dir, nil)
			if got := files(t, dir); !maps.Equal(got, want) {
				t.Errorf("%s %s: the cache is not as before", name, filepath.Base(path))
			}
			if name == "flipped" && !strings.Contains(path, ".guest-") && !strings.HasSuffix(path, ".sha256") {
				continue // after the start wazero reads machine code by itself; see TestMachineCodeDamagedLater
			}
			hello(t, dir, break1)
			hello(t, dir, nil)
			if got := files(t, dir); !maps.Equal(got, want) {
				t.Errorf("%s %s after the start: the cache is not as before", name, filepath.Base(path))
			}
		}
	}
}

// wazero refuses machine code whose checksum is wrong; then all is built again.
func TestMachineCodeDamagedLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	hello(t, dir, nil)
	log := hello(t, dir, func() {
		for path, b := range files(t, dir) {
			if strings.Contains(path, ".guest-") || strings.HasSuffix(path, ".sha256") {
				continue
			}
			if err := os.WriteFile(path, []byte(b[:len(b)-20]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	if !strings.Contains(log, "it is emptied") {
		t.Errorf("log %q", log)
	}
}

// A cache that cannot be written to is said once, and guests run all the same.
func TestLostCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	log := hello(t, dir, func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
	})
	if !strings.Contains(log, "compiled guest is not kept") {
		t.Errorf("log %q", log)
	}
}

func TestCacheOfOthers(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := wasm.NewRuntime(wasm.Options{Cache: dir}); err == nil || !strings.Contains(err.Error(), "mode 0755") {
		t.Errorf("got %v", err)
	}
}

func TestCacheOfAnotherUserAsRoot(t *testing.T) {
	needs.Root(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := wasm.NewRuntime(wasm.Options{Cache: dir}); err == nil || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("got %v", err)
	}
}

// Files that nobody used for half a year go.
func TestOldCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	hello(t, dir, nil)
	for path := range files(t, dir) {
		if err := os.Chtimes(path, time.Time{}, time.Now().AddDate(-1, 0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	newRuntime(t, wasm.Options{Cache: dir})
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left are %q", slices.Sorted(maps.Keys(left)))
	}
}
