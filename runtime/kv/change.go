package kv

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/btree"
)

// Change is one key's difference between two snapshots. A nil Old means that
// the key was not there, a nil New that it is gone: absent is not empty.
type Change struct {
	Key      string
	Old, New *string
}

// Apply returns the next snapshot, and the changes that made it in the order
// of their keys. Deletes come before puts; of several puts of one key the last
// stands. It returns s itself and nil when nothing changed.
func (s *Snapshot) Apply(puts []Pair, deletes []string) (*Snapshot, []Change) {
	next, changes := (*btree.Map[string, string])(nil), map[string]Change{}
	edit := func() *btree.Map[string, string] {
		if next == nil {
			next = s.copyTree()
		}
		return next
	}
	for _, k := range deletes {
		if v, ok := s.Get(k); ok {
			edit().Delete(k)
			changes[k] = Change{Key: k, Old: &v}
		}
	}
	for _, p := range puts {
		old, had := s.Get(p.Key)
		_, touched := changes[p.Key]
		if !touched && had && old == p.Value {
			continue
		}
		edit().Set(p.Key, p.Value)
		changes[p.Key] = changed(p, old, had)
	}
	maps.DeleteFunc(changes, func(_ string, c Change) bool { return c.none() })
	if len(changes) == 0 {
		return s, nil
	}
	return &Snapshot{gen: s.Gen() + 1, tree: next}, inOrder(changes)
}

// changed is the change by a put. What does not change costs no memory: that is
// most of a listing.
func changed(p Pair, old string, had bool) Change {
	c := Change{Key: p.Key, New: &p.Value}
	if had {
		c.Old = &old
	}
	return c
}

// Replace returns the snapshot that holds exactly pairs, and the changes that
// made it. What is equal keeps its storage; s itself is returned when nothing
// changed.
func (s *Snapshot) Replace(pairs []Pair) (*Snapshot, []Change) {
	if slices.IsSortedFunc(pairs, func(a, b Pair) int { return strings.Compare(a.Key, b.Key) }) {
		return s.Apply(s.difference(pairs)) // a listing of half a million keys costs 10 ms so, and no memory
	}
	keep := make(map[string]struct{}, len(pairs))
	for _, p := range pairs {
		keep[p.Key] = struct{}{}
	}
	var gone []string
	for k := range s.From("") {
		if _, ok := keep[k]; !ok {
			gone = append(gone, k)
		}
	}
	return s.Apply(pairs, gone)
}

// difference is what makes s hold exactly pairs, which are in the order of
// their keys.
func (s *Snapshot) difference(pairs []Pair) (puts []Pair, gone []string) {
	for k, v := range s.From("") {
		for len(pairs) > 0 && pairs[0].Key < k {
			puts, pairs = append(puts, pairs[0]), pairs[1:]
		}
		switch {
		case len(pairs) == 0 || pairs[0].Key != k:
			gone = append(gone, k)
			continue
		case pairs[0].Value != v:
			puts = append(puts, pairs[0])
		}
		pairs = pairs[1:]
	}
	return append(puts, pairs...), gone
}

func (s *Snapshot) copyTree() *btree.Map[string, string] {
	if s == nil || s.tree == nil {
		return new(btree.Map[string, string])
	}
	s.copy.Lock()
	defer s.copy.Unlock()
	return s.tree.Copy()
}

// Merge returns the changes that do what earlier and then later do: one for
// each key, none for a key that ends where it began. All are in the order of
// their keys.
func Merge(earlier, later []Change) []Change {
	if len(earlier) == 0 {
		return later
	}
	merged := make([]Change, 0, len(earlier)+len(later))
	for len(earlier) > 0 && len(later) > 0 {
		e, l := earlier[0], later[0]
		switch cmp.Compare(e.Key, l.Key) {
		case -1:
			merged, earlier = append(merged, e), earlier[1:]
		case 1:
			merged, later = append(merged, l), later[1:]
		default:
			if both := (Change{e.Key, e.Old, l.New}); !both.none() {
				merged = append(merged, both)
			}
			earlier, later = earlier[1:], later[1:]
		}
	}
	return append(append(merged, earlier...), later...)
}

func (c Change) cameOrWent() bool { return c.Old == nil || c.New == nil }

func (c Change) none() bool {
	return c.Old == c.New || c.Old != nil && c.New != nil && *c.Old == *c.New
}

func inOrder(m map[string]Change) []Change {
	return slices.SortedFunc(maps.Values(m), func(a, b Change) int { return strings.Compare(a.Key, b.Key) })
}
