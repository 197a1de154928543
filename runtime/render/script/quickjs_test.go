package script

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/hostfuncs"
	"github.com/wconf/wconf/runtime/needs"
	"github.com/wconf/wconf/runtime/wasm"
)

// recorded is a line of quickjs/VERSION.
func recorded(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("quickjs/VERSION")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("quickjs/VERSION has no %s", name)
	return ""
}

// The engine is what VERSION and the code say.
func TestEngineIsRecorded(t *testing.T) {
	sum := wasm.Digest(sha256.Sum256(engine))
	if sum != engineDigest || sum.String() != "sha256:"+recorded(t, "sha256") {
		t.Errorf("the engine is %s", sum)
	}
}

// The engine adds little to the program: its size as downloads carry it.
func TestEngineIsSmall(t *testing.T) {
	var n counter
	z, err := gzip.NewWriterLevel(&n, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(engine); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if n > 800_000 {
		t.Errorf("%d bytes", n)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// The engine is the one of the npm package, byte for byte.
func TestEngineIsThePackages(t *testing.T) {
	needs.Check(t, "npm and its registry")
	npm := needs.Tool(t, "npm")
	dir := t.TempDir()
	name, version, _ := strings.Cut(recorded(t, "npm package"), " ")
	pack := exec.Command(npm, "pack", "--silent", name+"@"+strings.TrimSpace(version))
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		t.Fatalf("npm pack: %v\n%s", err, out)
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("%q, %v", archives, err)
	}
	for inside, ours := range map[string]string{"package/quickjs.wasm": "quickjs/quickjs.wasm", "package/LICENSE": "quickjs/LICENSE"} {
		committed, err := os.ReadFile(ours)
		if err != nil {
			t.Fatal(err)
		}
		if published := member(t, archives[0], inside); string(published) != string(committed) {
			t.Errorf("%s has %d bytes, and the package's %d, and they differ", ours, len(committed), len(published))
		}
	}
}

// member is one file of an archive.
func member(t *testing.T, archive, name string) []byte {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(z); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("%s has no %s", archive, name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Name != name {
			continue
		}
		b, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// Scripts see every host function, or there is a reason why not; and the prelude
// defines what is declared.
func TestEveryFunctionIsDeclared(t *testing.T) {
	declared := map[string]bool{}
	for _, d := range declarations {
		declared[d.host] = true
		if !strings.Contains(prelude, "\n    "+d.host+"(") || !strings.HasPrefix(d.text, d.host) {
			t.Errorf("the prelude has no %s", d.host)
		}
	}
	var names []string
	for _, f := range hostfuncs.All() {
		names = append(names, f.Name)
		if _, without := unseen[f.Name]; declared[f.Name] == without {
			t.Errorf("%s is to be declared, or unseen", f.Name)
		}
	}
	for name := range maps.Keys(declared) {
		if !slices.Contains(names, name) {
			t.Errorf("%s is no host function", name)
		}
	}
}

func TestUnderline(t *testing.T) {
	for _, c := range []struct {
		text        string
		column      int
		called      string
		col, length int
	}{
		{"x = getv(1)", 5, "getv", 5, 4},
		{"x = getv(1 + 2)", 12, "getv", 5, 4},
		{"x = getv(1)", 9, "getv", 5, 4},
		{"x = fn (1)", 5, "getv", 5, 2},
		{"ü = x", 1, "", 1, 2},
		{"ü = x", 2, "", 1, 2},
		{"", 1, "", 1, 0},
		{"x", 99, "", 2, 0},
		{"x", -5, "fail", 1, 1},
	} {
		if col, length := underline(c.text, c.column, c.called); col != c.col || length != c.length {
			t.Errorf("%q %d %s: %d, %d", c.text, c.column, c.called, col, length)
		}
	}
}

func FuzzPlace(f *testing.F) {
	f.Add("    at f (site.js:2:3)", "a\nbb\nc")
	f.Add("at site.js:1:999999999999999999999", "x")
	f.Add("(site.js:-1:-1)", "")
	f.Fuzz(func(t *testing.T, stack, text string) {
		s := &Script{source: source{file: "/x/site.js", text: text}}
		p := s.at(stack, "x", "x", "")
		if p.Line < 0 || p.Line > 1+strings.Count(text, "\n") || p.Line > 0 && (p.Col < 1 || p.Col > len(p.Source)+1 || p.Len > len(p.Source)) {
			t.Errorf("%+v", p)
		}
		_ = p.Detail()
	})
}
