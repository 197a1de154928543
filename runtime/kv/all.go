package kv

import (
	"slices"
	"strings"
)

// All yields every pair that the view grants, in bytewise order of the keys, for
// one who may have to stop half-way. A step is a pair. All of it counts as read,
// also when it was ended.
func (v *View) All(step Step, found func(key, value string) bool) {
	v.readAll()
	v.scan(v.scope.prefix+"/", func(full, value string) bool {
		return step.take(1) && found(full[len(v.scope.prefix):], value)
	})
}

// AllByName is All in the order of names: a key comes right before those below
// it, and "/a/b" before "/a-b". A step is a child of a directory, or a look at
// whether one comes before it.
func (v *View) AllByName(step Step, found func(key, value string) bool) {
	v.readAll()
	w := byName{v.snapshot, len(v.scope.prefix), step, found}
	roots := slices.Clone(v.scope.roots)
	slices.SortFunc(roots, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
	for _, root := range roots {
		switch at := v.scope.visible(root); {
		case at == "" && v.scope.prefix != "":
		case at == v.scope.prefix:
			w.below(at + "/")
		case !w.at(at):
			return
		}
	}
}

// visible is the part of a root that is in sight: the root, or the prefix when
// that lies within it. It is empty when there is none; without a prefix the root
// of all is empty, too.
func (sc Scope) visible(root string) string {
	switch {
	case strings.HasPrefix(sc.prefix+"/", root+"/"):
		return sc.prefix
	case strings.HasPrefix(root, sc.prefix+"/"):
		return root
	}
	return ""
}

func (v *View) readAll() {
	for _, root := range v.scope.roots {
		if at := v.scope.visible(root); at != "" || v.scope.prefix == "" {
			v.reads.addTree(at)
		}
	}
}

// byName goes through a tree by names. In the tree a directory comes behind its
// neighbours whose names go on with a byte below the slash. Its methods tell
// whether to go on.
type byName struct {
	*Snapshot
	skip  int
	step  Step
	found func(key, value string) bool
}

// at is a key, if it is there, and all below it.
func (w byName) at(key string) bool {
	if value, ok := w.Get(key); ok && !w.found(key[w.skip:], value) {
		return false
	}
	return w.below(key + "/")
}

func (w byName) below(dir string) bool {
	for c := range w.children(dir, "") {
		if !w.step.take(1) {
			return false
		}
		for i := 1; i < len(c.name); i++ { // is it the first of those before which a directory has to come?
			if c.name[i] >= '/' {
				continue
			}
			if !w.step.take(1) || w.first(dir+c.name[:i]) == c.key && !w.below(dir+c.name[:i]+"/") {
				return false
			}
		}
		switch {
		case c.leaf:
			if !w.at(c.key) {
				return false
			}
		case w.first(dir+c.name) == c.key && !w.below(dir+c.name+"/"): // else it came before
			return false
		}
	}
	return true
}

// first is the first key at or after a text.
func (s *Snapshot) first(text string) string {
	for k := range s.From(text) {
		return k
	}
	return ""
}
