package problem

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest is the candidate that a mistyped word most likely meant: the one
// with the smallest edit distance, at most a third of the word's length (and
// at least one), or one that the word is a prefix of. Of equally near ones the
// one with the same letters stands ("tset" means "test"), then the one with
// the same first letter, then the first. It is empty when none is near.
func Nearest(word string, candidates []string) string {
	most := 1 + len(word)/3
	if len(word) < 2 {
		most = 1
	}
	best, least := "", 4*most+1
	for _, c := range candidates {
		if n := farness(word, c); n < least && distance(word, c) <= most {
			best, least = c, n
		}
	}
	return best
}

func distance(word, candidate string) int {
	d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(candidate))
	if d > 0 && len(word) >= 3 && strings.HasPrefix(candidate, word) {
		return 1
	}
	return d
}

// farness is four times the distance, less what speaks for a candidate.
func farness(word, candidate string) int {
	n := 4 * distance(word, candidate)
	if letters(word) == letters(candidate) {
		n -= 2
	}
	if word != "" && candidate != "" && word[0] == candidate[0] {
		n--
	}
	return n
}

func letters(word string) string {
	b := []byte(strings.ToLower(word))
	slices.Sort(b)
	return string(b)
}

// DidYouMean is the hint `did you mean "candidate"?`, or empty when no
// candidate is near.
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}
