package kv

import (
	"slices"
	"strings"
)

// Mask hides in text the values of the secret keys among those that the scope
// sees: the keys that match one of patterns, relative to the prefix. Without a
// snapshot nobody knows what to hide, and the text is withheld.
func (sc Scope) Mask(text string, s *Snapshot, patterns []string) string {
	switch {
	case len(patterns) == 0:
		return text
	case s == nil:
		return "withheld, for the resource has secret keys"
	}
	for _, root := range sc.Roots() {
		for full, value := range s.Under(root) {
			key := strings.TrimPrefix(full, sc.prefix)
			if value != "" && slices.ContainsFunc(patterns, func(p string) bool { return Matches(p, key) }) {
				text = strings.ReplaceAll(text, value, "********")
			}
		}
	}
	return text
}
