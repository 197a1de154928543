//go:build unix

package stage

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The marks that wconf leaves on files, as extended attributes.
const (
	markOwed       = ownMarks + "owed"       // a reload that must still happen
	markUnchecked  = ownMarks + "unchecked"  // the name beside it where the old content waits while this is checked; empty: none stood
	markUnfinished = ownMarks + "unfinished" // the name beside it of the content that is to stand here whole
)

// Mark writes a debt on the staged file.
func (f *file) Mark(value string) error {
	if f.ended() {
		return failed(f.place.path, "mark", errEnded)
	}
	f.mark = value
	if f.inPlace { // dest keeps its inode: there the mark is set just before the first byte
		_, err := readMark(f.old.fd(), markOwed)
		return failed(f.place.path, "mark", err)
	}
	return failed(f.place.path, "mark", setMark(f.fd(), markOwed, value))
}

// ReadMark is the value of the debt on the file at path.
func (d *Disk) ReadMark(path string) (string, bool, error) {
	var mark *string
	err := d.visit(path, func(_ *place, s *standing) (err error) {
		mark, err = readMark(s.fd(), markOwed)
		return err
	})
	if err != nil || mark == nil {
		return "", false, failed(path, "read the mark", err)
	}
	return *mark, true, nil
}

// ClearMark takes the debt off the file at path if it still has that value.
func (d *Disk) ClearMark(path, value string) error {
	return failed(path, "clear the mark", d.visit(path, func(_ *place, s *standing) error {
		mark, err := readMark(s.fd(), markOwed)
		if err != nil || mark == nil || *mark != value {
			return err
		}
		return clearMark(s.fd(), markOwed)
	}))
}

// Read is the content at path.
func (d *Disk) Read(path string) (content []byte, ok bool, err error) {
	err = d.visit(path, func(_ *place, s *standing) error {
		ok = true
		content, err = s.read()
		return err
	})
	return content, ok && err == nil, failed(path, "read", err)
}

// visit calls see with what stands at path, if something does.
func (d *Disk) visit(path string, see func(*place, *standing) error) error {
	p, err := d.find(path)
	if errors.Is(err, errNoDirectory) {
		return nil
	}
	if err != nil {
		return err
	}
	defer p.close()
	var s *standing
	if p.link != "" {
		s = p.behindLink()
	} else if s, err = p.standing(); err != nil {
		return err
	}
	if s == nil {
		return nil
	}
	defer s.close()
	return see(p, s)
}

// readMark is nil without an error when the file has no such mark.
func readMark(fd int, name string) (*string, error) {
	value, err := getAttr(fd, name)
	switch {
	case err == nil:
		s := string(value)
		return &s, nil
	case errors.Is(err, errNoAttr):
		return nil, nil
	}
	return nil, noMarks(err)
}

func setMark(fd int, name, value string) error {
	return noMarks(writeAttr(fd, func() error { return setAttr(fd, name, []byte(value)) }))
}

func clearMark(fd int, name string) error {
	err := writeAttr(fd, func() error { return removeAttr(fd, name) })
	if errors.Is(err, errNoAttr) {
		return nil
	}
	return noMarks(err)
}

func noMarks(err error) error {
	if errors.Is(err, errNoAttrFS) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w: %w", ErrNoMarks, err)
	}
	return err
}
