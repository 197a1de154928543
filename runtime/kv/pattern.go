package kv

import (
	"path"
	"strings"
)

// Matches holds a key against a pattern by segments: ** stands for any number
// of them, the rest is path.Match within one. A malformed pattern matches
// nothing.
func Matches(pattern, key string) bool { return matches(strings.Split(pattern, "/"), key, true) }

// matches holds what is left of a key against what is left of a pattern; more
// tells whether anything is left of the key, if only an empty segment.
func matches(pattern []string, key string, more bool) bool {
	if len(pattern) == 0 {
		return !more
	}
	segment, rest, behind := strings.Cut(key, "/")
	if pattern[0] == "**" {
		return matches(pattern[1:], key, more) || more && matches(pattern, rest, behind)
	}
	return more && like(pattern[0], segment) && matches(pattern[1:], rest, behind)
}

func plain(segment string) bool { return !strings.ContainsAny(segment, `*?[\`) }

func like(pattern, segment string) bool {
	if plain(pattern) {
		return pattern == segment
	}
	ok, err := path.Match(pattern, segment)
	return ok && err == nil
}
