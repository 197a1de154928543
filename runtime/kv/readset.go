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
// matched, and the functions by which it looked at the world outside the keys.
// The zero value is a render that looked at nothing.
type ReadSet struct {
	prefix   string
	values   map[string]struct{}
	presence map[string]struct{}
	dirs     map[string]struct{}
	globs    map[string]struct{} // patterns, relative to prefix
	world    map[string]struct{}
}

func add(m *map[string]struct{}, k string) {
	if *m == nil {
		*m = map[string]struct{}{}
	}
	(*m)[k] = struct{}{}
}

func (r *ReadSet) addValue(full string)    { add(&r.values, full) }
func (r *ReadSet) addPresence(full string) { add(&r.presence, full) }
func (r *ReadSet) addDir(full string)      { add(&r.dirs, full) }
func (r *ReadSet) addGlob(pattern string)  { add(&r.globs, pattern) }
func (r *ReadSet) addWorld(name string)    { add(&r.world, name) }

// Values yields the full keys whose values, or absences, were seen.
func (r ReadSet) Values() iter.Seq[string] { return maps.Keys(r.values) }

// Presence yields the full keys that were only asked for their presence.
func (r ReadSet) Presence() iter.Seq[string] { return maps.Keys(r.presence) }

// Dirs yields the full paths of the directories that were listed, without a
// trailing slash. Only keys that come or go below one matter.
func (r ReadSet) Dirs() iter.Seq[string] { return maps.Keys(r.dirs) }

// Globs yields, for each pattern, the full path below which a changed key can
// match, and a function that tells whether one does.
func (r ReadSet) Globs() iter.Seq2[string, func(full string) bool] {
	return func(yield func(string, func(string) bool) bool) {
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

// World is the names of the functions that looked at something that is no key,
// in order.
func (r ReadSet) World() []string { return slices.Sorted(maps.Keys(r.world)) }

// Touches tells whether c could alter a render that read r.
func (r ReadSet) Touches(c Change) bool {
	if _, ok := r.values[c.Key]; ok {
		return true
	}
	if cameOrWent := c.Old == nil || c.New == nil; cameOrWent {
		if _, ok := r.presence[c.Key]; ok || r.listed(c.Key) {
			return true
		}
	}
	for pattern := range r.globs {
		if r.globMatches(pattern, c.Key) {
			return true
		}
	}
	return false
}

func (r ReadSet) listed(key string) bool {
	for at := key; ; {
		if _, ok := r.dirs[at]; ok {
			return true
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
		maps.Equal(r.dirs, o.dirs) && maps.Equal(r.globs, o.globs) && maps.Equal(r.world, o.world)
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
		merge(&u.dirs, s.dirs)
		merge(&u.globs, s.globs)
		merge(&u.world, s.world)
	}
	return u
}

func merge(into *map[string]struct{}, from map[string]struct{}) {
	for k := range from {
		add(into, k)
	}
}
