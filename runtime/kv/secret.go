package kv

import (
	"strings"
	"sync"
	"weak"
)

// Secrets hides the values of secret keys in texts: those of the keys that a
// scope sees and that match one of its patterns. Nil hides nothing. It is safe
// for concurrent use.
//
// The values are looked up once for each snapshot, however many texts there are.
type Secrets struct {
	scope    Scope
	patterns []secretPattern
	shown    func(string) string

	mu     sync.Mutex // guards what follows
	of     weak.Pointer[Snapshot]
	values *wordList
}

// NewSecrets are the keys that match one of patterns, relative to the scope's
// prefix; without any it is nil. Shown is how texts show what cannot be printed;
// nil: they show it as it is.
func NewSecrets(sc Scope, patterns []string, shown func(string) string) *Secrets {
	if len(patterns) == 0 {
		return nil
	}
	s := &Secrets{scope: sc, shown: shown}
	for _, p := range patterns {
		s.patterns = append(s.patterns, newSecretPattern(p))
	}
	return s
}

// secretPattern is a pattern and what of it makes a walk short.
type secretPattern struct {
	segments []string
	dir      string // below which it matches
	end      string // that all keys have
}

func newSecretPattern(pattern string) secretPattern {
	p, n := secretPattern{segments: strings.Split(pattern, "/")}, 0
	for n < len(p.segments) && plain(p.segments[n]) {
		n++
	}
	p.dir = strings.Join(p.segments[:n], "/")
	if last := p.segments[len(p.segments)-1]; plain(last) {
		p.end = last
	}
	return p
}

// Hide hides in text the values that secret keys have in a snapshot, and what
// is left of them in one that was cut into lines, or at its end (which an ellipsis
// tells), or that shows them without their margins or in another way. Without a
// snapshot nobody knows what to hide, and the text is withheld.
func (s *Secrets) Hide(text string, in *Snapshot) string {
	switch {
	case s == nil || text == "":
		return text
	case in == nil:
		return "withheld, for the resource has secret keys"
	}
	return s.valuesIn(in).hide(text)
}

// Hide hides the values that secret keys have in the snapshot behind the view.
// That is no read.
func (v *View) Hide(text string, s *Secrets) string { return s.Hide(text, v.snapshot) }

func (s *Secrets) valuesIn(in *Snapshot) *wordList {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil || s.of != weak.Make(in) {
		s.values, s.of = newWordList(s.look(in)), weak.Make(in)
	}
	return s.values
}

// look goes through the part of the keys in which a pattern can match.
func (s *Secrets) look(in *Snapshot) (words []string) {
	for _, p := range s.patterns {
		for _, root := range s.scope.below(s.scope.prefix + p.dir) {
			for full, value := range in.Under(root) {
				key, ok := strings.CutPrefix(full, s.scope.prefix)
				if ok && strings.HasSuffix(key, p.end) && matches(p.segments, key, true) {
					words = s.wordsOf(words, value)
				}
			}
		}
	}
	return words
}

// below is the parts of the scope that lie at or below a path, or the path.
func (sc Scope) below(path string) (parts []string) {
	path = strings.TrimSuffix(path, "/")
	if sc.Grants(path) {
		return []string{path}
	}
	for _, root := range sc.roots {
		if strings.HasPrefix(root, path+"/") {
			parts = append(parts, root)
		}
	}
	return parts
}

// shortestLine is from how many bytes on a line of a value says something.
const shortestLine = 4

// wordsOf adds what stands for a value in a text: the value, also without the
// space around it, its lines, and each as texts show it.
func (s *Secrets) wordsOf(words []string, value string) []string {
	add := func(word string) {
		if word == "" {
			return
		}
		words = append(words, word)
		if s.shown == nil {
			return
		}
		if other := s.shown(word); other != word {
			words = append(words, other)
		}
	}
	add(value)
	trimmed := strings.TrimSpace(value)
	if trimmed != value {
		add(trimmed)
	}
	if strings.Contains(trimmed, "\n") {
		for line := range strings.SplitSeq(trimmed, "\n") {
			if line = strings.TrimSpace(line); len(line) >= shortestLine {
				add(line)
			}
		}
	}
	return words
}
