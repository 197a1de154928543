package wasm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cache keeps rewritten modules and their machine code in a directory. wazero
// runs what it finds there; so each file has its SHA-256 beside it, and what
// does not fit is removed before wazero looks. Against damage that helps, and
// against others only the directory's mode does.
type cache struct{ dir string }

// rewriter is the version of what instrument writes and scan accepts; files of
// another version are not used.
const rewriter = "3"

// oldest is how long a file is kept, and mostKept how many bytes are: all of them
// are read when the cache is opened, and whoever writes a guest leaves one with
// each build. Forty large guests of Go have room.
const (
	oldest   = 180 * 24 * time.Hour
	mostKept = 256 << 20
)

const sumSuffix = ".sha256"

// openCache makes the directory, looks that nobody else may write to it, and
// removes what is damaged or old.
func openCache(dir string) (*cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := private(dir); err != nil {
		return nil, err
	}
	c := &cache{dir: dir}
	if err := c.trim(mostKept); err != nil {
		return nil, err
	}
	return c, c.each(func(path string) error {
		if c.sound(path) {
			return nil
		}
		return c.remove(path)
	})
}

// trim removes the oldest files until no more than so many bytes are left.
func (c *cache) trim(most int64) error {
	type file struct {
		path string
		info fs.FileInfo
	}
	var files []file
	err := c.each(func(path string) error {
		info, err := os.Stat(path)
		if err == nil {
			files = append(files, file{path, info})
			most -= info.Size()
		}
		return nil // it is gone, or sound will tell
	})
	slices.SortFunc(files, func(a, b file) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	for _, f := range files {
		if err != nil || most >= 0 {
			break
		}
		most += f.info.Size()
		err = c.remove(f.path)
	}
	return err
}

// each calls f for each file but the sums.
func (c *cache) each(f func(path string) error) error {
	return filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, sumSuffix) {
			return err
		}
		return f(path)
	})
}

func (c *cache) sound(path string) bool {
	info, err := os.Stat(path)
	if err != nil || time.Since(info.ModTime()) > oldest {
		return false
	}
	b, err := os.ReadFile(path)
	return err == nil && c.fits(path, b)
}

func (c *cache) fits(path string, b []byte) bool {
	want, err := os.ReadFile(path + sumSuffix)
	sum := sha256.Sum256(b)
	return err == nil && string(want) == hex.EncodeToString(sum[:])
}

func (c *cache) remove(path string) error {
	for _, p := range []string{path, path + sumSuffix} {
		if err := os.Remove(p); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// seal writes the sums of files that have none: of what wazero just wrote.
func (c *cache) seal() error {
	return c.each(func(path string) error {
		if _, err := os.Stat(path + sumSuffix); err == nil || strings.HasSuffix(path, ".tmp") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return writeSum(path, b)
	})
}

func writeSum(path string, b []byte) error {
	sum := sha256.Sum256(b)
	return replaceFile(path+sumSuffix, []byte(hex.EncodeToString(sum[:])))
}

// replaceFile writes a file that is whole or not there.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = firstOf(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it may be gone
	}
	return err
}

// empty removes everything.
func (c *cache) empty() error { return c.each(c.remove) }

func (c *cache) file(d Digest) string {
	return filepath.Join(c.dir, hex.EncodeToString(d[:])+".guest-"+rewriter)
}

// get is a module as it was rewritten, if it is there and whole.
func (c *cache) get(d Digest) (about *Inspection, rewritten []byte) {
	if c == nil {
		return nil, nil
	}
	b, err := os.ReadFile(c.file(d))
	if err != nil || !c.fits(c.file(d), b) {
		return nil, nil
	}
	head, rest, _ := bytes.Cut(b, []byte("\n"))
	about = new(Inspection)
	if err := json.Unmarshal(head, about); err != nil || about.Digest != d {
		return nil, nil
	}
	return about, rest
}

// put keeps a rewritten module and the sums of what wazero wrote for it.
func (c *cache) put(about *Inspection, rewritten []byte) error {
	if c == nil {
		return nil
	}
	head, err := json.Marshal(about)
	if err != nil {
		return err
	}
	b := append(append(head, '\n'), rewritten...)
	path := c.file(about.Digest)
	if err := firstOf(writeSum(path, b), replaceFile(path, b), c.seal()); err != nil {
		return fmt.Errorf("cache of compiled guests: %w", err)
	}
	return nil
}
