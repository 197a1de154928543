package kv

import (
	"path"
	"strings"
)

// Matches holds a key against a pattern by segments: ** stands for any number
// of them, the rest is path.Match within one. A malformed pattern matches
// nothing.
func Matches(pattern, key string) bool {
	return matches(strings.Split(pattern, "/"), strings.Split(key, "/"))
}

func matches(pattern, key []string) bool {
	if len(pattern) == 0 {
		return len(key) == 0
	}
	if pattern[0] == "**" {
		return matches(pattern[1:], key) || len(key) > 0 && matches(pattern, key[1:])
	}
	if len(key) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], key[0])
	return ok && err == nil && matches(pattern[1:], key[1:])
}
