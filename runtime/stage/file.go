//go:build unix

package stage

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// file is a staged file: an open, locked inode and the name that should lead to
// it. The name is checked against the inode before and after each use.
type file struct {
	disk *Disk
	*comparison
	handle  handle
	name    string
	at      attributes // as fill left it
	content []byte
	mark    string
	copied  bool // for the user to look at
	over    bool
}

func (f *file) fd() int                { return int(f.handle) }
func (f *file) Path() string           { return f.place.beside(f.name) }
func (f *file) Difference() Difference { return f.difference }
func (f *file) ended() bool            { return f.over }

func (f *file) Old() ([]byte, bool) {
	if f.old == nil {
		return nil, false
	}
	return f.old.held, true
}

// standsAt says whether a name leads to this very file.
func (f *file) standsAt(name string) error { return standsAt(f.place, name, f.at) }

func standsAt(p *place, name string, want attributes) error {
	at, err := statAt(p.fd(), name, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err != nil || !at.is(want) {
		return fmt.Errorf("%w %s", ErrSwapped, p.beside(name))
	}
	return nil
}

// Verify compares the staged file with what was staged: bytes, mode, owner,
// and that its name still leads to it and no other name does.
func (f *file) Verify() error {
	if f.ended() {
		return failed(f.place.path, "verify", errEnded)
	}
	if err := f.verify(); err != nil {
		return touched(f.place.path, err)
	}
	return nil
}

func (f *file) verify() error {
	at, err := statOf(f.fd())
	if err != nil {
		return err
	}
	same := at.size == int64(len(f.content))
	if same {
		if same, err = equal(f.handle, f.content); err != nil {
			return err
		}
	}
	switch {
	case !same:
		return fmt.Errorf("%w: its content is another", ErrTouched)
	case at.mode != f.at.mode:
		return fmt.Errorf("%w: its mode was %04o and is %04o", ErrTouched, f.at.mode, at.mode)
	case at.uid != f.at.uid || at.gid != f.at.gid:
		return fmt.Errorf("%w: its owner was %d:%d and is %d:%d", ErrTouched, f.at.uid, f.at.gid, at.uid, at.gid)
	case at.links != 1:
		return fmt.Errorf("%w: it has %d names", ErrTouched, at.links)
	}
	return f.standsAt(f.name)
}

// Swap is the step that services see. Whatever fails before the rename leaves
// the destination as it was; the staged file then waits for Discard.
func (f *file) Swap() (Swapped, error) {
	if f.ended() {
		return Swapped{}, failed(f.place.path, "swap", errEnded)
	}
	if err := f.disk.sync(f.fd()); err != nil { // after a failed fsync the pages count as clean: never try twice
		return Swapped{}, failed(f.place.path, "fsync", err)
	}
	if err := f.place.same(f.disk, f.target.Path); err != nil {
		return Swapped{}, failed(f.place.path, "swap", err)
	}
	if err := f.Verify(); err != nil {
		return Swapped{}, err
	}
	done := Swapped{Path: f.place.path, InPlace: f.inPlace}
	var err error
	if !f.inPlace {
		err = f.rename()
		done.InPlace = errors.Is(err, unix.EBUSY) && f.old != nil
	}
	if done.InPlace {
		err = f.overwrite()
	}
	if f.over || err == nil {
		f.end()
	}
	if err != nil {
		return Swapped{}, failed(f.place.path, "swap", err)
	}
	return done, nil
}

func (f *file) rename() error {
	dir := f.place.fd()
	if err := as(f.place.rights, func() error {
		return again(func() error { return unix.Renameat(dir, f.name, dir, f.place.base) })
	}); err != nil {
		return err
	}
	if err := f.standsAt(f.place.base); err != nil {
		return err
	}
	return f.disk.sync(dir)
}

// Discard removes the staged file.
func (f *file) Discard() error {
	if f.ended() {
		return nil
	}
	defer f.end()
	return failed(f.place.path, "discard", f.remove())
}

// remove takes the staged name away, if it still leads to the staged file.
func (f *file) remove() error {
	if f.standsAt(f.name) != nil {
		return nil
	}
	return unlink(f.place, f.name)
}

func unlink(p *place, name string) error {
	err := as(p.rights, func() error { return unix.Unlinkat(p.fd(), name, 0) })
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func (f *file) end() {
	f.over = true
	f.handle.close()
	f.close()
}

// insync is the Staged of a destination that is as wanted.
type insync struct {
	path    string
	content []byte
}

func (s *insync) Path() string                      { return s.path }
func (s *insync) Old() ([]byte, bool)               { return s.content, true }
func (s *insync) Difference() Difference            { return Difference{} }
func (s *insync) Verify() error                     { return nil }
func (s *insync) Swap() (Swapped, error)            { return Swapped{Path: s.path}, nil }
func (s *insync) Discard() error                    { return nil }
func (s *insync) CheckInPlace(f func() error) error { return f() }

// Mark writes a debt on a file that already is as wanted, as when a reload is
// asked for although nothing changed.
func (s *insync) Mark(value string) error {
	return failed(s.path, "mark", new(Disk).visit(s.path, func(_ *place, old *standing) error {
		return setMark(old.fd(), markOwed, value)
	}))
}
