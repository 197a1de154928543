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
		}
	}
	slices.Sort(sc.roots)
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
			if strings.HasPrefix(full, root) && (len(full) == len(root) || full[len(root)] == '/') {
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
func (v *View) List(dir string) []string {
	names, self := v.list(dir, Names, Tree)
	if self != "" {
		names = append(names, self)
	}
	return unique(names)
}

// ListDirs is the names of the children of a directory that have children
// themselves (confd's documentation, "lsdir").
func (v *View) ListDirs(dir string) []string {
	names, _ := v.list(dir, Subdir, Below)
	return unique(names)
}

// unique sorts names, of which most are in order.
func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// list finds the names of a directory that is granted, or of what is granted
// and lies below it; of and part say what is listed.
func (v *View) list(dir string, of, part Of) (names []string, self string) {
	if !strings.HasPrefix(dir, "/") {
		return nil, ""
	}
	full := v.scope.prefix + strings.TrimSuffix(dir, "/")
	if !v.scope.Grants(full) {
		return v.listAbove(full, part), ""
	}
	v.reads.addListing(Listing{full, of})
	for c := range v.snapshot.children(full+"/", "") {
		if of == Names || !c.leaf {
			names = append(names, c.name)
		}
	}
	if of == Names && full != v.scope.prefix && !strings.HasSuffix(dir, "/") {
		v.reads.addListing(Listing{full, Itself})
		if _, ok := v.snapshot.Get(full); ok {
			self = path.Base(full)
		}
	}
	return names, self
}

// listAbove lists a directory that lies above what is granted.
func (v *View) listAbove(full string, part Of) (names []string) {
	v.reads.addListing(Listing{full, Above})
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
		v.reads.addListing(Listing{root, part})
		if v.snapshot.holds(tree) {
			names = append(names, name)
		}
	}
	return names
}
