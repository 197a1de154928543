package testrun

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Found is a test file, and which of its cases were asked for.
type Found struct {
	Path  string
	Line  int    // of a case; 0: all
	Named string // "case" or "case/row"; empty: all
}

// Find is the files that paths name: a directory (with everything below it,
// "..." or not), a file, a glob with **, file:LINE, or file#case. A path that
// leads to no test file is an error.
func Find(paths []string) ([]Found, error) {
	if len(paths) == 0 {
		paths = []string{"./..."}
	}
	var all []Found
	for _, p := range paths {
		found, err := find(p)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 && p != "./..." {
			return nil, &NothingError{p}
		}
		all = append(all, found...)
	}
	slices.SortStableFunc(all, func(a, b Found) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(all), nil
}

// NothingError is a path below which there is no test.
type NothingError struct{ Path string }

func (e *NothingError) Error() string { return "no *_test.toml matches " + e.Path }

func find(p string) ([]Found, error) {
	if dir, ok := strings.CutSuffix(p, "..."); ok {
		return below(filepath.Clean(dir + "."))
	}
	if info, err := os.Stat(p); err == nil {
		if info.IsDir() {
			return below(filepath.Clean(p))
		}
		return []Found{{Path: filepath.Clean(p)}}, nil
	}
	if file, name, ok := strings.Cut(p, "#"); ok {
		return one(file, Found{Named: name})
	}
	if i := strings.LastIndexByte(p, ':'); i > 0 {
		if line, err := strconv.Atoi(p[i+1:]); err == nil {
			return one(p[:i], Found{Line: line})
		}
	}
	names, err := doublestar.FilepathGlob(p, doublestar.WithFilesOnly())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	var all []Found
	for _, name := range names {
		if isTest(name) {
			all = append(all, Found{Path: filepath.Clean(name)})
		}
	}
	return all, nil
}

func one(path string, f Found) ([]Found, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, &NothingError{path}
	}
	f.Path = filepath.Clean(path)
	return []Found{f}, nil
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.toml") }

// below is the test files of a directory; hidden folders are passed over.
func below(dir string) (all []Found, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case !d.IsDir() && isTest(d.Name()):
			all = append(all, Found{Path: path})
		}
		return nil
	})
	return all, err
}

// takes tells whether a row was asked for.
func (f Found) takes(r *Row) bool {
	switch {
	case f.Line > 0:
		return r.Line() <= f.Line && f.Line < r.File.endOf(r.index)
	case f.Named != "":
		asWritten := r.File.Cases[r.index].Name
		return slices.Contains([]string{r.Title, r.Title + "/" + r.ID, asWritten, asWritten + "/" + r.ID}, f.Named)
	}
	return true
}

// endOf is the line where the next case begins.
func (f *File) endOf(index int) int {
	if next := f.line("case", strconv.Itoa(index+1)); next > 0 {
		return next
	}
	return int(^uint(0) >> 1)
}
