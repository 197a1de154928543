package engine

import (
	"maps"
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/kv"
)

// index finds the readers of a changed key. Its cost depends on the length of
// the key and on the number of its readers, not on the number of resources.
type index struct {
	values   map[string]readers
	presence map[string]readers
	listings map[kv.Listing]readers
	globs    map[string]map[*task][]match // by the path below which a pattern can match
}

type readers map[*task]struct{}

// match tells whether a key matches a pattern.
type match = func(full string) bool

func newIndex() *index {
	return &index{map[string]readers{}, map[string]readers{}, map[kv.Listing]readers{}, map[string]map[*task][]match{}}
}

// learn replaces what is known of a task's reads.
func (x *index) learn(t *task, old, now kv.ReadSet) {
	x.forget(t, old)
	for k := range now.Values() {
		put(x.values, k, t)
	}
	for k := range now.Presence() {
		put(x.presence, k, t)
	}
	for l := range now.Listings() {
		put(x.listings, l, t)
	}
	for below, m := range now.Globs() {
		if x.globs[below] == nil {
			x.globs[below] = map[*task][]match{}
		}
		x.globs[below][t] = append(x.globs[below][t], m)
	}
}

func (x *index) forget(t *task, old kv.ReadSet) {
	for k := range old.Values() {
		take(x.values, k, t)
	}
	for k := range old.Presence() {
		take(x.presence, k, t)
	}
	for l := range old.Listings() {
		take(x.listings, l, t)
	}
	for below := range old.Globs() {
		delete(x.globs[below], t)
		if len(x.globs[below]) == 0 {
			delete(x.globs, below)
		}
	}
}

func put[K comparable](m map[K]readers, key K, t *task) {
	if m[key] == nil {
		m[key] = readers{}
	}
	m[key][t] = struct{}{}
}

func take[K comparable](m map[K]readers, key K, t *task) {
	delete(m[key], t)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}

// readers adds to found every task whose last render can be altered by one of
// the changes that made next of old, and the changes that do.
func (x *index) readers(changes []kv.Change, old, next *kv.Snapshot, found map[*task][]kv.Change) {
	hit := readers{}
	for _, c := range changes {
		clear(hit)
		maps.Copy(hit, x.values[c.Key])
		if c.Old == nil || c.New == nil {
			maps.Copy(hit, x.presence[c.Key])
			x.listers(c.Key, old, next, hit)
		}
		x.matchers(c.Key, hit)
		for t := range hit {
			if t.member.Resource.Scope().Grants(c.Key) { // a pattern may reach beyond the resource's keys
				found[t] = append(found[t], c)
			}
		}
	}
}

// listers adds the tasks whose listings bring other names because a key came
// or went.
func (x *index) listers(key string, old, next *kv.Snapshot, hit readers) {
	if len(x.listings) == 0 {
		return
	}
	for l, tree := range kv.ListedBy(key) {
		if found := x.listings[l]; len(found) > 0 && kv.Moved(tree, old, next) {
			maps.Copy(hit, found)
		}
	}
}

// matchers adds the tasks that have a pattern which a key matches.
func (x *index) matchers(key string, hit readers) {
	for at := key; ; {
		for t, patterns := range x.globs[at] {
			if slices.ContainsFunc(patterns, func(m match) bool { return m(key) }) {
				hit[t] = struct{}{}
			}
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			return
		}
		at = at[:i]
	}
}
