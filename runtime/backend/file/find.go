package file

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// found is one file to read.
type found struct {
	path  string // as messages name it
	real  string // without symbolic links
	given bool   // named by the user, not found in a directory
	info  fs.FileInfo
}

// same tells whether the file is what it was when it was found before.
func (a found) same(b found) bool {
	return a.real == b.real && os.SameFile(a.info, b.info) && a.info.Size() == b.info.Size() && a.info.ModTime().Equal(b.info.ModTime())
}

// find returns the files to read, each one once, at its last place.
func (f *files) find() ([]found, error) {
	var all []found
	for _, path := range f.paths {
		s := search{filter: f.filter, seen: map[string]struct{}{}}
		if err := s.add(path, true); err != nil {
			return nil, err
		}
		all = append(all, s.found...)
	}
	last := map[string]int{}
	for i, a := range all {
		last[a.real] = i
	}
	once := all[:0]
	for i, a := range all {
		if last[a.real] == i {
			once = append(once, a)
		}
	}
	return once, nil
}

// search goes through one path that the user gave.
type search struct {
	filter string
	seen   map[string]struct{} // real paths of directories
	found  []found
}

func (s *search) add(path string, given bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	switch {
	case info.IsDir() && err == nil:
		return s.walk(path, real)
	case given && err != nil: // a pipe of /dev/fd has no real path
		real = path
	case err != nil:
		return err
	}
	if given || info.Mode().IsRegular() {
		s.found = append(s.found, found{path, real, given, info})
	}
	return nil
}

// walk adds what is in a directory, in the order of the names. What it links
// to counts as being in it, but only once.
func (s *search) walk(dir, real string) error {
	if _, again := s.seen[real]; again {
		return nil
	}
	s.seen[real] = struct{}{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !e.IsDir() && !s.wanted(e.Name()) && e.Type()&fs.ModeSymlink == 0 || behindLinks(e.Name()) {
			continue
		}
		if err := s.entry(path, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) entry(path, name string) error {
	info, err := os.Stat(path)
	if err != nil {
		if s.wanted(name) {
			return err
		}
		return nil
	}
	if info.IsDir() || s.wanted(name) {
		return s.add(path, false)
	}
	return nil
}

// wanted applies the filter. Without one, what editors leave beside the files
// they edit is no store; and an old copy must not win over its original.
func (s *search) wanted(name string) bool {
	if s.filter != "" && s.filter != "*" {
		ok, _ := filepath.Match(s.filter, name)
		return ok
	}
	litter := strings.HasSuffix(name, "~") || strings.HasPrefix(name, ".#") ||
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") ||
		strings.HasPrefix(name, ".") && slices.Contains([]string{".swp", ".swo", ".swx"}, filepath.Ext(name))
	return !litter
}

// behindLinks tells of the directories of a Kubernetes volume (`..data`,
// `..2026_01_02`), whose files are linked to from beside them.
func behindLinks(name string) bool { return strings.HasPrefix(name, "..") }
