package notify

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const maxLinks = 40 // as Linux

// look is one look at targets. What they have in common is looked at once:
// 200 templates in one directory cost a call each, not one for every name on
// the way to each.
type look struct {
	kernel *kernel
	seen   map[string]sight
	dirs   map[string]*way // by the path that was asked for
}

// sight is what Lstat says of a path.
type sight struct {
	info fs.FileInfo
	err  error
}

func (l *look) lstat(path string) (fs.FileInfo, error) {
	s, ok := l.seen[path]
	if !ok {
		s.info, s.err = os.Lstat(path)
		l.seen[path] = s
	}
	return s.info, s.err
}

// watch has the kernel watch a place.
func (l *look) watch(place string) {
	if info, err := l.lstat(place); err == nil { // one that is gone is no failure: the look sees it
		l.kernel.watch(place, info)
	}
}

// step says that a name in a directory matters ("": all names).
type step struct{ dir, name string }

// way is how a path is resolved: name by name, as the kernel does, since each
// of the directories on it can be renamed or swapped.
type way struct {
	up    *way // to the directory that the path is in; nil: the root
	steps []step
	links []byte // what the links said
	real  string
	err   error // why it leads nowhere
}

// to is the way to an absolute path.
func (l *look) to(path string) *way {
	dir := filepath.Dir(path)
	if dir == path {
		return &way{real: path}
	}
	up, ok := l.dirs[dir]
	if !ok {
		up = l.to(dir)
		l.dirs[dir] = up
	}
	w := &way{up: up, real: up.real, err: up.err}
	rest := []string{filepath.Base(path)}
	for links := 0; w.err == nil && len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			w.real = filepath.Dir(w.real)
			continue
		}
		l.watch(w.real) // before it is looked at, so that nothing falls in between
		w.steps = append(w.steps, step{w.real, name})
		next := filepath.Join(w.real, name)
		var info fs.FileInfo
		if info, w.err = l.lstat(next); w.err != nil {
			break
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			w.real = next
			continue
		}
		if links++; links > maxLinks {
			w.err = errors.New("too many symbolic links")
			break
		}
		var target string
		if target, w.err = os.Readlink(next); w.err != nil {
			break
		}
		w.links = append(w.links, next+" "+target...)
		w.links = append(w.links, stamp(info)...)
		if filepath.IsAbs(target) {
			w.real = filepath.VolumeName(target) + string(filepath.Separator)
		}
		rest = append(split(target), rest...)
	}
	return w
}

func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator || r == '/' })
}
