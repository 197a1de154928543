package kv

import (
	"path"
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
	var pairs []Pair
	err := v.GlobBy(pattern, nil, func(key, value string) bool {
		pairs = append(pairs, Pair{key, value})
		return true
	})
	if err != nil {
		return nil, err
	}
	return pairs, nil
}

// GlobBy is Glob for one who may have to stop half-way: it calls found for each
// pair. A step is a child of a directory that matches, or a key, where the
// pattern has "[" or "\"; its cost grows with what is compared.
//
// The pattern is in the ReadSet also when the walk was ended.
func (v *View) GlobBy(pattern string, step Step, found func(key, value string) bool) error {
	v.reads.addGlob(pattern)
	if strings.ContainsAny(pattern, `[\`) { // these can match a slash
		return v.globAll(pattern, step, found)
	}
	first, below, ok := strings.Cut(pattern, "/")
	if !ok || !fits(first, "") { // every key begins with a slash
		return nil
	}
	g := globber{snapshot: v.snapshot, skip: len(v.scope.prefix), step: step, found: found}
	segments := strings.Split(below, "/")
	for _, part := range v.scope.parts {
		if !g.part(v.scope.prefix, part, segments) {
			break
		}
	}
	return nil
}

// Step is asked at each step of a walk over keys, with what the step costs: 1,
// and one more for every 64 comparisons of two bytes that a pattern may need.
// False ends the walk, which has then found a part. Nil never ends it.
type Step func(cost int) bool

func (s Step) take(cost int) bool { return s == nil || s(cost) }

// comparing is the cost of a step that holds a name against a pattern.
func comparing(pattern, name string) int { return 1 + len(pattern)*len(name)/64 }

// globber walks down a tree by the segments of a pattern. Its methods tell
// whether to go on.
type globber struct {
	snapshot *Snapshot
	skip     int // length of the prefix that the found keys go without
	step     Step
	found    func(key, value string) bool
}

// part matches the path from the prefix to one of the parts of a scope, then
// what lies below.
func (g *globber) part(prefix, part string, segments []string) bool {
	root := strings.TrimSuffix(part, "/")
	single := root == part // and nothing below it
	if strings.HasPrefix(prefix+"/", root+"/") {
		return single || g.walk(prefix, joined(segments))
	}
	below, ok := strings.CutPrefix(root, prefix+"/")
	if !ok { // "../a" is granted, and out of sight
		return true
	}
	for name := range strings.SplitSeq(below, "/") {
		switch {
		case len(segments) == 0:
			return true
		case !g.step.take(comparing(segments[0], name)):
			return false
		case !fits(segments[0], name):
			return true
		}
		segments = segments[1:]
	}
	return single != (len(segments) == 0) || g.walk(root, joined(segments))
}

// joined makes one of segments that follow each other and have nothing special:
// a pattern may have thousands.
func joined(segments []string) (all []string) {
	from := 0
	for i, s := range segments {
		if !special(s) {
			continue
		}
		if from < i {
			all = append(all, strings.Join(segments[from:i], "/"))
		}
		all, from = append(all, s), i+1
	}
	if from < len(segments) {
		all = append(all, strings.Join(segments[from:], "/"))
	}
	return all
}

// walk finds what matches segments below at, a path without a trailing slash.
func (g *globber) walk(at string, segments []string) bool {
	if len(segments) > 0 && !special(segments[0]) {
		at, segments = at+"/"+segments[0], segments[1:]
	}
	if len(segments) == 0 {
		value, ok := g.snapshot.Get(at)
		return !ok || g.found(at[g.skip:], value)
	}
	dir, segment, rest := at+"/", segments[0], segments[1:]
	literal, _, _ := cutMeta(segment)
	for c := range g.snapshot.children(dir, literal) {
		if !g.step.take(comparing(segment, c.name)) {
			return false
		}
		switch {
		case c.leaf != (len(rest) == 0) || !fits(segment, c.name):
		case c.leaf:
			if !g.found(c.key[g.skip:], c.value) {
				return false
			}
		case !g.walk(dir+c.name, rest):
			return false
		}
	}
	return true
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
func (v *View) globAll(pattern string, step Step, found func(key, value string) bool) (err error) {
	any := false
	literal, _, _ := cutMeta(pattern)
	v.scan(v.scope.prefix+literal, func(full, value string) bool {
		any = true
		key := full[len(v.scope.prefix):]
		if !step.take(comparing(pattern, key)) {
			return false
		}
		var ok bool
		ok, err = path.Match(pattern, key)
		return err == nil && (!ok || found(key, value))
	})
	if err == nil && !any {
		err = v.badPattern(pattern)
	}
	return err
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
// string prefix at or below the scope's prefix), in bytewise order, until it
// says no.
func (v *View) scan(start string, f func(full, value string) bool) {
	inside := v.scope.prefix + "/"
	if strings.HasPrefix(inside, start) {
		start = inside
	}
	if !strings.HasPrefix(start, inside) {
		return
	}
	for _, part := range v.scope.parts {
		if !strings.HasSuffix(part, "/") { // a key
			if value, ok := v.snapshot.Get(part); ok && strings.HasPrefix(part, start) && !f(part, value) {
				return
			}
			continue
		}
		from := part
		if strings.HasPrefix(start, part) {
			from = start
		}
		if !strings.HasPrefix(from, start) {
			continue
		}
		for key, value := range v.snapshot.From(from) {
			if !strings.HasPrefix(key, from) {
				break
			}
			if !f(key, value) {
				return
			}
		}
	}
}
