// Package kv is the vocabulary of wconf: keys and values, snapshots of them,
// the changes between two snapshots, and what a render read of one.
//
// A key is a clean slash path ("/app/server/1"), a value is text. The package
// imports nothing of wconf, does no I/O and never changes a Snapshot.
package kv

import (
	"iter"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tidwall/btree"
)

// Pair is one key and its value.
type Pair struct{ Key, Value string }

// Snapshot is every watched key at one moment. It never changes; the next one
// shares all of its structure but the changed path (a copy-on-write B-tree).
// The zero value and nil are empty snapshots.
type Snapshot struct {
	gen  uint64
	copy sync.Mutex // btree.Map.Copy writes to the tree it copies
	tree *btree.Map[string, string]
}

// NewSnapshot is the snapshot that holds pairs; of equal keys the last stands.
func NewSnapshot(pairs []Pair) *Snapshot {
	s := &Snapshot{gen: 1, tree: new(btree.Map[string, string])}
	for _, p := range pairs {
		s.tree.Load(p.Key, p.Value) // as Set, and quicker where a key comes after all others
	}
	return s
}

// Gen counts the snapshots of one cache; it grows with each change.
func (s *Snapshot) Gen() uint64 {
	if s == nil {
		return 0
	}
	return s.gen
}

// Len is the number of keys.
func (s *Snapshot) Len() int {
	if s == nil || s.tree == nil {
		return 0
	}
	return s.tree.Len()
}

// Get is the value of exactly this key.
func (s *Snapshot) Get(key string) (value string, ok bool) {
	if s.Len() == 0 {
		return "", false
	}
	return s.tree.Get(key)
}

// From yields the pairs whose keys are at or after start, in bytewise order.
func (s *Snapshot) From(start string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if s.Len() > 0 {
			s.tree.Ascend(start, yield)
		}
	}
}

// Under yields the key itself, if it is there, and every key below it, in
// bytewise order. "/" and "" mean all keys.
func (s *Snapshot) Under(key string) iter.Seq2[string, string] {
	key = strings.TrimSuffix(key, "/")
	return func(yield func(string, string) bool) {
		if v, ok := s.Get(key); ok && !yield(key, v) {
			return
		}
		below := key + "/"
		for k, v := range s.From(below) {
			if !strings.HasPrefix(k, below) || !yield(k, v) {
				return
			}
		}
	}
}

// child is the first pair of a child of a directory.
type child struct {
	name       string
	leaf       bool // the pair is the child itself; else it lies below
	key, value string
}

// children yields the children of a directory (a path that ends in a slash)
// whose names begin with a text. One that has a value and children comes
// twice: between "/a" and "/a/b" there may be "/a-b".
func (s *Snapshot) children(dir, begin string) iter.Seq[child] {
	return func(yield func(child) bool) {
		if s.Len() == 0 {
			return
		}
		it, start := s.tree.Iter(), dir+begin
		for ok := it.Seek(start); ok && strings.HasPrefix(it.Key(), start); {
			key := it.Key()
			name, _, below := strings.Cut(key[len(dir):], "/")
			if !yield(child{name, !below, key, it.Value()}) {
				return
			}
			ok = it.Next()
			if below && ok {
				ok = leave(&it, key[:len(dir)+len(name)+1])
			}
		}
	}
}

// A jump costs as much as about so many steps.
const stepsBeforeJump = 8

// leave moves past every key that begins with within, which ends in a slash.
func leave(it *btree.MapIter[string, string], within string) bool {
	for range stepsBeforeJump {
		if !strings.HasPrefix(it.Key(), within) {
			return true
		}
		if !it.Next() {
			return false
		}
	}
	return it.Seek(within[:len(within)-1] + "0") // '0' is the byte after '/'
}

// Canonical tells whether a store's key is one that templates and guests can
// see: it begins with a slash, is clean (no "//", no "." or ".." segment, no
// trailing slash) and is UTF-8. Other keys are never turned into a clean one:
// in confd a tenant who may write /app/tenant/* can so replace /admin/pw.
func Canonical(key string) bool {
	return len(key) > 1 && key[0] == '/' && path.Clean(key) == key && utf8.ValidString(key)
}
