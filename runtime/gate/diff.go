package gate

import (
	"bytes"
	"slices"
)

// Diff is what differs between two files, line by line.
type Diff struct {
	Added       int      `expr:"added"`
	Removed     int      `expr:"removed"`
	Significant int      `expr:"significant"` // of both, neither blank nor a comment
	Ratio       float64  `expr:"ratio"`       // of all lines of both files, 0 to 1
	Bytes       int      `expr:"bytes"`       // of the new file
	Lines       []string `expr:"lines"`       // "+…" and "-…", without line ends
}

// Compare finds what differs between two files. It is an anchored diff: lines
// that are unique in both files and in the same order stay, with all equal lines
// around them; the rest was removed and added. Unlike a smallest diff it takes
// n log n time, whatever the files hold, and memory in proportion to the files.
//
// A line includes its end: one that loses its final newline has changed.
func Compare(old, new []byte, comments Comments) Diff {
	a, b := lines(old), lines(new)
	d := Diff{Bytes: len(new)}
	total := len(a) + len(b)
	t := &tally{diff: &d, comments: comments}
	eachGap(a, b, t.gap)
	if total > 0 {
		d.Ratio = float64(d.Added+d.Removed) / float64(total)
	}
	return d
}

// tally counts the lines that differ.
type tally struct {
	diff     *Diff
	comments Comments
}

func (t *tally) gap(removed, added [][]byte) {
	t.diff.Removed += len(removed)
	t.diff.Added += len(added)
	t.keep('-', removed)
	t.keep('+', added)
}

func (t *tally) keep(sign byte, lines [][]byte) {
	for _, l := range lines {
		if t.comments.significant(l) {
			t.diff.Significant++
		}
		text := bytes.TrimRight(l, "\r\n")
		signed := make([]byte, 1, len(text)+1)
		signed[0] = sign
		t.diff.Lines = append(t.diff.Lines, string(append(signed, text...)))
	}
}

func lines(file []byte) [][]byte {
	l := bytes.SplitAfter(file, []byte("\n"))
	if n := len(l); len(l[n-1]) == 0 {
		l = l[:n-1]
	}
	return l
}

// eachGap calls gap for each stretch in which the files differ, in order.
func eachGap(a, b [][]byte, gap func(removed, added [][]byte)) {
	start := commonPrefix(a, b)
	a, b = a[start:], b[start:]
	end := commonSuffix(a, b)
	a, b = a[:len(a)-end], b[:len(b)-end]

	i, j := 0, 0
	for _, anchor := range append(anchors(a, b), pair{len(a), len(b)}) {
		if anchor.a < i || anchor.b < j {
			continue // eaten by the equal lines after the anchor before it
		}
		equal := commonSuffix(a[i:anchor.a], b[j:anchor.b])
		if removed, added := a[i:anchor.a-equal], b[j:anchor.b-equal]; len(removed)+len(added) > 0 {
			gap(removed, added)
		}
		i, j = anchor.a, anchor.b
		n := commonPrefix(a[i:], b[j:])
		i, j = i+n, j+n
	}
}

func commonPrefix(a, b [][]byte) int {
	n := 0
	for n < len(a) && n < len(b) && bytes.Equal(a[n], b[n]) {
		n++
	}
	return n
}

func commonSuffix(a, b [][]byte) int {
	n := 0
	for n < len(a) && n < len(b) && bytes.Equal(a[len(a)-1-n], b[len(b)-1-n]) {
		n++
	}
	return n
}

// pair is a line of the old file and the same line of the new file.
type pair struct{ a, b int }

// anchors are the lines that each file has once: the longest sequence of them
// that stands in the same order in both.
func anchors(a, b [][]byte) []pair {
	type place struct{ a, b, inA, inB int }
	places := make(map[string]*place, len(a))
	for i, l := range a {
		p := places[string(l)]
		if p == nil {
			p = &place{}
			places[string(l)] = p
		}
		p.a, p.inA = i, p.inA+1
	}
	for i, l := range b {
		if p := places[string(l)]; p != nil {
			p.b, p.inB = i, p.inB+1
		}
	}
	var unique []pair
	for i, l := range a {
		if p := places[string(l)]; p.inA == 1 && p.inB == 1 {
			unique = append(unique, pair{i, p.b})
		}
	}
	return longestAscending(unique)
}

// longestAscending is the longest part of pairs, which ascend in a, that ascends
// in b too: patience sorting, n log n.
func longestAscending(pairs []pair) []pair {
	var piles []int // the pair on top of each pile
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(piles, p.b, func(top, b int) int { return pairs[top].b - b })
		before[i] = -1
		if n > 0 {
			before[i] = piles[n-1]
		}
		if n == len(piles) {
			piles = append(piles, i)
		} else {
			piles[n] = i
		}
	}
	longest := make([]pair, len(piles))
	if len(piles) == 0 {
		return longest
	}
	i := piles[len(piles)-1]
	for n := len(piles) - 1; n >= 0; n-- {
		longest[n] = pairs[i]
		i = before[i]
	}
	return longest
}
