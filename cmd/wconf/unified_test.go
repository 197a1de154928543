package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// With three lines of context the hunks are those of the library; with any
// number, they lead from the old text to the new one.
func TestHunks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		old, now := someText(r), someText(r)
		var b strings.Builder
		for _, h := range hunks(edits(old, now), 3) {
			fmt.Fprintln(&b, h.head())
			for _, e := range h.edits {
				fmt.Fprintf(&b, "%c%s\n", e.op, e.text)
				if e.open {
					fmt.Fprintln(&b, `\ No newline at end of file`)
				}
			}
		}
		want := string(diff.Diff("a", old, "b", now))
		if _, rest, ok := strings.Cut(want, "+++ b\n"); ok {
			want = rest
		}
		if b.String() != want {
			t.Fatalf("%q to %q: got\n%s\nwant\n%s", old, now, b.String(), want)
		}
		for _, context := range []int{0, 1, 5} {
			if got := patched(old, hunks(edits(old, now), context)); got != string(now) {
				t.Fatalf("%q to %q with %d: %q", old, now, context, got)
			}
		}
	}
}

// patched applies hunks to a text, by their line numbers.
func patched(old []byte, all []hunk) string {
	lines := strings.SplitAfter(string(old), "\n")
	var b strings.Builder
	at := 0
	for _, h := range all {
		b.WriteString(strings.Join(lines[at:h.old], ""))
		at = h.old
		for _, e := range h.edits {
			if e.op != '+' {
				at++
			}
			if e.op == '-' {
				continue
			}
			b.WriteString(e.text)
			if !e.open {
				b.WriteByte('\n')
			}
		}
	}
	return b.String() + strings.Join(lines[min(at, len(lines)):], "")
}

func someText(r *rand.Rand) []byte {
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(strings.Repeat("x", r.IntN(4)) + "\n")
	}
	if r.IntN(3) == 0 {
		b.WriteString("end")
	}
	return []byte(b.String())
}
