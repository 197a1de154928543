//go:build unix

package stage

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// mostOld is the largest file that is read to compare. A larger one at a
// destination is not ours, and reading it could take all memory.
const mostOld = 256 << 20

// standing is the regular file at a destination. All that is known of it comes
// from one descriptor.
type standing struct {
	file handle
	at   attributes
	held []byte // its content, once read
}

// standing opens what is at p: nil when nothing is. It never blocks and never
// opens anything but a regular file.
func (p *place) standing() (*standing, error) {
	switch err := p.missing; {
	case errors.Is(err, unix.ENOENT):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := kindError(p.found.kind); err != nil {
		return nil, err
	}
	return p.open(unix.O_NOFOLLOW)
}

// behindLink opens what the unsafe link at p leads to, with the rights of
// those who could have made it, or nil when that is nothing to compare with.
func (p *place) behindLink() *standing {
	if at, err := statAt(p.fd(), p.base, 0); err != nil || at.kind != unix.S_IFREG {
		return nil
	}
	who := p.linkOwner
	if who == nil {
		who = p.rights
	}
	var s *standing
	if err := as(who, func() (err error) { s, err = p.open(0); return err }); err != nil {
		return nil
	}
	return s
}

func (p *place) open(flags int) (*standing, error) {
	fd, err := openAt(p.fd(), p.base, unix.O_RDONLY|unix.O_NONBLOCK|flags, 0)
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

func (s *standing) fd() int { return int(s.file) }

func (s *standing) close() {
	if s != nil {
		s.file.close()
	}
}

// holds says whether the file has exactly these bytes.
func (s *standing) holds(content []byte) (bool, error) {
	if s.at.size != int64(len(content)) {
		return false, nil
	}
	same, err := equal(s.file, content)
	if same {
		s.held = content
	}
	return same, err
}

// read is the whole content.
func (s *standing) read() ([]byte, error) {
	if s.held != nil {
		return s.held, nil
	}
	if s.at.size > mostOld {
		return nil, fmt.Errorf("the file there holds %d MiB, which is not a configuration file; move it away", s.at.size>>20)
	}
	b, err := s.file.readAll(s.at.size)
	s.held = b
	return b, err
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

// equal compares a file of that size with content and stops at the first
// difference.
func equal(f handle, content []byte) (bool, error) {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for off := 0; off < len(content); {
		n, err := f.read(*buf, int64(off))
		if err != nil {
			return false, err
		}
		if n == 0 || n > len(content)-off || !bytes.Equal((*buf)[:n], content[off:off+n]) {
			return false, nil
		}
		off += n
	}
	return true, nil
}
