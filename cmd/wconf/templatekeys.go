package main

import (
	"slices"
	"strings"
	"text/template/parse"
)

// literalKey is a key that stands as text in a template.
type literalKey struct {
	function string
	key      string
	offset   int // in bytes
}

// storeFunctions are those whose first argument is a key, a directory or a
// pattern.
var storeFunctions = []string{"exists", "get", "getv", "gets", "getvs", "ls", "lsdir", "cget", "cgetv", "cgets", "cgetvs"}

// literalKeys finds the keys that a template names, and the names of all
// functions that it calls. A text that does not parse has none: compiling it
// says what is wrong.
func literalKeys(text string) (keys []literalKey, calls []string) {
	for _, call := range templateCalls(text) {
		calls = append(calls, call.name)
		if k, ok := call.key(); ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b literalKey) int { return a.offset - b.offset })
	slices.Sort(calls)
	return keys, slices.Compact(calls)
}

// key is the key that a call of a store function names.
func (c templateCall) key() (literalKey, bool) {
	if len(c.args) == 0 || !slices.Contains(storeFunctions, c.name) {
		return literalKey{}, false
	}
	s, ok := c.args[0].(*parse.StringNode)
	if !ok || !strings.HasPrefix(s.Text, "/") {
		return literalKey{}, false
	}
	return literalKey{c.name, s.Text, int(s.Position())}, true
}
