package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// writeFile replaces a cache file, all of it or nothing.
func writeFile(path string, im image) (size int64, err error) {
	f, err := create(path + ".new")
	if err != nil {
		return 0, err
	}
	w := &writer{to: f}
	err = errors.Join(w.image(im), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return 0, err
	}
	return w.size, nil
}

// create makes a file that is not there. What a killed wconf has left there is
// removed; what another one is writing just now is not.
func create(path string) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > time.Minute {
		os.Remove(path)
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

// errOtherPrefixes is what is wrong with a file that is good for others.
var errOtherPrefixes = errors.New("it is of other prefixes")

// readFile reads a cache file that nobody else can have read or written, if it
// is of this store and holds all keys below the prefixes; of more it takes what
// is asked for.
func readFile(path, store string, prefixes []string) (image, error) {
	f, size, err := openOwn(path)
	if err != nil {
		return image{}, err
	}
	defer f.Close()
	r := &reader{from: f, left: size}
	im, err := r.image()
	switch {
	case err != nil:
		return image{}, err
	case im.Store != store:
		return image{}, errors.New("it is of another store, or of other settings of it")
	case !im.covers(prefixes):
		return image{}, fmt.Errorf("%w: it holds the keys below %s, and not all below %s", errOtherPrefixes, strings.Join(im.Prefixes, " "), strings.Join(prefixes, " "))
	}
	return im.narrowed(prefixes), nil
}

// openOwn opens a regular file of ours that is closed to others, and makes it
// so otherwise.
func openOwn(path string) (f *os.File, size int64, err error) {
	f, err = os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("it is no regular file (%v)", info.Mode().Type())
	case !ours(info):
		err = errors.New("it belongs to another user")
	case open(info):
		err = errors.Join(fmt.Errorf("others may open it (mode %#o)", info.Mode().Perm()), f.Chmod(0o600))
	case info.Size() > maxFile:
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// setAside moves a file that cannot be used away, over the last such one.
func setAside(path string) error {
	if err := os.Rename(path, filepath.Clean(path)+".set-aside"); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
