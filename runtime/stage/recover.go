//go:build unix

package stage

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Recover mends what a wconf that died left at path: a content that it was only
// checking there is taken away again, a content that it was writing in place is
// finished. It returns false when there was nothing to mend, or when the wconf
// that did it still lives.
func (d *Disk) Recover(path string) (mended bool, err error) {
	err = d.visit(path, func(p *place, s *standing) error {
		if p.link != "" {
			return nil
		}
		if unix.Flock(s.fd(), unix.LOCK_EX|unix.LOCK_NB) != nil {
			return nil // that wconf lives
		}
		mended, err = d.mend(p, s)
		return err
	})
	return mended && err == nil, failed(path, "recover", err)
}

func (d *Disk) mend(p *place, s *standing) (bool, error) {
	if name, err := readMark(s.fd(), markUnchecked); err == nil && name != nil {
		return true, d.takeBack(p, s, *name)
	}
	if name, err := readMark(s.fd(), markUnfinished); err == nil && name != nil {
		return d.finish(p, s, *name)
	}
	return false, nil
}

// takeBack removes an unchecked content; the old one returns from name.
func (d *Disk) takeBack(p *place, s *standing, name string) error {
	if name == "" {
		if err := standsAt(p, p.base, s.at); err != nil {
			return err
		}
		return errors.Join(unlink(p, p.base), d.sync(p.fd()))
	}
	old, err := p.sibling(name)
	if err != nil {
		return errors.Join(fmt.Errorf("the content there was never checked, and the old one is lost: %w", err), clearMark(s.fd(), markUnchecked))
	}
	defer old.close()
	if err := as(p.rights, func() error { return exchange(p.fd(), name, p.base) }); err != nil {
		return err
	}
	if err := standsAt(p, p.base, old.at); err != nil {
		return err
	}
	if err := d.sync(p.fd()); err != nil {
		return err
	}
	if err := standsAt(p, name, s.at); err != nil {
		return err
	}
	return unlink(p, name)
}

// finish writes in place what stands whole under name. Where that is gone, as
// when a container was made anew, the next render mends the file.
func (d *Disk) finish(p *place, s *standing, name string) (bool, error) {
	whole, err := p.sibling(name)
	if err != nil {
		return false, errors.Join(fmt.Errorf("a content was half written there, and the whole one is lost: %w", err), clearMark(s.fd(), markUnfinished))
	}
	defer whole.close()
	if unix.Flock(whole.fd(), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false, nil // its writer lives
	}
	content, err := whole.read()
	if err != nil {
		return false, err
	}
	dest, err := openMounted(p, s.at)
	if err != nil {
		return false, err
	}
	defer dest.close()
	o := overwriting{disk: d, dest: dest, beside: name, content: content, want: whole.wanted()}
	if err := o.run(); err != nil {
		return false, err
	}
	return true, unlink(p, name)
}

// sibling opens the staged file called name in the directory of p: one that
// wconf, or the owner of the destination, may have left.
func (p *place) sibling(name string) (*standing, error) {
	if !isStageName(p.base, name) {
		return nil, fmt.Errorf("%q is no staged file of it", name)
	}
	fd, err := openAt(p.fd(), name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	s := &standing{file: handle(fd)}
	if s.at, err = statOf(fd); err == nil {
		err = kindError(s.at.kind)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}
