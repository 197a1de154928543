//go:build unix

package stage

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// CheckInPlace puts the new content at the destination, lets check look, and
// puts the old back. A crash on the way is mended by Recover: the new file
// carries a mark that says where the old one waits.
func (f *file) CheckInPlace(check func() error) error {
	if f.ended() {
		return failed(f.place.path, "check in place", errEnded)
	}
	var err, verdict error
	switch {
	case f.inPlace:
		verdict, err = f.checkMounted(check)
	case f.old == nil:
		verdict, err = f.checkNew(check)
	default:
		verdict, err = f.checkExchanged(check)
	}
	if verdict != nil {
		return errors.Join(verdict, failed(f.place.path, "check in place", err))
	}
	return failed(f.place.path, "check in place", err)
}

// checkExchanged lets the two files change names for as long as check takes.
func (f *file) checkExchanged(check func() error) (verdict, err error) {
	// The old file will wear a staged name: no sweep may take it. Where a
	// service has locked it, none can.
	if unix.Flock(f.old.fd(), unix.LOCK_SH|unix.LOCK_NB) == nil {
		defer unix.Flock(f.old.fd(), unix.LOCK_UN)
	}
	if err := f.prepareCheck(f.name); err != nil {
		return nil, err
	}
	turn := func() error {
		return as(f.place.rights, func() error { return exchange(f.place.fd(), f.name, f.place.base) })
	}
	if err := errors.Join(f.standsAt(f.name), standsAt(f.place, f.place.base, f.old.at)); err != nil {
		return nil, err
	}
	if err := turn(); err != nil {
		return nil, noExchange(err)
	}
	verdict = check()
	if err := errors.Join(f.standsAt(f.place.base), standsAt(f.place, f.name, f.old.at)); err != nil {
		return verdict, err
	}
	if err := turn(); err != nil {
		return verdict, err
	}
	return verdict, f.finishCheck()
}

// checkNew is for a destination where nothing stands yet.
func (f *file) checkNew(check func() error) (verdict, err error) {
	if f.place.link != "" {
		return nil, errors.New("a link stands there")
	}
	if err := f.prepareCheck(""); err != nil {
		return nil, err
	}
	move := func(from, to string) error {
		if err := f.standsAt(from); err != nil {
			return err
		}
		return as(f.place.rights, func() error { return moveToFree(f.place.fd(), from, to) })
	}
	if err := move(f.name, f.place.base); err != nil {
		return nil, noExchange(err)
	}
	verdict = check()
	if err := move(f.place.base, f.name); err != nil {
		return verdict, err
	}
	return verdict, f.finishCheck()
}

// checkMounted is for a destination that is a mount point: its old content is
// saved beside, in a file that Recover finds by the mark.
func (f *file) checkMounted(check func() error) (verdict, err error) {
	was := *f.comparison
	was.want, was.refusal = f.old.wanted(), refusal{}
	saved := &file{disk: f.disk, comparison: &was, content: f.old.held}
	if err := saved.create(stagedDigits); err != nil {
		return nil, err
	}
	defer saved.handle.close()
	if err := saved.save(); err != nil {
		return nil, errors.Join(err, saved.remove())
	}
	dest, err := openMounted(f.place, f.old.at)
	if err != nil {
		return nil, errors.Join(err, saved.remove())
	}
	defer dest.close()
	candidate := overwriting{disk: f.disk, dest: dest, beside: saved.name, content: f.content, target: f.target, want: f.want}
	if err := candidate.prepare(); err != nil {
		return nil, errors.Join(err, saved.remove())
	}
	if err = candidate.put(); err == nil {
		verdict = check()
	}
	back := overwriting{disk: f.disk, dest: dest, beside: saved.name, content: f.old.held, target: f.target, want: was.want}
	if failure := back.run(); failure != nil {
		return verdict, errors.Join(err, failure)
	}
	return verdict, errors.Join(err, saved.remove())
}

// save writes the old content of a destination, with the old attributes, to a
// file of its own, and waits until it is on disk.
func (f *file) save() error {
	if err := f.fill(); err != nil {
		return err
	}
	if err := f.disk.sync(f.fd()); err != nil {
		return err
	}
	return f.disk.sync(f.place.fd())
}

// prepareCheck writes the mark and waits until it and the content are on disk.
func (f *file) prepareCheck(oldName string) error {
	if err := setMark(f.fd(), markUnchecked, oldName); err != nil {
		return err
	}
	if err := f.disk.sync(f.fd()); err != nil {
		return err
	}
	return f.disk.sync(f.place.fd())
}

func (f *file) finishCheck() error {
	if err := f.disk.sync(f.place.fd()); err != nil {
		return err
	}
	return clearMark(f.fd(), markUnchecked)
}

func noExchange(err error) error {
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, errNoAttrFS) {
		return fmt.Errorf("the file system cannot exchange files; name {{.src}} in check_cmd: %w", err)
	}
	return err
}
