package notify

import (
	"errors"
	"hash"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// target is one path that was asked for, and what it depends on: the
// directories in which its names are looked up, links followed, and, of a
// directory, everything below it.
type target struct {
	asked    string
	absolute string
	names    map[string]map[string]struct{} // directory → names in it; "" means all
	print    uint64                         // of the last survey
}

const maxLinks = 40 // as Linux

// survey looks at everything the target depends on. A place is watched before
// it is looked at, so that nothing falls in between. It tells whether anything
// is not as in the last survey.
func (t *target) survey(k *kernel) bool {
	s := survey{target: t, kernel: k, print: fnv.New64a(), seen: map[string]struct{}{}}
	t.names = map[string]map[string]struct{}{}
	if real, err := s.trail(t.absolute); err == nil {
		s.whole(real)
	} else {
		s.note(t.absolute, nil, err)
	}
	before := t.print
	t.print = s.print.Sum64()
	return t.print != before
}

// concerns tells whether what happened to a name can matter to the target.
func (t *target) concerns(name string) bool {
	if t.depends(name) { // a place itself: moved, removed, another mode
		return true
	}
	names := t.names[filepath.Dir(name)]
	_, all := names[""]
	_, one := names[filepath.Base(name)]
	return all || one
}

func (t *target) depends(place string) bool {
	_, ok := t.names[place]
	return ok
}

// survey is one look at a target.
type survey struct {
	*target
	kernel *kernel
	print  hash.Hash64
	seen   map[string]struct{} // real paths of directories
}

// at says that a name in a directory matters ("": all names), and has the
// directory watched.
func (s *survey) at(dir, name string) {
	if s.names[dir] == nil {
		s.names[dir] = map[string]struct{}{}
		s.kernel.watch(dir)
	}
	s.names[dir][name] = struct{}{}
}

// note takes what is known of a file into the print.
func (s *survey) note(path string, info fs.FileInfo, err error) {
	s.print.Write([]byte(path))
	if err != nil {
		s.print.Write([]byte(err.Error()))
		return
	}
	s.print.Write(stamp(info))
}

// trail resolves an absolute path name by name, as the kernel does, and
// returns the real path. Every directory on the way matters, since each of
// them can be renamed or swapped.
func (s *survey) trail(path string) (real string, err error) {
	root := filepath.VolumeName(path) + string(filepath.Separator)
	real, rest, links := root, split(path[len(root):]), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			real = filepath.Dir(real)
			continue
		}
		s.at(real, name)
		next := filepath.Join(real, name)
		info, err := os.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			real = next
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("too many symbolic links")
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		s.note(next+" "+target, info, nil)
		if filepath.IsAbs(target) {
			real = root
		}
		rest = append(split(target), rest...)
	}
	return real, nil
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator || r == '/' })
}

// whole looks at a real path, and at everything below it.
func (s *survey) whole(path string) {
	info, err := os.Lstat(path)
	s.note(path, info, err)
	if err != nil {
		return
	}
	if !info.IsDir() {
		if info.Mode().IsRegular() {
			s.at(path, "") // a file that is a mount of its own: its directory hears nothing
		}
		return
	}
	if _, again := s.seen[path]; again {
		return
	}
	s.seen[path] = struct{}{}
	s.at(path, "")
	entries, err := os.ReadDir(path)
	if err != nil {
		s.note(path, nil, err)
	}
	for _, e := range entries {
		s.below(filepath.Join(path, e.Name()), e)
	}
}

func (s *survey) below(path string, e fs.DirEntry) {
	switch {
	case e.IsDir():
		s.whole(path)
	case e.Type()&fs.ModeSymlink != 0:
		if real, err := s.trail(path); err != nil {
			s.note(path, nil, err)
		} else if info, err := os.Lstat(real); err == nil && info.IsDir() {
			s.whole(real)
		} else {
			s.note(real, info, err)
		}
	default:
		info, err := e.Info()
		s.note(path, info, err)
	}
}
