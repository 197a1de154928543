package runtime_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLine finds every function that ARCHITECTURE.md names in the file where
// it says that it is.
func TestLine(t *testing.T) {
	page := string(mustRead(t, "../ARCHITECTURE.md"))
	found := 0
	for _, m := range regexp.MustCompile("`([a-z/]+\\.go)`: ((?:`\\w+`(?:, )?)+)").FindAllStringSubmatch(page, -1) {
		code := string(mustRead(t, filepath.Join("..", m[1])))
		for name := range strings.SplitSeq(strings.ReplaceAll(m[2], "`", ""), ", ") {
			found++
			if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\(`).MatchString(code) {
				t.Errorf("%s has no function %s", m[1], name)
			}
		}
	}
	if found < 30 {
		t.Errorf("only %d functions are named", found)
	}
}

// TestLayersPage compares the table of ARCHITECTURE.md with the rows that
// TestLayers enforces.
func TestLayersPage(t *testing.T) {
	_, page, _ := strings.Cut(string(mustRead(t, "../ARCHITECTURE.md")), "## Layers")
	page, _, _ = strings.Cut(page, "\n## ")
	told := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| [^|]*\\| `([^`]+)` \\| ([^|]*)\\|$").FindAllStringSubmatch(page, -1) {
		told[m[1]] = strings.TrimSpace(m[2])
	}
	for room, enters := range rooms {
		if got, ok := told[room]; !ok || got != strings.Join(enters, " ") {
			t.Errorf("ARCHITECTURE.md says %q of %s, the code %q", got, room, strings.Join(enters, " "))
		}
		delete(told, room)
	}
	for room := range told {
		t.Errorf("ARCHITECTURE.md has a row of %s, which has no rule", room)
	}
}

// TestLinks follows the links of the pages written by hand to files of the
// tree.
func TestLinks(t *testing.T) {
	pages, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob("../docs/*.md")
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, page := range append(pages, more...) {
		for _, m := range link.FindAllStringSubmatch(string(mustRead(t, page)), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
