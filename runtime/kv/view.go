package kv

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Scope is what one resource may see: the keys below its prefix that its
// `keys` name, each with everything below it, by whole path segments
// (confd's documentation, "keys" and "prefix").
type Scope struct {
	prefix string              // "" or "/a/b"
	grants map[string]struct{} // full paths; "" grants everything
	roots  []string            // the grants that lie in no other grant, in order
	parts  []string            // each root, and with a slash behind it for what lies below, in the order of the keys
}

// NewScope joins each of keys to prefix as confd does: a missing leading slash
// is added, doubled and trailing slashes vanish, ".." is resolved, and a
// trailing "/*" is dropped.
func NewScope(prefix string, keys []string) Scope {
	sc := Scope{prefix: strings.TrimSuffix(path.Clean("/"+prefix), "/"), grants: map[string]struct{}{}}
	for _, k := range keys {
		k = strings.TrimSuffix(k, "/*")
		sc.grants[strings.TrimSuffix(path.Join("/", sc.prefix, k), "/")] = struct{}{}
	}
	for g := range sc.grants {
		if g == "" || !sc.grantsAbove(g) {
			sc.roots = append(sc.roots, g)
			sc.parts = append(sc.parts, g, g+"/")
		}
	}
	slices.Sort(sc.roots)
	slices.Sort(sc.parts) // between "/a" and what lies below it there may be "/a-b"
	return sc
}

// Prefix is "" or a clean path without a trailing slash.
func (sc Scope) Prefix() string { return sc.prefix }

// Roots are the full paths that a store has to be asked for, none within
// another; "/" stands for everything.
func (sc Scope) Roots() []string {
	roots := slices.Clone(sc.roots)
	for i, r := range roots {
		roots[i] = cmp.Or(r, "/")
	}
	return roots
}

// Grants tells whether a full key is at or below one of the keys.
func (sc Scope) Grants(full string) bool {
	if len(sc.roots) <= fewRoots {
		for _, root := range sc.roots {
			if within(root, full) {
				return true
			}
		}
		return false
	}
	_, here := sc.grants[full]
	return here || sc.grantsAbove(full)
}

// fewRoots is up to where comparing with each root is faster than looking for
// each directory of a key.
const fewRoots = 8

func (sc Scope) grantsAbove(full string) bool {
	for i := strings.LastIndexByte(full, '/'); i >= 0; i = strings.LastIndexByte(full[:i], '/') {
		if _, ok := sc.grants[full[:i]]; ok {
			return true
		}
	}
	return false
}

// View is one render's window on a Snapshot, limited to a Scope. Keys go in
// and come out relative to the scope's prefix, exactly as they stand: nothing
// is cleaned, so "app", "/app/" and "//app" never match "/app".
// It remembers everything that was asked of it, hits and misses alike.
// It is not safe for concurrent use.
type View struct {
	snapshot *Snapshot
	scope    Scope
	reads    ReadSet
}

// NewView opens a window on s.
func NewView(s *Snapshot, sc Scope) *View {
	return &View{snapshot: s, scope: sc, reads: ReadSet{prefix: sc.prefix}}
}

// Reads is what has been asked so far.
func (v *View) Reads() ReadSet { return v.reads }

// Gen is the generation of the snapshot behind the view.
func (v *View) Gen() uint64 { return v.snapshot.Gen() }

// Prefix is the prefix that the view's keys are relative to: "" or "/a/b".
func (v *View) Prefix() string { return v.scope.prefix }

// Grants tells whether the resource may see a key; it is no read.
func (v *View) Grants(key string) bool {
	return strings.HasPrefix(key, "/") && v.scope.Grants(v.scope.prefix+key)
}

// NoteWorld records that the render looked at something that is no key (the
// environment, the clock, a file, DNS), by the name of the function that did.
// Such a resource is rendered again on the interval, too.
func (v *View) NoteWorld(function string) { v.reads.addWorld(function) }

