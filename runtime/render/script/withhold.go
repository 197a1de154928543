package script

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// shortest is how long a word must be to tell something.
const shortest = 3

var words = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\p{L}\p{N}_]{3,}`) })

// mostValues is how many bytes of values are looked for in a message: some tens
// of milliseconds.
const mostValues = 4 << 20

// withoutValues is the message of an exception. What the engine says by itself
// may quote the value of a key, or a part of it: each value, and each word of
// one, that the script itself does not have goes. An Error is the author's own
// words.
func (s *Script) withoutValues(h *host, e *exception) string {
	switch {
	case e.name == "Error":
		return e.message
	case h.readBytes > mostValues:
		return fmt.Sprintf("an exception; its message may quote one of the values that the script has read, and is withheld, for these have more than %d bytes", mostValues)
	}
	hide := func(part string) string {
		if strings.Contains(s.source.text, part) {
			return part
		}
		return "…"
	}
	msg := e.Error()
	for _, value := range quoted(msg, h.read) {
		if strings.Contains(msg, value) {
			msg = strings.ReplaceAll(msg, value, hide(value))
		}
	}
	within := wordsWithin(words().FindAllString(msg, -1), h.read)
	return words().ReplaceAllStringFunc(msg, func(word string) string {
		if within[word] {
			return hide(word)
		}
		return word
	})
}

// quoted is the values that a message holds, the longest first.
func quoted(msg string, values map[string]struct{}) (all []string) {
	var in starts
	for i := range len(msg) - shortest + 1 {
		in.add(msg[i:])
	}
	for value := range values {
		if len(value) >= shortest && in.has(value) && strings.Contains(msg, value) {
			all = append(all, value)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return all
}

// wordsWithin is the words of a list that lie within some value. It goes through
// the values once, however many words there are.
func wordsWithin(list []string, values map[string]struct{}) map[string]bool {
	var begin starts
	within, by := map[string]bool{}, map[string][]string{}
	for _, word := range list {
		if _, again := within[word]; !again {
			within[word] = false
			begin.add(word)
			by[word[:shortest]] = append(by[word[:shortest]], word)
		}
	}
	for value := range values {
		for i := range len(value) - shortest + 1 {
			if !begin.has(value[i:]) {
				continue
			}
			for _, word := range by[value[i:i+shortest]] {
				if strings.HasPrefix(value[i:], word) {
					within[word] = true
				}
			}
		}
	}
	return within
}

// starts is a set of the first bytes of texts, which may hold others by chance.
// The texts have at least shortest bytes.
type starts [1 << 16 / 64]uint64

func slot(text string) (word, bit uint32) {
	n := (uint32(text[0])<<16 | uint32(text[1])<<8 | uint32(text[2])) * 2654435761 >> 16
	return n / 64, n % 64
}

func (s *starts) add(text string) {
	word, bit := slot(text)
	s[word] |= 1 << bit
}

func (s *starts) has(text string) bool {
	word, bit := slot(text)
	return s[word]&(1<<bit) != 0
}
