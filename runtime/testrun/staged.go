package testrun

import (
	"bytes"
	"errors"

	"github.com/wconf/wconf/runtime/stage"
)

// staged is content that waits beside a destination of a disk in memory.
type staged struct {
	disk       *disk
	path, at   string
	content    []byte
	old        *fakeFile // nil: nothing stands there
	now        fakeFile
	difference stage.Difference
}

var _ stage.Staged = (*staged)(nil)

func (s *staged) compare() {
	if s.old == nil {
		s.difference.Missing = true
		return
	}
	s.difference = stage.Difference{
		Content: !bytes.Equal(s.old.content, s.content),
		Mode:    s.old.mode != s.now.mode,
		Owner:   s.old.uid != s.now.uid || s.old.gid != s.now.gid,
	}
}

// Path implements stage.Staged.
func (s *staged) Path() string {
	if s.at == "" {
		return s.path
	}
	return s.at
}

// Old implements stage.Staged.
func (s *staged) Old() ([]byte, bool) {
	if s.old == nil {
		return nil, false
	}
	return s.old.content, true
}

// Difference implements stage.Staged.
func (s *staged) Difference() stage.Difference { return s.difference }

// Verify implements stage.Staged; nobody can touch what is in memory.
func (s *staged) Verify() error { return nil }

// Mark implements stage.Staged.
func (s *staged) Mark(value string) error {
	s.now.mark = value
	return nil
}

var errInPlace = errors.New("check_cmd does not name {{.src}}, and this machine cannot show it the new content at the destination")

// CheckInPlace implements stage.Staged: there is no destination that a real
// check could look at.
func (s *staged) CheckInPlace(func() error) error { return errInPlace }

// Swap implements stage.Staged.
func (s *staged) Swap() (stage.Swapped, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.disk.full {
		return stage.Swapped{}, noRoom(s.path)
	}
	now := s.now
	s.disk.files[s.path] = &now
	delete(s.disk.staged, s.at)
	return stage.Swapped{Path: s.path}, nil
}

// Discard implements stage.Staged.
func (s *staged) Discard() error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	delete(s.disk.staged, s.at)
	return nil
}