// Get is the value of exactly this key.
func (v *View) Get(key string) (value string, ok bool) {
	if !v.Grants(key) { // whatever it is, this resource never sees it
		return "", false
	}
	full := v.scope.prefix + key
	v.reads.addValue(full)
	return v.snapshot.Get(full)
}

// Exists tells whether exactly this key has a value. Directories do not count.
func (v *View) Exists(key string) bool {
	if !v.Grants(key) {
		return false
	}
	full := v.scope.prefix + key
	v.reads.addPresence(full)
	_, ok := v.snapshot.Get(full)
	return ok
}

// List is the names of the children of a directory, leaves and directories,
// sorted and unique. A trailing slash is tolerated; a key that has a value
// lists its own base name, too; an absent path lists nothing
// (confd's documentation, "ls").
func (v *View) List(dir string) []string { return sorted(v.ListBy, dir) }

// ListDirs is the names of the children of a directory that have children
// themselves (confd's documentation, "lsdir").
func (v *View) ListDirs(dir string) []string { return sorted(v.ListDirsBy, dir) }

// sorted sorts what a listing finds, most of which is in order.
func sorted(list func(string, Step, func(string, bool) bool), dir string) (names []string) {
	list(dir, nil, func(name string, _ bool) bool {
		names = append(names, name)
		return true
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// ListBy is List for one who may have to stop half-way. It calls found for each
// name in about their order, with whether it is that of a key; one that is a key
// and a directory comes for each. A step is a child of the directory.
//
// What the listing depends on is in the ReadSet also when it was ended.
func (v *View) ListBy(dir string, step Step, found func(name string, leaf bool) bool) {
	full, above, ok := v.listed(dir, Names)
	switch {
	case !ok:
		return
	case above:
		v.listAbove(full, Tree, step, found)
		return
	}
	itself := full != v.scope.prefix && !strings.HasSuffix(dir, "/")
	if itself {
		v.reads.addListing(Listing{full, Itself})
	}
	for c := range v.snapshot.children(full+"/", "") {
		if !step.take(1) || !found(c.name, c.leaf) {
			return
		}
	}
	if itself {
		if _, ok := v.snapshot.Get(full); ok {
			found(path.Base(full), true)
		}
	}
}

// ListDirsBy is ListDirs in the same way.
func (v *View) ListDirsBy(dir string, step Step, found func(name string, leaf bool) bool) {
	full, above, ok := v.listed(dir, Subdir)
	switch {
	case !ok:
		return
	case above:
		v.listAbove(full, Below, step, found)
		return
	}
	for c := range v.snapshot.children(full+"/", "") {
		if !step.take(1) || !c.leaf && !found(c.name, false) {
			return
		}
	}
}

// listed is the full path of a directory that is listed, and whether what is
// granted lies below it.
func (v *View) listed(dir string, of Of) (full string, above, ok bool) {
	if !strings.HasPrefix(dir, "/") {
		return "", false, false
	}
	full = v.scope.prefix + strings.TrimSuffix(dir, "/")
	if above = !v.scope.Grants(full); above {
		of = Above
	}
	v.reads.addListing(Listing{full, of})
	return full, above, true
}

// listAbove lists a directory that lies above what is granted; part says what is
// listed of it. A step is a root.
func (v *View) listAbove(full string, part Of, step Step, found func(name string, leaf bool) bool) {
	going := true
	for _, root := range v.scope.roots {
		below, ok := strings.CutPrefix(root, full+"/")
		if !ok {
			continue
		}
		name, _, deeper := strings.Cut(below, "/")
		part, tree := part, root
		if deeper {
			part = Tree // the name is that of a directory, however little is in it
		}
		if part == Below {
			tree += "/"
		}
		v.reads.addListing(Listing{root, part}) // of all, also when it was ended
		if going = going && step.take(1); going && v.snapshot.holds(tree) {
			going = found(name, false)
		}
	}
}
