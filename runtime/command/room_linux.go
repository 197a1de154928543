package command

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// overPaths are the absolute paths that the overlays cover, the last link of
// each followed, also when it leads to nothing.
func overPaths(overlays []Overlay) ([]string, error) {
	overs := make([]string, len(overlays))
	for i, o := range overlays {
		path, err := filepath.Abs(o.Over)
		if err != nil {
			return nil, err
		}
		for range 40 {
			text, err := os.Readlink(path)
			if err != nil {
				break
			}
			if !filepath.IsAbs(text) {
				text = filepath.Join(filepath.Dir(path), text)
			}
			path = text
		}
		overs[i] = path
	}
	return overs, nil
}

// makeRoom lets a file be bound over each path. A mount needs something to
// cover, and nothing may be made that others see: a directory where a path is
// missing is covered by a new one with the same entries, each bound to what it
// was, and an empty file for each that is missing.
func makeRoom(paths []string, covered func(dir string, over *os.File) error) error {
	missing := map[string][]string{}
	for _, path := range paths {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			dir := filepath.Dir(path)
			missing[dir] = append(missing[dir], filepath.Base(path))
		}
	}
	dirs := make([]string, 0, len(missing))
	for dir := range missing {
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(len(a), len(b)) }) // outer ones first
	for _, dir := range dirs {
		if err := coverDirectory(dir, missing[dir]); err != nil {
			return err
		}
		over, err := os.Open(dir)
		if err != nil {
			return err
		}
		if err := covered(dir, over); err != nil {
			return err
		}
	}
	return nil
}

func coverDirectory(dir string, missing []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return fmt.Errorf("stat %s: %w", dir, err)
	}
	if err := unix.Chdir(dir); err != nil { // from here the old entries can be reached when they are covered
		return fmt.Errorf("chdir %s: %w", dir, err)
	}
	if err := unix.Mount("wconf", dir, "tmpfs", 0, fmt.Sprintf("mode=%04o", st.Mode&0o7777)); err != nil {
		return mountError("cover", dir, err)
	}
	for _, e := range entries {
		if err := bindEntry(e, filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	for _, name := range missing {
		if err := makeEmpty(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	// An ordinary user cannot give it to others, and need not: it is the last
	// change there.
	if err := unix.Chown(dir, int(st.Uid), int(st.Gid)); err != nil && os.Geteuid() == 0 {
		return fmt.Errorf("chown %s: %w", dir, err)
	}
	return nil
}

// bindEntry puts an entry of the working directory at path. One that has
// vanished meanwhile is left out.
func bindEntry(e fs.DirEntry, path string) (err error) {
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		text, err := os.Readlink(e.Name())
		if err != nil {
			return ignoreMissing(err)
		}
		return os.Symlink(text, path)
	case e.IsDir():
		err = os.Mkdir(path, 0o755)
	default:
		err = makeEmpty(path)
	}
	if err != nil {
		return err
	}
	err = unix.Mount("./"+e.Name(), path, "", unix.MS_BIND|unix.MS_REC, "")
	if errors.Is(err, unix.ENOENT) {
		return os.Remove(path)
	}
	if err != nil {
		return mountError("bind", path, err)
	}
	return nil
}

func makeEmpty(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
