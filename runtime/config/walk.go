package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tree is what stands below a conf.d.
type tree struct {
	files  []string
	failed map[string]error // folders that cannot be read
}

// filesBelow finds the resource files: all but folders whose base name ends in
// "toml". dir may be a link.
func filesBelow(dir string) (tree, error) {
	t := tree{failed: map[string]error{}}
	t.walk(dir)
	if err := t.failed[dir]; err != nil {
		return t, err
	}
	all := t.files
	t.files = slices.DeleteFunc(slices.Clone(all), func(path string) bool { return hidden(path, dir) && again(path, all, dir) })
	return t, nil
}

func (t *tree) walk(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.failed[dir] = err
		return
	}
	mount := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "..data" })
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir() && mount && strings.HasPrefix(e.Name(), ".."): // a ConfigMap's content, reached through links
		case e.IsDir():
			t.walk(path)
		case strings.HasSuffix(e.Name(), "toml") && !linkToFolder(path, e):
			t.files = append(t.files, path)
		}
	}
}

func linkToFolder(path string, e os.DirEntry) bool {
	if e.Type()&os.ModeSymlink == 0 {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// hidden tells whether path lies in a folder whose name begins with two dots.
func hidden(path, dir string) bool {
	return strings.Contains(strings.TrimPrefix(path, dir), "/..")
}

// again tells whether another path outside such folders is the same file.
func again(path string, found []string, dir string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(found, func(other string) bool {
		if hidden(other, dir) {
			return false
		}
		o, err := os.Stat(other)
		return err == nil && os.SameFile(info, o)
	})
}
