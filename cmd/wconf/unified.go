package main

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// edit is one line on the way from an old text to a new one.
type edit struct {
	op   byte // ' ', '-' or '+'
	text string
	open bool // the text ends here without a line feed
}

// edits is every line of both texts, in order. The library makes hunks with
// three lines around each change; here they become whole again, so that any
// number can be shown.
func edits(old, now []byte) (all []edit) {
	kept := strings.SplitAfter(string(old), "\n")
	if kept[len(kept)-1] == "" {
		kept = kept[:len(kept)-1]
	}
	at := 0
	keep := func(end int) {
		for ; at < end; at++ {
			line, ended := strings.CutSuffix(kept[at], "\n")
			all = append(all, edit{' ', line, !ended})
		}
	}
	lines := strings.Split(string(diff.Diff("", old, "", now)), "\n")
	for _, line := range lines[min(3, len(lines)):] { // after: diff, ---, +++
		if line == "" {
			continue
		}
		switch line[0] {
		case '@':
			keep(hunkStart(line))
		case '\\':
			all[len(all)-1].open = true
		default:
			all = append(all, edit{op: line[0], text: line[1:]})
			if line[0] != '+' {
				at++
			}
		}
	}
	keep(len(kept))
	return all
}

// hunkStart is how many old lines stand before a hunk.
func hunkStart(head string) int {
	var start, count int
	fmt.Sscanf(head, "@@ -%d,%d", &start, &count) //nolint:errcheck // the library's own line
	if count == 0 {
		return start
	}
	return start - 1
}

// hunk is changes that are near to each other, with unchanged lines around.
type hunk struct {
	old, now int // lines before it
	edits    []edit
}

func (h hunk) head() string {
	oldLines, nowLines := 0, 0
	for _, e := range h.edits {
		if e.op != '+' {
			oldLines++
		}
		if e.op != '-' {
			nowLines++
		}
	}
	return fmt.Sprintf("@@ -%s +%s @@", extent(h.old, oldLines), extent(h.now, nowLines))
}

func extent(before, lines int) string {
	if lines == 0 {
		return fmt.Sprintf("%d,0", before)
	}
	return fmt.Sprintf("%d,%d", before+1, lines)
}

// hunks cuts edits into hunks with so many unchanged lines around each change.
func hunks(all []edit, context int) (out []hunk) {
	end, old, now, counted := 0, 0, 0, 0 // end: of the last hunk, in edits
	for i := 0; i < len(all); i++ {
		if all[i].op == ' ' {
			continue
		}
		start := max(i-context, end)
		for ; counted < start; counted++ {
			o, n := all[counted].width()
			old, now = old+o, now+n
		}
		end = lastOf(all, i, context)
		out = append(out, hunk{old, now, all[start:end]})
		i = end - 1
	}
	return out
}

// lastOf is where the hunk ends whose first change is at i: before a gap that
// the lines around two changes do not fill.
func lastOf(all []edit, i, context int) int {
	last := i
	for j := i; j < len(all) && j-last <= 2*context; j++ {
		if all[j].op != ' ' {
			last = j
		}
	}
	return min(last+context+1, len(all))
}

// width is how many lines of the old and of the new text an edit stands for.
func (e edit) width() (old, now int) {
	switch e.op {
	case '-':
		return 1, 0
	case '+':
		return 0, 1
	}
	return 1, 1
}
