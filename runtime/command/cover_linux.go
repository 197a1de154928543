package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
)

// cover is a directory that was covered to make room for a file. What a command
// makes in it, nobody else sees, and it would be gone with the namespace: so it
// is carried over into the directory itself when the command has ended.
type cover struct {
	dir   string              // its path, outside of the namespace
	over  *os.File            // what covers it
	names map[string]struct{} // that stood there when the command started
}

// newCover takes over, and knows what stands there now.
func newCover(dir string, over *os.File) (cover, error) {
	c := cover{dir: dir, over: over, names: map[string]struct{}{}}
	names, err := over.Readdirnames(-1)
	for _, name := range names {
		c.names[name] = struct{}{}
	}
	if err != nil {
		over.Close()
	}
	return c, err
}

type covers []cover

func (all covers) close() {
	for _, c := range all {
		c.over.Close()
	}
}

// carry carries over what is new in each.
func (all covers) carry() error {
	var errs []error
	for _, c := range all {
		if err := c.carry(); err != nil {
			errs = append(errs, fmt.Errorf("keep what was made in %s: %w", c.dir, err))
		}
	}
	return errors.Join(errs...)
}

func (c cover) carry() error {
	made, err := c.made()
	if err != nil || len(made) == 0 {
		return err
	}
	from, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", c.over.Fd()))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenRoot(c.dir)
	if err != nil {
		return err
	}
	defer to.Close()
	for _, name := range made {
		if err := carryOver(from, to, name); err != nil {
			return err
		}
	}
	return nil
}

// made are the names that are new.
func (c cover) made() ([]string, error) {
	if _, err := c.over.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	names, err := c.over.Readdirnames(-1)
	return slices.DeleteFunc(names, func(name string) bool {
		_, stood := c.names[name]
		return stood
	}), err
}

// carryOver makes what is called name in from in to, too, with all that is in
// it, its mode and its owner. What others have made there meanwhile stays, and so
// do sockets and the like, where they are.
func carryOver(from, to *os.Root, name string) error {
	info, err := from.Lstat(name)
	if err != nil {
		return err
	}
	switch {
	case info.Mode().IsRegular():
		err = carryFile(from, to, name, info)
	case info.IsDir():
		err = carryDirectory(from, to, name, info)
	case info.Mode()&fs.ModeSymlink != 0:
		err = carryLink(from, to, name, info)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func carryLink(from, to *os.Root, name string, info fs.FileInfo) error {
	text, err := from.Readlink(name)
	if err != nil {
		return err
	}
	if err := to.Symlink(text, name); err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	return ifRoot(to.Lchown(name, int(st.Uid), int(st.Gid)))
}

func carryFile(from, to *os.Root, name string, info fs.FileInfo) error {
	in, err := from.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err == nil {
		err = give(out, info)
	}
	return errors.Join(err, out.Close())
}

func carryDirectory(from, to *os.Root, name string, info fs.FileInfo) error {
	if err := to.Mkdir(name, 0o700); err != nil {
		return err
	}
	entries, err := fs.ReadDir(from.FS(), name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := carryOver(from, to, path.Join(name, e.Name())); err != nil {
			return err
		}
	}
	made, err := to.OpenFile(name, syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return errors.Join(give(made, info), made.Close())
}

// give makes an open file its owner's, with its mode. The name may lead elsewhere
// by now, where others can write.
func give(f *os.File, info fs.FileInfo) error {
	st := info.Sys().(*syscall.Stat_t)
	if err := ifRoot(f.Chown(int(st.Uid), int(st.Gid))); err != nil {
		return err
	}
	return f.Chmod(info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky))
}

// ifRoot is the error of a change of owner, which an ordinary user cannot make
// and need not: all is its own.
func ifRoot(err error) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return err
}
