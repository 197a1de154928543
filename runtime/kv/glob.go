package kv

import (
	"path"
	"slices"
	"strings"
)

// Glob is every pair whose key matches pattern (path.Match on the whole key:
// "*" and "?" stay within one segment), in bytewise order of the keys. A
// malformed pattern is path.ErrBadPattern; as in confd it goes unnoticed when
// the resource sees no key at all.
//
// Where the pattern is free of "[" and "\" its cost is that of the directories
// that match, not of what lies below them.
func (v *View) Glob(pattern string) ([]Pair, error) {
	v.reads.addGlob(pattern)
	if strings.ContainsAny(pattern, `[\`) { // these can match a slash
		return v.globAll(pattern)
	}
	first, below, ok := strings.Cut(pattern, "/")
	if !ok || !fits(first, "") { // every key begins with a slash
		return nil, nil
	}
	g := globber{snapshot: v.snapshot, skip: len(v.scope.prefix)}
	for _, root := range v.scope.roots {
		g.root(v.scope.prefix, root, strings.Split(below, "/"))
	}
	if len(v.scope.roots) > 1 {
		slices.SortFunc(g.found, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	}
	return g.found, nil
}

// globber walks down a tree by the segments of a pattern.
type globber struct {
	snapshot *Snapshot
	skip     int // length of the prefix that the found keys go without
	found    []Pair
}

// root matches the path from the prefix to one of the roots of a scope, then
// what lies below.
func (g *globber) root(prefix, root string, segments []string) {
	if strings.HasPrefix(prefix+"/", root+"/") {
		g.walk(prefix, segments)
		return
	}
	below, ok := strings.CutPrefix(root, prefix+"/")
	if !ok { // "../a" is granted, and out of sight
		return
	}
	for name := range strings.SplitSeq(below, "/") {
		if len(segments) == 0 || !fits(segments[0], name) {
			return
		}
		segments = segments[1:]
	}
	g.walk(root, segments)
}

// walk finds what matches segments below at, a path without a trailing slash.
func (g *globber) walk(at string, segments []string) {
	for len(segments) > 0 && !special(segments[0]) {
		at, segments = at+"/"+segments[0], segments[1:]
	}
	if len(segments) == 0 {
		if value, ok := g.snapshot.Get(at); ok {
			g.found = append(g.found, Pair{at[g.skip:], value})
		}
		return
	}
	dir, segment, rest := at+"/", segments[0], segments[1:]
	literal, _, _ := cutMeta(segment)
	for c := range g.snapshot.children(dir, literal) {
		switch {
		case c.leaf != (len(rest) == 0) || !fits(segment, c.name):
		case c.leaf:
			g.found = append(g.found, Pair{c.key[g.skip:], c.value})
		default:
			g.walk(dir+c.name, rest)
		}
	}
}

func special(segment string) bool { return strings.ContainsAny(segment, "*?") }

func fits(segment, name string) bool {
	if segment == "*" {
		return true
	}
	ok, _ := path.Match(segment, name)
	return ok
}

// globAll matches every visible key that begins as the pattern does.
func (v *View) globAll(pattern string) ([]Pair, error) {
	found, any, err := []Pair(nil), false, error(nil)
	literal, _, _ := cutMeta(pattern)
	v.scan(v.scope.prefix+literal, func(full, value string) bool {
		any = true
		key := full[len(v.scope.prefix):]
		var ok bool
		if ok, err = path.Match(pattern, key); ok {
			found = append(found, Pair{key, value})
		}
		return err == nil
	})
	if err == nil && !any {
		err = v.badPattern(pattern)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (v *View) badPattern(pattern string) error {
	_, err := path.Match(pattern, "")
	if err == nil {
		return nil
	}
	seen := false
	v.scan(v.scope.prefix, func(string, string) bool { seen = true; return false })
	if !seen {
		return nil
	}
	return err
}

// cutMeta splits a pattern before its first special byte.
func cutMeta(pattern string) (literal, rest string, special bool) {
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		return pattern[:i], pattern[i:], true
	}
	return pattern, "", false
}

// scan calls f for each visible pair whose full key begins with start (a raw
// string prefix at or below the scope's prefix), in bytewise order.
func (v *View) scan(start string, f func(full, value string) bool) {
	inside := v.scope.prefix + "/"
	if strings.HasPrefix(inside, start) {
		start = inside
	}
	if v.scope.grantsAbove(start) { // and not only start: "/web" being granted says nothing of "/web2"
		for k, val := range v.snapshot.From(start) {
			if !strings.HasPrefix(k, start) || !strings.HasPrefix(k, inside) || !f(k, val) {
				return
			}
		}
		return
	}
	pairs := []Pair(nil)
	for _, root := range v.scope.roots {
		if !strings.HasPrefix(root, start) && !strings.HasPrefix(start, root+"/") {
			continue
		}
		for k, val := range v.snapshot.Under(root) {
			if strings.HasPrefix(k, start) && strings.HasPrefix(k, inside) {
				pairs = append(pairs, Pair{k, val})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) })
	for _, p := range pairs {
		if !f(p.Key, p.Value) {
			return
		}
	}
}
