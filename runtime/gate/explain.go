package gate

import (
	"context"
	"time"
)

// Leaf is one part of a condition and what it says.
type Leaf struct {
	Key  string // reload_when, guard, window or min_reload_interval
	Text string
	Col  int // in the expression, from 1, or where Options.At placed it
	Line int

	Value   bool
	Reached bool      // the decision depended on it: && || and ?: look no further than they must
	Wake    time.Time // when Value changes if nothing else happens; zero: not by time alone
	Err     error     // it could not be judged; Value is false
}

// Explain judges each part of the condition alone, those too that Judge did not
// look at. It returns an error only for an Input without Now or a ctx that is
// done; what goes wrong in a leaf stands there.
func (g *Gate) Explain(ctx context.Context, in Input) ([]Leaf, error) {
	j, err := g.begin(ctx, in)
	if err != nil {
		return nil, err
	}
	defer j.end()
	reached := make([]bool, len(g.leaves))
	j.reached = func(l *leaf) { reached[l.index] = true }
	_, _ = j.evaluate(g.root) // an error is told by its leaf
	j.reached = nil

	leaves := make([]Leaf, len(g.leaves))
	for i, l := range g.leaves {
		j.restart()
		leaves[i] = j.explain(l)
		leaves[i].Reached = reached[i]
	}
	return leaves, nil
}

func (j *judgement) explain(l *leaf) Leaf {
	place := l.problem(l.start, "", "")
	out := Leaf{Key: l.name, Text: l.text, Line: place.Line, Col: place.Col}
	v, err := j.evaluate(l)
	if err != nil {
		out.Err = err
		return out
	}
	out.Value, out.Wake = v, j.wake(l, !v)
	return out
}
