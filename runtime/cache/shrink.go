package cache

import (
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime/kv"
)

// shrunk tells whether a step takes all keys from a prefix that somebody asked
// for, so that a second look is due before that is believed. One key that goes
// is a deletion like any other, unless it was the last of the whole store.
func (c *Cache) shrunk(next *kv.Snapshot, changes []kv.Change) bool {
	seen := map[string]bool{}
	for _, change := range changes {
		if change.New != nil {
			continue
		}
		for at := change.Key; at != ""; at = at[:strings.LastIndexByte(at, '/')] {
			if !seen[at] && c.emptied(at, next) {
				return true
			}
			seen[at] = true
		}
		if !seen["/"] && c.emptied("/", next) {
			return true
		}
		seen["/"] = true
	}
	return false
}

func (c *Cache) emptied(prefix string, next *kv.Snapshot) bool {
	if _, asked := c.wanted[prefix]; !asked || slices.Contains(c.mayEmpty, prefix) || holds(next, prefix, 1) {
		return false
	}
	return holds(c.snapshot, prefix, 2) || next.Len() == 0
}

// holds tells whether a snapshot has at least so many keys below a prefix.
func holds(s *kv.Snapshot, prefix string, least int) bool {
	for range s.Under(prefix) {
		if least--; least == 0 {
			return true
		}
	}
	return false
}
