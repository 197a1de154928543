//go:build unix

package stage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	stagedDigits = 20  // of a staged file's name; the sweep takes exactly these
	keptDigits   = 10  // of a kept copy's name; never swept
	longestBase  = 234 // of 255 bytes, with the dot and the digits
)

// write makes the staged file of c, complete but for its debt.
func (d *Disk) write(c *comparison, content []byte) (*file, error) {
	f := &file{disk: d, comparison: c, content: content}
	if err := f.create(stagedDigits); err != nil {
		return nil, err
	}
	if err := f.fill(); err != nil {
		f.remove()
		f.handle.close()
		return nil, err
	}
	return f, nil
}

// keep leaves a copy of content for the user to look at.
func (d *Disk) keep(c *comparison, content []byte) error {
	f := &file{disk: d, comparison: c, content: content, copied: true}
	if err := f.create(keptDigits); err != nil {
		return err
	}
	defer f.handle.close()
	err := f.fill()
	if err != nil {
		f.remove()
	}
	return err
}

// create makes a new file that nobody else can have open, and locks it against
// the sweeps of others.
func (f *file) create(digits int) (err error) {
	for range 10 {
		f.name = stageName(f.place.base, digits)
		var fd int
		err = as(f.maker(), func() (err error) {
			fd, err = openAt(f.place.fd(), f.name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
			return err
		})
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return err
		}
		f.handle = handle(fd)
		if err = f.claim(); err == nil {
			return nil
		}
		f.remove()
		f.handle.close()
		if !errors.Is(err, errSwept) {
			return err
		}
	}
	return err
}

// maker is with whose rights the file is made: those of place, unless it could not
// be taken from that user afterwards.
func (f *file) maker() *rights {
	if who := f.place.rights; who == nil || who.only || mayChown() {
		return who
	}
	return nil
}

var errSwept = errors.New("another wconf swept it away")

// claim makes the new file wconf's own, before anything is in it.
func (f *file) claim() (err error) {
	if f.at, err = statOf(f.fd()); err != nil {
		return err
	}
	if err := unix.Flock(f.fd(), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errSwept
	}
	if err := f.standsAt(f.name); err != nil {
		return errSwept
	}
	if f.place.rights == nil {
		return nil
	}
	// The directory's owner made the file, as far as the kernel knows, and
	// could have opened it.
	if err := unix.Fchown(f.fd(), os.Geteuid(), os.Getegid()); err != nil {
		return fmt.Errorf("take it from the owner of the directory: %w", err)
	}
	if openedByOthers(f.fd()) {
		return fmt.Errorf("%w: it was open elsewhere before it was written", ErrSwapped)
	}
	f.at, err = statOf(f.fd())
	return err
}

// oneWrite is up to which length, in bytes, a full disk shows in the one write
// that there is, for less than asking for room first.
const oneWrite = 64 << 10

// fill writes the content and makes the file what is wanted. Until its owner
// is the final one, nobody but wconf can read it.
func (f *file) fill() error {
	if len(f.content) > oneWrite {
		if err := reserve(f.fd(), int64(len(f.content)), false); err != nil {
			return err
		}
	}
	if err := f.handle.write(f.content); err != nil {
		return err
	}
	if err := f.own(); err != nil {
		return err
	}
	if f.old != nil {
		lost, err := copyAttrs(f.old.fd(), f.fd(), f.want.mode)
		if err != nil {
			return err
		}
		if len(lost) > 0 {
			f.disk.warn(f.place.path, "extended attributes could not be kept", strings.Join(lost, " "))
		}
	}
	mode := f.want.mode
	if f.foreign(f.at.uid, f.at.gid) {
		mode &^= setID
	}
	if err := unix.Fchmod(f.fd(), mode); err != nil { // last: a change of owner clears set-id bits
		return fmt.Errorf("chmod %04o: %w", mode, err)
	}
	at, err := statOf(f.fd())
	f.at = at
	return err
}

// stageName is "." and base and random decimal digits, as confd's staged files
// are called.
func stageName(base string, digits int) string {
	name := make([]byte, digits)
	rand.Read(name) //nolint:errcheck // never fails
	for i, b := range name {
		name[i] = '0' + b%10 // a little more of 0 to 5 than of the rest
	}
	return stagePrefix(base) + string(name)
}

func stagePrefix(base string) string { return "." + base[:min(len(base), longestBase)] }

// isStageName says whether name is one that stageName made for staging base.
func isStageName(base, name string) bool {
	digits, ok := strings.CutPrefix(name, stagePrefix(base))
	return ok && len(digits) == stagedDigits && strings.Trim(digits, "0123456789") == ""
}
