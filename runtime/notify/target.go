package notify

import (
	"hash"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
)

// target is one path that was asked for, and what it depends on.
type target struct {
	asked    string
	absolute string
	ways     []*way // to it, and to what links below it lead to
	steps    []step // at it and below
	print    uint64 // of the last survey
}

// survey looks at everything the target depends on: the way to it and, of a
// directory, everything below it. It tells whether anything is not as in the
// last survey.
func (t *target) survey(l *look) bool {
	t.ways, t.steps = nil, nil
	s := survey{target: t, look: l, print: fnv.New64a()}
	if real, err := s.follow(t.absolute); err == nil {
		s.whole(real)
	} else {
		s.note(t.absolute, nil, err)
	}
	before := t.print
	t.print = s.print.Sum64()
	return t.print != before
}

// survey is one look at a target.
type survey struct {
	*target
	*look
	print   hash.Hash64
	entered map[string]struct{} // real paths of directories
}

// at says that everything in a directory matters, or a file itself, and has it
// watched.
func (s *survey) at(place string) {
	s.watch(place)
	s.steps = append(s.steps, step{place, ""})
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

// follow returns the real path that an absolute one leads to.
func (s *survey) follow(path string) (real string, err error) {
	w := s.to(path)
	s.ways = append(s.ways, w)
	for on := w; on != nil; on = on.up {
		s.print.Write(on.links)
	}
	return w.real, w.err
}

// whole looks at a real path, and at everything below it.
func (s *survey) whole(path string) {
	info, err := s.lstat(path)
	s.note(path, info, err)
	if err != nil {
		return
	}
	if !info.IsDir() {
		if info.Mode().IsRegular() {
			s.at(path) // a file that is a mount of its own: its directory hears nothing
		}
		return
	}
	if _, again := s.entered[path]; again {
		return
	}
	if s.entered == nil {
		s.entered = map[string]struct{}{}
	}
	s.entered[path] = struct{}{}
	s.at(path)
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
		if real, err := s.follow(path); err != nil {
			s.note(path, nil, err)
		} else if info, err := s.lstat(real); err == nil && info.IsDir() {
			s.whole(real)
		} else {
			s.note(real, info, err)
		}
	default:
		info, err := s.lstat(path)
		s.note(path, info, err)
	}
}

// needs adds the places that the target depends on. The ways in passed have
// added theirs.
func (t *target) needs(places map[string]struct{}, passed map[*way]struct{}) {
	for _, s := range t.steps {
		places[s.dir] = struct{}{}
	}
	for _, w := range t.ways {
		for ; w != nil; w = w.up {
			if _, ok := passed[w]; ok {
				break
			}
			passed[w] = struct{}{}
			for _, s := range w.steps {
				places[s.dir] = struct{}{}
			}
		}
	}
}

// happening is something that happened to a path.
type happening struct {
	path, dir, name string
	ways            map[*way]bool // whether it matters to those to directories
}

func happened(path string) *happening {
	return &happening{path, filepath.Dir(path), filepath.Base(path), map[*way]bool{}}
}

// concerns tells whether it can matter to a target.
func (h *happening) concerns(t *target) bool {
	for _, w := range t.ways {
		if h.onWay(w) {
			return true
		}
	}
	return h.at(t.steps)
}

func (h *happening) onWay(w *way) bool {
	if h.at(w.steps) {
		return true
	}
	if w.up == nil {
		return false
	}
	hit, known := h.ways[w.up]
	if !known {
		hit = h.onWay(w.up)
		h.ways[w.up] = hit
	}
	return hit
}

func (h *happening) at(steps []step) bool {
	for _, s := range steps {
		if s.dir == h.path { // a place itself: moved, removed, another mode
			return true
		}
		if s.dir == h.dir && (s.name == h.name || s.name == "") {
			return true
		}
	}
	return false
}
