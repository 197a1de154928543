package gate

import (
	"maps"
	"slices"
)

// Reads is what a condition looks at, so that the engine gathers no more.
type Reads struct {
	Changes bool // which keys changed: Input.Added and its like
	Pairs   bool // the pairs now and those that the last reload knew
	Bytes   bool // the old and the new file: Input.Diff
	History bool // Input.History
	Clock   bool // the answer can change with time alone

	Words  []string  // every word, sorted: "diff.significant", "touched"
	Keys   []Literal // literal keys: new["/a"], old["/a"], delta("/a")
	Labels []Literal // literal labels: labels.host
	Globs  []Literal // literal patterns of touched and only
}

// Literal is a text that stands in an expression, and where.
type Literal struct {
	Text   string
	Offset int // in bytes
}

// Reads is what the condition looks at.
func (g *Gate) Reads() Reads { return g.reads }

func (r *Reads) add(v *vetter) {
	for _, name := range slices.Sorted(maps.Keys(v.used)) {
		w := wordNamed(name)
		r.Changes = r.Changes || w.needs&needChanges != 0
		r.Pairs = r.Pairs || w.needs&needPairs != 0
		r.Bytes = r.Bytes || w.needs&needBytes != 0
		r.History = r.History || w.needs&needHistory != 0
		r.Clock = r.Clock || w.timed || w.slope != 0
		r.Words = append(r.Words, name)
	}
	slices.Sort(r.Words)
	r.Words = slices.Compact(r.Words)
	r.Keys = append(r.Keys, v.offsets("old", "new")...)
	r.Labels = append(r.Labels, v.offsets("labels")...)
	r.Globs = append(r.Globs, v.offsets("touched")...)
}

func (v *vetter) offsets(kinds ...string) []Literal {
	var all []Literal
	for _, kind := range kinds {
		for _, l := range v.literals[kind] {
			all = append(all, Literal{l.text, v.offset(l.at.From)})
		}
	}
	slices.SortFunc(all, func(a, b Literal) int { return a.Offset - b.Offset })
	return all
}
