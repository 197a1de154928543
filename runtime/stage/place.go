//go:build unix

package stage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const mostLinks = 40 // as the kernel

var errNoDirectory = errors.New("the directory does not exist")

// place is an opened directory and a name in it: where a destination is, as
// long as the directory is the same one.
type place struct {
	dir  *os.File
	at   attributes // of dir
	base string
	path string // how messages and commands name it

	unsafe string  // why others can change what the path means; empty when they cannot
	rights *rights // with whose rights names in dir are changed; nil for wconf's own

	link      string  // why the link that stands at base is not followed; empty when none does
	linkOwner *rights // of that link
}

// rights are those of a user whom wconf does not trust with its own.
type rights struct {
	uid, gid int
	only     bool // wconf's own rights are no substitute
}

// find walks to path one directory at a time and judges each one on the way.
// A link at the very end is followed where nobody but root and wconf's own
// user could have put it there, or anything on its way.
func find(path string) (*place, error) {
	if path == "" {
		return nil, errors.New("the path is empty")
	}
	dir, base := filepath.Split(path)
	if base == "" || base == "." || base == ".." {
		return nil, errors.New("the path names a directory")
	}
	w, err := startAt(path)
	if err != nil {
		return nil, err
	}
	p, err := w.enter(dir, base, path)
	for links := 0; err == nil; links++ {
		next, standing := p.follow(links)
		if standing {
			return p, nil
		}
		p.close()
		p = next
	}
	return nil, err
}

// follow is the place that the link at p points to. It is standing when no
// link is there or when the link must not be followed.
func (p *place) follow(links int) (next *place, standing bool) {
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
	if base == "" || base == "." || base == ".." {
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
func (p *place) same(path string) error {
	now, err := find(path)
	if err != nil {
		return err
	}
	defer now.close()
	if now.at.dev != p.at.dev || now.at.ino != p.at.ino || now.base != p.base {
		return fmt.Errorf("%w: the directory is another one now", ErrSwapped)
	}
	return nil
}

func (p *place) fd() int { return int(p.dir.Fd()) }

func (p *place) close() { p.dir.Close() }

// beside is the path of another name in the directory of p.
func (p *place) beside(name string) string {
	return filepath.Join(filepath.Dir(p.path), name)
}

// walker goes down a path. What it holds open is a directory, never a link.
type walker struct {
	fd     int
	name   string
	unsafe string
	link   *rights // of the last link on the way that somebody untrusted owns
	links  int
	at     attributes
}

func startAt(path string) (*walker, error) {
	if filepath.IsAbs(path) {
		return start("/")
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	w, err := start("/")
	if err != nil {
		return nil, err
	}
	if err := w.walk(cwd); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func startFrom(p *place, text string) (*walker, error) {
	if filepath.IsAbs(text) {
		return start("/")
	}
	fd, err := openAt(p.fd(), ".", openDirectory, 0)
	return &walker{fd: fd, name: filepath.Dir(p.path), unsafe: p.unsafe, at: p.at}, err
}

func start(dir string) (*walker, error) {
	fd, err := openAt(unix.AT_FDCWD, dir, openDirectory, 0)
	if err != nil {
		return nil, err
	}
	w := &walker{fd: -1}
	return w, w.stand(fd, dir)
}

// enter walks to dir and makes the place of base in it.
func (w *walker) enter(dir, base, shown string) (*place, error) {
	defer w.close()
	if err := w.walk(dir); err != nil {
		return nil, err
	}
	// A directory that wconf may search but not read serves too: it is only
	// not swept and not synced.
	fd, err := openAt(w.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, unix.EACCES) {
		fd, err = openAt(w.fd, ".", openDirectory, 0)
	}
	if err != nil {
		return nil, err
	}
	if shown == "" {
		shown = filepath.Join(w.name, base)
	}
	return &place{
		dir: os.NewFile(uintptr(fd), w.name), at: w.at, base: base, path: shown,
		unsafe: w.unsafe, rights: w.rights(),
	}, nil
}

// rights are those of the directory's owner where that is neither root nor
// wconf's user. Where an untrusted user's link led here, they are that user's
// and nothing else: a link gives nobody more rights than its owner has.
func (w *walker) rights() *rights {
	switch {
	case os.Geteuid() != 0 || w.at.mode&unix.S_ISVTX != 0:
		return nil
	case w.link != nil:
		return &rights{uid: w.link.uid, gid: w.link.gid, only: true}
	}
	return untrusted(w.at)
}

func (w *walker) walk(path string) error {
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." {
			continue
		}
		if err := w.step(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) step(name string) error {
	fd, err := openAt(w.fd, name, openDirectory, 0)
	switch {
	case err == nil:
		return w.stand(fd, filepath.Join(w.name, name))
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("%w: %s", errNoDirectory, filepath.Join(w.name, name))
	case !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP):
		return fmt.Errorf("open %s: %w", filepath.Join(w.name, name), err)
	}
	text, owner, err := readLink(w.fd, name)
	if err != nil {
		return fmt.Errorf("%s is not a directory", filepath.Join(w.name, name))
	}
	return w.through(text, name, owner)
}

// through goes on at the target of a link that stands for a directory.
func (w *walker) through(text, name string, owner attributes) error {
	if w.links++; w.links > mostLinks {
		return fmt.Errorf("open %s: %w", filepath.Join(w.name, name), unix.ELOOP)
	}
	if who := untrusted(owner); who != nil {
		w.link = who
		w.blame(fmt.Sprintf("the link %s belongs to uid %d", filepath.Join(w.name, name), who.uid))
	}
	if filepath.IsAbs(text) {
		fd, err := openAt(unix.AT_FDCWD, "/", openDirectory, 0)
		if err != nil {
			return err
		}
		if err := w.stand(fd, "/"); err != nil {
			return err
		}
	}
	return w.walk(text)
}

// stand makes the directory fd the place to go on from, and judges it.
func (w *walker) stand(fd int, name string) error {
	if w.fd >= 0 {
		unix.Close(w.fd)
	}
	at, err := statOf(fd)
	w.fd, w.name, w.at = fd, name, at
	if err != nil {
		return fmt.Errorf("stat %s: %w", name, err)
	}
	switch who := untrusted(at); {
	case who != nil:
		w.blame(fmt.Sprintf("%s belongs to uid %d", name, who.uid))
	case at.mode&0o022 != 0 && at.mode&unix.S_ISVTX == 0:
		w.blame(name + " can be written by others")
	}
	return nil
}

func (w *walker) blame(why string) {
	if w.unsafe == "" {
		w.unsafe = why
	}
}

func (w *walker) close() { unix.Close(w.fd) }

// untrusted are the rights of an owner other than root and wconf's user.
func untrusted(at attributes) *rights {
	if at.uid == 0 || at.uid == os.Geteuid() {
		return nil
	}
	return &rights{uid: at.uid, gid: at.gid}
}
