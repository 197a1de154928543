package kv

import (
	"slices"
	"strings"
)

// wordList finds words in a text in a time that hardly grows with their number.
type wordList struct {
	words  []string             // in order, each once
	starts [1 << 16 / 64]uint64 // the two bytes that one begins with; one byte begins as with any other behind it
}

func newWordList(words []string) *wordList {
	slices.Sort(words)
	l := &wordList{words: slices.Clip(slices.Compact(words))}
	for _, w := range l.words {
		from, to := int(w[0])<<8, int(w[0])<<8|0xff
		if len(w) > 1 {
			from |= int(w[1])
			to = from
		}
		for n := from; n <= to; n++ {
			l.starts[n/64] |= 1 << (n % 64)
		}
	}
	return l
}

const hidden = "********"

// hide puts hidden in place of each part of a text that words cover, also where
// they overlap.
func (l *wordList) hide(text string) string {
	var b strings.Builder
	shown, from, to := 0, 0, 0 // up to where the text is in b; what is covered last
	cutWord := l.cutWord(text)
	flush := func() {
		if from < to {
			b.WriteString(text[shown:from])
			b.WriteString(hidden)
			shown = to
		}
	}
	for i := range len(text) {
		n := l.longest(text[i:])
		if i == cutWord {
			n = len(text) - len(ellipsis) - i
		}
		if n == 0 {
			continue
		}
		if i >= to {
			flush()
			from = i
		}
		to = max(to, i+n)
	}
	flush()
	return b.String() + text[shown:]
}

// ellipsis ends a text that was cut.
const ellipsis = "…"

// cutWord is where the last word begins in a text that was cut within it, or -1.
func (l *wordList) cutWord(text string) int {
	kept, cut := strings.CutSuffix(text, ellipsis)
	for i := 0; cut && i < len(kept); i++ {
		at, _ := slices.BinarySearch(l.words, kept[i:])
		if at < len(l.words) && strings.HasPrefix(l.words[at], kept[i:]) {
			return i
		}
	}
	return -1
}

// longest is the length of the longest word that a text begins with, or 0.
func (l *wordList) longest(text string) int {
	start := int(text[0]) << 8
	if len(text) > 1 {
		start |= int(text[1])
	}
	if l.starts[start/64]&(1<<(start%64)) == 0 {
		return 0
	}
	// Every word that the text begins with comes at or before it, and so the last
	// of those that do begins with it, too.
	for len(text) > 0 {
		at, found := slices.BinarySearch(l.words, text)
		switch {
		case found:
			return len(text)
		case at == 0:
			return 0
		}
		word := l.words[at-1]
		same := 0
		for same < min(len(word), len(text)) && word[same] == text[same] {
			same++
		}
		if same == len(word) {
			return same
		}
		text = text[:same]
	}
	return 0
}
