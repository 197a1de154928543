package engine_test

import (
	"context"
	"sync"

	"github.com/wconf/wconf/runtime/stage"
)

// shelf is destinations in memory, for tests that write many thousand times.
type shelf struct {
	mu    sync.Mutex
	files map[string]string
}

func newShelf() *shelf { return &shelf{files: map[string]string{}} }

func (s *shelf) Read(path string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.files[path]
	return []byte(text), ok, nil
}

func (s *shelf) Stage(_ context.Context, t stage.Target, content []byte) (stage.Staged, error) {
	old, ok, _ := s.Read(t.Path)
	return &laid{shelf: s, path: t.Path, old: string(old), had: ok, content: string(content)}, nil
}

func (s *shelf) Sweep(stage.Target) ([]string, error)  { return nil, nil }
func (s *shelf) ReadMark(string) (string, bool, error) { return "", false, nil }
func (s *shelf) ClearMark(string, string) error        { return nil }
func (l *laid) Path() string                           { return l.path }
func (l *laid) Old() ([]byte, bool)                    { return []byte(l.old), l.had }
func (l *laid) Verify() error                          { return nil }
func (l *laid) Mark(string) error                      { return stage.ErrNoMarks }
func (l *laid) CheckInPlace(check func() error) error  { return check() }
func (l *laid) Discard() error                         { return nil }

// laid waits beside the shelf.
type laid struct {
	shelf              *shelf
	path, old, content string
	had                bool
}

func (l *laid) Difference() stage.Difference {
	return stage.Difference{Missing: !l.had, Content: l.old != l.content}
}

func (l *laid) Swap() (stage.Swapped, error) {
	l.shelf.mu.Lock()
	defer l.shelf.mu.Unlock()
	l.shelf.files[l.path] = l.content
	return stage.Swapped{Path: l.path}, nil
}
