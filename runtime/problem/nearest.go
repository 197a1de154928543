package problem

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the candidate that a mistyped word most likely meant: the one
// with the smallest edit distance, at most a third of the word's length (and
// at least one), or the only one that the word is a prefix of. It is empty
// when none is near. The first of equally near candidates wins.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", 1+len(word)/3
	if len(word) < 2 {
		bestDistance = 1
	}
	for _, c := range candidates {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c))
		if d > 0 && len(word) >= 3 && strings.HasPrefix(c, word) {
			d = 1
		}
		if d < bestDistance || d == bestDistance && best == "" {
			best, bestDistance = c, d
		}
	}
	return best
}

// DidYouMean is the hint `did you mean "candidate"?`, or empty when no
// candidate is near.
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}
