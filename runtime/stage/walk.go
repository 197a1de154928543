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
		dir: handle(fd), at: w.at, base: base, path: shown,
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
