package kv

import (
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// ReadSet is what a render depended on: the values and absences it saw, the
// keys whose presence it asked for, the directories it listed, the patterns it
// matched, the trees it went through, and the functions by which it looked at the world outside the keys.
// The zero value is a render that looked at nothing.
type ReadSet struct {
	prefix   string
	values   map[string]struct{}
	presence map[string]struct{}
	listings map[Listing]struct{}
	globs    map[string]struct{} // patterns, relative to prefix
	trees    map[string]struct{} // full paths: all at or below them
	world    map[string]struct{}
}

func add[K comparable](m *map[K]struct{}, k K) {
	if *m == nil {
		*m = map[K]struct{}{}
	}
	(*m)[k] = struct{}{}
}

func (r *ReadSet) addValue(full string)    { add(&r.values, full) }
func (r *ReadSet) addPresence(full string) { add(&r.presence, full) }
func (r *ReadSet) addListing(l Listing)    { add(&r.listings, l) }
func (r *ReadSet) addGlob(pattern string)  { add(&r.globs, pattern) }
func (r *ReadSet) addTree(full string)     { add(&r.trees, full) }
func (r *ReadSet) addWorld(name string)    { add(&r.world, name) }

// Values yields the full keys whose values, or absences, were seen.
func (r ReadSet) Values() iter.Seq[string] { return maps.Keys(r.values) }

// Presence yields the full keys that were only asked for their presence.
func (r ReadSet) Presence() iter.Seq[string] { return maps.Keys(r.presence) }

// Dirs yields the full paths of the directories that were listed, without a
// trailing slash.
func (r ReadSet) Dirs() iter.Seq[string] {
	dirs := map[string]struct{}{}
	for l := range r.listings {
		if l.Of.shown() {
			dirs[l.Path] = struct{}{}
		}
	}
	return maps.Keys(dirs)
}

// Listings yields what the names that listings brought depend on.
func (r ReadSet) Listings() iter.Seq[Listing] { return maps.Keys(r.listings) }

// Globs yields, for each pattern, the full path below which a changed key can
// match, and a function that tells whether one does. A tree is such a pattern.
func (r ReadSet) Globs() iter.Seq2[string, func(full string) bool] {
	return func(yield func(string, func(string) bool) bool) {
		for tree := range r.trees {
			if !yield(tree, func(full string) bool { return within(tree, full) }) {
				return
			}
		}
		for pattern := range r.globs {
			literal, _, special := cutMeta(pattern)
			if special {
				literal = literal[:strings.LastIndexByte(literal, '/')+1]
			}
			below := r.prefix + strings.TrimSuffix(literal, "/")
			if !yield(below, func(full string) bool { return r.globMatches(pattern, full) }) {
				return
			}
		}
	}
}

func (r ReadSet) globMatches(pattern, full string) bool {
	key, ok := strings.CutPrefix(full, r.prefix)
	if !ok {
		return false
	}
	ok, err := path.Match(pattern, key)
	return ok || err != nil
}

// within tells whether a key is at or below a path.
func within(path, key string) bool {
	return strings.HasPrefix(key, path) && (len(key) == len(path) || key[len(path)] == '/')
}

// World is the names of the functions that looked at something that is no key,
// in order.
func (r ReadSet) World() []string { return slices.Sorted(maps.Keys(r.world)) }

// Touches tells whether c could alter a render that read r, whatever else is
// there: a key that comes or goes anywhere below a listed directory may bring
// or take a name.
func (r ReadSet) Touches(c Change) bool {
	return r.touches(c) || c.cameOrWent() && r.listed(c.Key)
}

// Alters tells the same of one of the changes that made next of old, and
// knows whether a listing brings other names then.
func (r ReadSet) Alters(c Change, old, next *Snapshot) bool {
	if r.touches(c) {
		return true
	}
	if len(r.listings) == 0 || !c.cameOrWent() {
		return false
	}
	for l, tree := range ListedBy(c.Key) {
		if _, ok := r.listings[l]; ok && Moved(tree, old, next) {
			return true
		}
	}
	return false
}

// touches is Touches without listings.
func (r ReadSet) touches(c Change) bool {
	if _, ok := r.values[c.Key]; ok {
		return true
	}
	if _, ok := r.presence[c.Key]; ok && c.cameOrWent() {
		return true
	}
	for pattern := range r.globs {
		if r.globMatches(pattern, c.Key) {
			return true
		}
	}
	for tree := range r.trees {
		if within(tree, c.Key) {
			return true
		}
	}
	return false
}

func (r ReadSet) listed(key string) bool {
	for at := key; ; {
		for of := range shown {
			if _, ok := r.listings[Listing{at, of}]; ok {
				return true
			}
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return false
		}
		at = at[:i]
	}
}

// TouchesAny tells whether any of cs could alter a render that read r.
func (r ReadSet) TouchesAny(cs []Change) bool { return slices.ContainsFunc(cs, r.Touches) }

// Equal tells whether two renders read the same.
func (r ReadSet) Equal(o ReadSet) bool {
	return r.prefix == o.prefix && maps.Equal(r.values, o.values) && maps.Equal(r.presence, o.presence) &&
		maps.Equal(r.listings, o.listings) && maps.Equal(r.globs, o.globs) && maps.Equal(r.trees, o.trees) && maps.Equal(r.world, o.world)
}

// Union is what either read. Both must come from views with one prefix.
func (r ReadSet) Union(o ReadSet) ReadSet {
	u := ReadSet{prefix: r.prefix}
	if u.prefix == "" {
		u.prefix = o.prefix
	}
	for _, s := range []ReadSet{r, o} {
		merge(&u.values, s.values)
		merge(&u.presence, s.presence)
		merge(&u.listings, s.listings)
		merge(&u.globs, s.globs)
		merge(&u.trees, s.trees)
		merge(&u.world, s.world)
	}
	return u
}

func merge[K comparable](into *map[K]struct{}, from map[K]struct{}) {
	for k := range from {
		add(into, k)
	}
}
