package runtime

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
)

// sources is the files that a resource is made of beside its own, and what
// they held: a resource is built anew when one of them changes.
type sources struct {
	open func(path string) ([]byte, error) // nil: os.ReadFile
	met  func()                            // a render came to a file that was not among them; nil: nobody asks

	mu      sync.Mutex
	files   map[string]string // path → fingerprint
	whole   bool              // the resource is built: what comes now comes from renders
	deadend string            // the file that a render missed last
}

// read reads a file and notes what it held. Renders call it, too, for what
// they include by a computed name; these files are met, there or not, for one
// that is missing may appear.
func (s *sources) read(path string) ([]byte, error) {
	text, err := s.readFile(path)
	if s.note(path, fingerprint(text, err), err != nil) && s.met != nil {
		s.met()
	}
	return text, err
}

// note keeps what a file held, and tells whether a render came to it first.
func (s *sources) note(path, print string, missing bool) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string]string{}
	}
	_, known := s.files[path]
	first = s.whole && !known
	switch {
	case first && missing:
		// A render ends at the first file that it misses, so that the one
		// before matters no longer. Keys can name any number of them.
		delete(s.files, s.deadend)
		s.deadend = path
	case !missing && path == s.deadend:
		s.deadend = ""
	}
	s.files[path] = print
	return first
}

// complete says that the resource is built.
func (s *sources) complete() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = true
}

func (s *sources) readFile(path string) ([]byte, error) {
	if s.open != nil {
		return s.open(path)
	}
	return readRegular(path)
}

// readRegular reads a file, and waits for nobody: a FIFO is an error.
func readRegular(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return nil, cmp.Or(err, error(&os.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}))
	}
	var text bytes.Buffer
	text.Grow(int(min(info.Size(), 1<<20)) + bytes.MinRead) // and io.EOF finds room
	_, err = text.ReadFrom(f)
	return text.Bytes(), err
}

func (s *sources) paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.files))
}

func (s *sources) changed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, was := range s.files {
		text, err := s.readFile(path)
		if fingerprint(text, err) != was {
			return true
		}
	}
	return false
}
