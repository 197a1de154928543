package demo

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBeats plays the demo on a wconf that is built from this tree.
func TestBeats(t *testing.T) {
	wconf := filepath.Join(t.TempDir(), "wconf")
	if out, err := exec.Command("go", "build", "-o", wconf, "github.com/wconf/wconf/cmd/wconf").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var said strings.Builder
	w, err := newWorld(t.Context(), Options{Wconf: []string{wconf}, Dir: t.TempDir(), Out: &said})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	for _, b := range beats {
		ok := t.Run(b.title, func(t *testing.T) {
			said.Reset()
			if err := b.play(w); err != nil {
				t.Fatalf("%v\n%s\n%v", err, said.String(), w.lastLines())
			}
			t.Log("\n" + said.String())
		})
		if !ok {
			return
		}
	}
}
