package script

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What is found in one pass is what comparing each with each finds.
func TestValuesInMessages(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func(most int) (s string) {
		for range rnd.IntN(most) {
			s += []string{"a", "b", "c", "ü", " ", "-", "😀"}[rnd.IntN(7)]
		}
		return s
	}
	found := 0
	for range 6000 {
		values, msg := map[string]struct{}{}, text(40)
		for range rnd.IntN(20) {
			values[text(12)] = struct{}{}
		}
		var whole []string
		for value := range values {
			if len(value) >= shortest && strings.Contains(msg, value) {
				whole = append(whole, value)
			}
		}
		got := quoted(msg, values)
		if !slices.IsSortedFunc(got, func(a, b string) int { return len(b) - len(a) }) {
			t.Fatalf("%q are not the longest first", got)
		}
		if slices.Sort(whole); !slices.Equal(whole, slices.Sorted(slices.Values(got))) {
			t.Fatalf("%q in %q: got %q, want %q", values, msg, got, whole)
		}
		within := wordsWithin(words().FindAllString(msg, -1), values)
		for _, word := range words().FindAllString(msg, -1) {
			want := false
			for value := range values {
				want = want || strings.Contains(value, word)
			}
			if within[word] != want {
				t.Fatalf("%q in %q: %v, want %v", word, values, within[word], want)
			}
			if want {
				found++
			}
		}
		found += len(whole)
	}
	if found < 1000 {
		t.Errorf("%d values and words were found, too few", found)
	}
}

// A message that may quote more than can be looked for is withheld.
func TestManyValues(t *testing.T) {
	s, h := &Script{}, &host{}
	for i := range 5 {
		h.note(fmt.Sprint(i, strings.Repeat("x", 1<<20)))
	}
	got := s.withoutValues(h, &exception{name: "TypeError", message: "0xxx is not a function"})
	if strings.Contains(got, "0xxx") || !strings.Contains(got, "withheld") {
		t.Errorf("got %q", got)
	}
	if got := s.withoutValues(h, &exception{name: "Error", message: "said"}); got != "said" {
		t.Errorf("got %q", got)
	}
}
