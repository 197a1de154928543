package rancher

import (
	"hash/maphash"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/kv"
)

// document is one answer in flattened form. It never changes; the next one
// shares the pieces that are in both.
type document struct {
	pieces  []*piece // in their order
	tangled map[*piece]struct{}
	merged  []string // lists in which several elements have one name
	content backend.Cursor
}

// piece is the pairs of one element of a list, or of everything between two
// of them.
type piece struct {
	pairs  []kv.Pair
	merged []string

	element bool
	place
	path  string // list and name
	index int    // in the list, or named
}

// place is where an element comes from: its list and its text.
type place struct {
	list string
	sum  sum
}

// named is the index of an element that is called by its name.
const named = -1

func (p *piece) take(leaves []leaf) { p.pairs, p.merged = pairsOf(leaves) }

// sum tells texts apart: two hashes that nobody outside can foresee.
type sum struct {
	a, b   uint64
	length int
}

var seedA, seedB = maphash.MakeSeed(), maphash.MakeSeed()

func sumOf(text []byte) sum {
	return sum{maphash.Bytes(seedA, text), maphash.Bytes(seedB, text), len(text)}
}

// pairs are all pairs of the document in their order.
func (d *document) pairs() []kv.Pair {
	n := 0
	for _, p := range d.pieces {
		n += len(p.pairs)
	}
	all := make([]kv.Pair, 0, n)
	for _, p := range d.pieces {
		all = append(all, p.pairs...)
	}
	return all
}

// known is the pieces of the document before, and which of them are in the
// next one, too.
type known struct {
	*document
	first  bool // there is no document before
	used   []bool
	next   int // where the next piece is expected
	misses int
	places map[place]int
}

func newKnown(before *document) *known {
	if before == nil {
		return &known{document: new(document), first: true}
	}
	return &known{document: before, used: make([]bool, len(before.pieces))}
}

const (
	near = 8 // places from the expected one on are looked at
	few  = 8 // misses are cheaper than an index: elements that changed, came or went
)

// find is which piece of the document before the element is, or -1. Lists
// mostly come in the same order; some servers shuffle them.
func (k *known) find(at place, index int) int {
	for i := k.next; i < min(k.next+near, len(k.pieces)); i++ {
		if k.use(i, at, index) {
			return i
		}
	}
	if k.misses++; k.misses <= few || len(k.pieces) == 0 {
		return -1
	}
	if k.places == nil {
		k.places = make(map[place]int, len(k.pieces))
		for i, p := range k.pieces {
			k.places[p.place] = i
		}
	}
	if i, ok := k.places[at]; ok && k.use(i, at, index) {
		return i
	}
	return -1
}

// use marks a piece as one that is in both documents, if it is the element.
func (k *known) use(i int, at place, index int) bool {
	p := k.pieces[i]
	if k.used[i] || p.place != at || p.index != named && p.index != index {
		return false
	}
	k.used[i] = true
	k.next = i + 1
	return true
}

// follow makes the next document, and what it changes.
func (k *known) follow(leaves []leaf) (*document, change) {
	d := &document{pieces: make([]*piece, 0, len(k.pieces)+8)}
	kept := make([]bool, 0, cap(d.pieces))
	for i := 0; i < len(leaves); {
		if l := leaves[i]; l.piece != nil {
			d.pieces, kept = append(d.pieces, l.piece), append(kept, l.kept > 0)
			i++
			continue
		}
		from := i
		for i < len(leaves) && leaves[i].piece == nil {
			i++
		}
		p := new(piece)
		p.take(leaves[from:i])
		d.pieces, kept = append(d.pieces, p), append(kept, false)
	}
	c := k.difference(d, kept)
	for _, p := range d.pieces {
		d.merged = append(d.merged, p.merged...)
	}
	if d.content = c.after(k.content); k.first {
		d.content = backend.ContentCursor(d.pairs())
	}
	return d, c
}
