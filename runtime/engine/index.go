package engine

import (
	"maps"
	"strings"

	"github.com/wconf/wconf/runtime/kv"
)

// index finds the readers of a changed key. Its cost depends on the length of
// the key and on the number of its readers, not on the number of resources.
type index struct {
	values   map[string]readers
	presence map[string]readers
	dirs     map[string]readers
	globs    map[string]map[*task]func(full string) bool // by the path below which a pattern can match
}

type readers map[*task]struct{}

func newIndex() *index {
	return &index{map[string]readers{}, map[string]readers{}, map[string]readers{}, map[string]map[*task]func(string) bool{}}
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
	for d := range now.Dirs() {
		put(x.dirs, d, t)
	}
	for below, match := range now.Globs() {
		if x.globs[below] == nil {
			x.globs[below] = map[*task]func(string) bool{}
		}
		if first := x.globs[below][t]; first != nil { // two patterns of one task below one path
			second := match
			match = func(full string) bool { return first(full) || second(full) }
		}
		x.globs[below][t] = match
	}
}

func (x *index) forget(t *task, old kv.ReadSet) {
	for k := range old.Values() {
		take(x.values, k, t)
	}
	for k := range old.Presence() {
		take(x.presence, k, t)
	}
	for d := range old.Dirs() {
		take(x.dirs, d, t)
	}
	for below := range old.Globs() {
		delete(x.globs[below], t)
		if len(x.globs[below]) == 0 {
			delete(x.globs, below)
		}
	}
}

func put(m map[string]readers, key string, t *task) {
	if m[key] == nil {
		m[key] = readers{}
	}
	m[key][t] = struct{}{}
}

func take(m map[string]readers, key string, t *task) {
	delete(m[key], t)
	if len(m[key]) == 0 {
		delete(m, key)
	}
}

// readers adds to found every task whose last render a change could alter, and
// the changes that touch it.
func (x *index) readers(changes []kv.Change, found map[*task][]kv.Change) {
	hit := readers{}
	for _, c := range changes {
		clear(hit)
		maps.Copy(hit, x.values[c.Key])
		cameOrWent := c.Old == nil || c.New == nil
		if cameOrWent {
			maps.Copy(hit, x.presence[c.Key])
		}
		for at := c.Key; ; {
			if cameOrWent {
				maps.Copy(hit, x.dirs[at])
			}
			for t, match := range x.globs[at] {
				if match(c.Key) {
					hit[t] = struct{}{}
				}
			}
			i := strings.LastIndexByte(at, '/')
			if i < 0 {
				break
			}
			at = at[:i]
		}
		for t := range hit {
			if t.member.Resource.Scope().Grants(c.Key) { // a listing may reach beyond the resource's keys
				found[t] = append(found[t], c)
			}
		}
	}
}
