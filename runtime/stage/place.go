//go:build unix

package stage

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const mostLinks = 40 // as the kernel

var errNoDirectory = errors.New("the directory does not exist")

// place is an opened directory and a name in it: where a destination is, as
// long as the directory is the same one.
type place struct {
	dir  handle
	at   attributes // of dir
	base string
	path string // how messages and commands name it

	unsafe string  // why others can change what the path means; empty when they cannot
	rights *rights // with whose rights names in dir are changed; nil for wconf's own

	found   attributes // what stands at base
	missing error      // why nothing does

	link      string  // why the link that stands at base is not followed; empty when none does
	linkOwner *rights // of that link
}

// rights are those of a user whom wconf does not trust with its own.
type rights struct {
	uid, gid int
	only     bool // wconf's own rights are no substitute
}

// walkTo walks to path one directory at a time and judges each one on the way.
// It tells over how many links the way went.
func walkTo(path string) (p *place, links int, err error) {
	if path == "" {
		return nil, 0, errors.New("the path is empty")
	}
	dir, base := filepath.Split(path)
	if !names(base) {
		return nil, 0, errors.New("the path names a directory")
	}
	w, err := startAt(path)
	if err != nil {
		return nil, 0, err
	}
	p, err = w.enter(dir, base, path)
	return p, w.links, err
}

// names tells whether the last part of a path can be that of a file.
func names(base string) bool { return base != "" && base != "." && base != ".." }

// end follows the link that stands at p, if one does. A link at the very end of
// a path is followed where nobody but root and wconf's own user could have put
// it there, or anything on its way.
func (p *place) end() (*place, error) {
	for links := 0; ; links++ {
		next, standing := p.follow(links)
		if standing {
			return p, nil
		}
		p.close()
		p = next
	}
}

// follow is the place that the link at p points to. It is standing when no
// link is there or when the link must not be followed.
func (p *place) follow(links int) (next *place, standing bool) {
	if p.found, p.missing = statAt(p.fd(), p.base, unix.AT_SYMLINK_NOFOLLOW); p.missing != nil || p.found.kind != unix.S_IFLNK {
		return nil, true
	}
	text, owner, err := readLink(p.fd(), p.base)
	if err != nil {
		return nil, true
	}
	p.linkOwner = untrusted(owner)
	next, err = p.target(text, links)
	if err != nil {
		p.link = err.Error()
		return nil, true
	}
	return next, false
}

func (p *place) target(text string, links int) (*place, error) {
	switch {
	case p.unsafe != "":
		return nil, errors.New(p.unsafe)
	case p.linkOwner != nil:
		return nil, fmt.Errorf("it belongs to uid %d", p.linkOwner.uid)
	case links >= mostLinks:
		return nil, unix.ELOOP
	}
	dir, base := filepath.Split(text)
	if !names(base) {
		return nil, errors.New("it points to a directory")
	}
	w, err := startFrom(p, text)
	if err != nil {
		return nil, err
	}
	next, err := w.enter(dir, base, "")
	if err == nil && next.unsafe != "" {
		next.close()
		return nil, errors.New(next.unsafe)
	}
	return next, err
}

// same says whether the path still leads to the directory of p.
func (p *place) same(d *Disk, path string) error {
	now, err := d.find(path)
	if err != nil {
		return err
	}
	defer now.close()
	if now.at.dev != p.at.dev || now.at.ino != p.at.ino || now.base != p.base {
		return fmt.Errorf("%w: the directory is another one now", ErrSwapped)
	}
	return nil
}

func (p *place) fd() int { return int(p.dir) }

func (p *place) close() { p.dir.close() }

// beside is the path of another name in the directory of p.
func (p *place) beside(name string) string {
	return filepath.Join(filepath.Dir(p.path), name)
}
