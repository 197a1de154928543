package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func resource(dest string) string { return "[template]\nsrc = 't'\ndest = '" + dest + "'\n" }

func names(s *Set) string {
	var all []string
	for _, r := range s.Resources {
		all = append(all, r.Name)
	}
	return strings.Join(all, " ")
}

func loadSet(t *testing.T, dir string, before *Set) *Set {
	t.Helper()
	s, err := LoadResources(dir, before)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// Which files count, what they are called and in which order is confd's.
func TestWalk(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.toml", ".c.toml", "btoml", "d.toml.bak", "e.TOML", "h.yaml", "sub/f.toml", "x.toml/g.toml", "sub.toml", "btoml.toml"} {
		write(t, dir, "conf.d/"+name, resource("out/"+name))
	}
	write(t, dir, "elsewhere/z.toml", resource("out/z"))
	link(t, "../elsewhere/z.toml", dir+"/conf.d/link.toml")
	link(t, "../elsewhere", dir+"/conf.d/folder.toml")
	s := loadSet(t, dir, nil)
	if got, want := names(s), ".c a btoml btoml.toml link sub/f sub x.toml/g"; got != want || len(s.Problems)+len(s.Warnings) > 0 {
		t.Errorf("got  %s\nwant %s\n%s%s", got, want, details(dir, s.Problems), details(dir, s.Warnings))
	}
	if got, want := s.Resources[0].Path("t"), dir+"/templates/t"; got != want {
		t.Errorf("template %s, want %s", got, want)
	}
}

func TestConfDIsALink(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "real/sub/a.toml", resource("a"))
	link(t, "real", dir+"/conf.d")
	if got := names(loadSet(t, dir, nil)); got != "sub/a" {
		t.Errorf("%q", got)
	}
}

// A ConfigMap mount has each file twice, and three times while it is updated.
func TestConfigMap(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "conf.d/..2026_01/a.toml", resource("a"))
	write(t, dir, "conf.d/..2026_02/a.toml", resource("a"))
	link(t, "..2026_01", dir+"/conf.d/..data")
	link(t, "..data/a.toml", dir+"/conf.d/a.toml")
	if s := loadSet(t, dir, nil); names(s) != "a" || len(s.Warnings) > 0 {
		t.Errorf("%q %s", names(s), details(dir, s.Warnings))
	}
	if err := os.Remove(dir + "/conf.d/..data"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir + "/conf.d/a.toml"); err != nil {
		t.Fatal(err)
	}
	link(t, "..2026_01/a.toml", dir+"/conf.d/a.toml")
	if err := os.RemoveAll(dir + "/conf.d/..2026_02"); err != nil {
		t.Fatal(err)
	}
	if got := names(loadSet(t, dir, nil)); got != "a" {
		t.Errorf("without ..data: %q", got)
	}
	if err := os.Remove(dir + "/conf.d/a.toml"); err != nil {
		t.Fatal(err)
	}
	if got := names(loadSet(t, dir, nil)); got != "..2026_01/a" {
		t.Errorf("a folder with an odd name: %q", got)
	}
}

func TestTestsAreNoResources(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "conf.d/a_test.toml", "name = 'x'\n")
	write(t, dir, "conf.d/b.toml", "format = 1\n[template]\nsrc = 'x'\n[[case]]\nname = 'y'\n")
	write(t, dir, "conf.d/c_test.toml", resource("c")) // confd knows no tests
	write(t, dir, "conf.d/d_test.toml", "[[case]")
	s := loadSet(t, dir, nil)
	if names(s) != "c_test" || len(s.Problems) > 0 || len(s.Warnings) != 1 {
		t.Errorf("%q %s %s", names(s), details(dir, s.Problems), details(dir, s.Warnings))
	}
}

// A file that is half saved keeps its last good version and is reported once.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "conf.d/a.toml", resource("a"))
	write(t, dir, "conf.d/b.toml", resource("b"))
	write(t, dir, "conf.d/bad.toml", "[template\n")
	first := loadSet(t, dir, nil)
	if names(first) != "a b" || len(first.Problems) != 1 || len(first.News) != 1 {
		t.Fatalf("%q %s", names(first), details(dir, first.Problems))
	}

	write(t, dir, "conf.d/a.toml", "")
	write(t, dir, "conf.d/b.toml", resource("b2"))
	second := loadSet(t, dir, first)
	if names(second) != "a b" || second.Resources[0] != first.Resources[0] || second.Resources[1].Dest != "b2" {
		t.Errorf("%q %+v", names(second), second.Resources)
	}
	if len(second.Problems) != 2 || details(dir, second.News) != "conf.d/a.toml: empty src template\n  write src = \"name.tmpl\"" {
		t.Errorf("news %s", details(dir, second.News))
	}

	third := loadSet(t, dir, second)
	if len(third.News) != 0 || len(third.Problems) != 2 || third.Resources[1] != second.Resources[1] {
		t.Errorf("again: %s", details(dir, third.News))
	}

	write(t, dir, "conf.d/a.toml", resource("a3"))
	if err := os.Remove(dir + "/conf.d/b.toml"); err != nil {
		t.Fatal(err)
	}
	fourth := loadSet(t, dir, third)
	if names(fourth) != "a" || fourth.Resources[0].Dest != "a3" || len(fourth.Problems) != 1 {
		t.Errorf("mended: %q %s", names(fourth), details(dir, fourth.Problems))
	}
}

func TestSameDest(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "conf.d/a.toml", resource("/out/./o"))
	write(t, dir, "conf.d/b.toml", resource("/out/o"))
	s := loadSet(t, dir, nil)
	want := "conf.d/a.toml:3:8: conf.d/b.toml has the same dest and stands, this one is not processed\n  3 | dest = '/out/./o'\n    |        ^^^^^^^^^^"
	if names(s) != "b" || details(dir, s.Warnings) != want {
		t.Errorf("%q\n%s", names(s), details(dir, s.Warnings))
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	if s, err := LoadResources(dir+"/none", nil); err != nil || len(s.Warnings) != 1 {
		t.Errorf("no confdir: %v", err)
	}
	before := &Set{}
	if s, err := LoadResources(dir, before); !errors.Is(err, fs.ErrNotExist) || s != before {
		t.Errorf("no conf.d: %v", err)
	}
	write(t, dir, "conf.d/readme", "")
	if s := loadSet(t, dir, nil); len(s.Resources)+len(s.Problems) > 0 {
		t.Errorf("%+v", s)
	}
}

func TestLoadOne(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "conf.d/nginx.toml", resource("a"))
	s := LoadOne(path, filepath.Join(dir, "templates"), nil)
	if names(s) != "nginx" || s.Resources[0].Templates() != dir+"/templates" {
		t.Errorf("%q", names(s))
	}
	write(t, dir, "conf.d/nginx.toml", "[")
	if s = LoadOne(path, filepath.Join(dir, "templates"), s); names(s) != "nginx" || len(s.News) != 1 {
		t.Errorf("half saved: %q", names(s))
	}
}
