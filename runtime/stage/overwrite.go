//go:build unix

package stage

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// overwrite brings the content to a destination that is a mount point, where
// no rename can. Readers may see a mix; what is promised instead: a full disk
// leaves the old file whole, and a wconf that dies half way is finished by
// Recover, from the staged file.
func (f *file) overwrite() error {
	dest, err := openMounted(f.place, f.old.at)
	if err != nil {
		return err
	}
	defer dest.close()
	if f.mark != "" {
		if err := setMark(int(dest), markOwed, f.mark); err != nil {
			return err
		}
	}
	o := overwriting{disk: f.disk, dest: dest, beside: f.name, content: f.content, target: f.target, want: f.want}
	if err := o.run(); err != nil {
		f.over = o.begun // then the staged file stays, for Recover
		return err
	}
	return f.remove()
}

// openMounted opens the destination for writing, if it really is the mount
// point that was compared.
func openMounted(p *place, want attributes) (handle, error) {
	fd, err := openAt(p.fd(), p.base, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	dest := handle(fd)
	at, err := statOf(fd)
	switch {
	case err != nil:
	case !at.is(want):
		err = ErrSwapped
	case at.links > 1:
		err = fmt.Errorf("it is a mount point and has %d names: writing in place would change them all", at.links)
	case !mountPoint(p.fd(), fd):
		err = errors.New("it is busy and no mount point")
	}
	if err != nil {
		dest.close()
		return -1, err
	}
	return dest, nil
}

// overwriting is the change of one inode to a content. What shall stand there in
// the end, whatever happens, is whole in the file called beside.
type overwriting struct {
	disk    *Disk
	dest    handle
	beside  string
	content []byte
	target  Target
	want    wanted
	begun   bool
}

func (o *overwriting) run() error {
	if err := o.prepare(); err != nil && !errors.Is(err, ErrNoMarks) {
		return err
	}
	if err := o.put(); err != nil {
		return err
	}
	if err := clearMark(o.fd(), markUnfinished); err != nil && !errors.Is(err, ErrNoMarks) {
		return err
	}
	return nil
}

func (o *overwriting) fd() int { return int(o.dest) }

// prepare is all that can fail without harm: room on the disk, and the mark
// that Recover goes by, synced before the first byte.
func (o *overwriting) prepare() error {
	if err := reserve(o.fd(), int64(len(o.content)), true); err != nil {
		return err
	}
	marked := setMark(o.fd(), markUnfinished, o.beside)
	if marked != nil && !errors.Is(marked, ErrNoMarks) {
		return marked
	}
	if err := o.disk.sync(o.fd()); err != nil {
		return err
	}
	return marked
}

func (o *overwriting) put() error {
	at, err := statOf(o.fd())
	if err != nil {
		return err
	}
	o.begun = true
	if err := o.dest.write(o.content); err != nil {
		return err
	}
	if err := again(func() error { return unix.Ftruncate(o.fd(), int64(len(o.content))) }); err != nil {
		return err
	}
	mode := o.want.mode
	if _, err := o.want.give(o.fd(), at); o.disk.accept(o.target, err) {
		o.disk.warnOwner(o.target)
		mode &^= setID
	} else if err != nil {
		return err
	}
	if at.mode != mode {
		if err := unix.Fchmod(o.fd(), mode); err != nil {
			return fmt.Errorf("chmod %04o: %w", mode, err)
		}
	}
	return o.disk.sync(o.fd())
}

func (s *standing) wanted() wanted {
	return wanted{uid: s.at.uid, gid: s.at.gid, mode: s.at.mode}
}
