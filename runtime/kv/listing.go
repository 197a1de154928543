package kv

import (
	"iter"
	"strings"
)

// Listing is one thing that the names of a listing depend on.
type Listing struct {
	Path string // full, without a trailing slash
	Of   Of
}

// Of is what of a path a listing depends on.
type Of uint8

// First stand those that name the listed directory itself.
const (
	Names  Of = iota // the names of all of its children
	Subdir           // the names of those that have children themselves
	Above            // nothing: what is granted lies below it, each with one of the next two
	shown

	Itself // whether it has a value
	Tree   // whether anything is at or below it
	Below  // whether anything is below it
)

func (o Of) shown() bool { return o < shown }

// ListedBy yields all listings that a key can alter when it comes or goes, and
// for each the tree that decides (see Moved). Their number depends on the
// length of the key alone.
func ListedBy(key string) iter.Seq2[Listing, string] {
	return func(yield func(Listing, string) bool) {
		dir := ""
		for i := 1; i < len(key); i++ {
			if key[i] != '/' {
				continue
			}
			at, below := key[:i], key[:i+1]
			if !yield(Listing{dir, Names}, at) || !yield(Listing{dir, Subdir}, below) ||
				!yield(Listing{at, Tree}, at) || !yield(Listing{at, Below}, below) {
				return
			}
			dir = at
		}
		_ = yield(Listing{dir, Names}, key) && yield(Listing{key, Tree}, key) && yield(Listing{key, Itself}, "")
	}
}

// Moved tells whether a tree is there in only one of two snapshots: a path
// stands for the key and all below it, with a trailing slash for these alone,
// and "" for what has moved anyway. It costs two searches.
func Moved(tree string, old, next *Snapshot) bool {
	return tree == "" || old.holds(tree) != next.holds(tree)
}

func (s *Snapshot) holds(tree string) bool {
	if !strings.HasSuffix(tree, "/") {
		if _, ok := s.Get(tree); ok {
			return true
		}
		tree += "/"
	}
	for k := range s.From(tree) {
		return strings.HasPrefix(k, tree)
	}
	return false
}
