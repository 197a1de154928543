package testrun

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wconf/wconf/runtime/formats"
	"github.com/wconf/wconf/runtime/problem"
)

// defaultClock is when cases begin that do not say when.
var defaultClock = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// defaultTimeout is how long a case may take of real time.
const defaultTimeout = 10 * time.Second

// Load reads a test file. The error joins every problem of it.
func Load(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &problem.Problem{Code: problem.Config, File: path, Msg: errors.Unwrap(err).Error(), Err: err}
	}
	return Parse(path, text)
}

// Parse reads the text of a test file. A key that nothing takes, a value that
// cannot be meant, and a case that expects nothing are errors, all of them with
// their places (errors.Join of *problem.Problem).
func Parse(path string, text []byte) (*File, error) {
	f := &File{path: path}
	doc, err := formats.Decode(path, text, f)
	if doc == nil {
		return nil, err
	}
	f.doc = doc
	all := problemsOf(err)
	if err == nil {
		all = nil
	}
	for _, p := range doc.Unknown() {
		p.Code = problem.Config
		all = append(all, p)
	}
	if len(all) == 0 {
		f.defaults()
		v := validator{file: f}
		v.check()
		all = v.wrong
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	return f, nil
}

func (f *File) defaults() {
	if f.Clock.IsZero() {
		f.Clock = defaultClock
	}
	if f.Timeout == 0 {
		f.Timeout = defaultTimeout
	}
	if f.Name == "" {
		f.Name = filepath.Base(f.path)
	}
}

// beside is a path of the file, relative to it.
func (f *File) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}

// place is file:line of a key, or of the nearest table above it.
func (f *File) place(path ...string) string {
	for n := len(path); n > 0; n-- {
		if line, _, _ := f.doc.Position(path[:n]...); line > 0 {
			return fmt.Sprintf("%s:%d", f.path, line)
		}
	}
	return f.path
}

func (f *File) line(path ...string) int {
	line, _, _ := f.doc.Position(path...)
	return line
}
