package backendtest

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/wconf/wconf/runtime/kv"
)

// Tree is a store's content for harnesses whose stores hold documents. The
// zero value is empty.
type Tree struct{ pairs map[string]string }

// Apply makes one step: deletes first, then puts.
func (d *Tree) Apply(puts []kv.Pair, deletes []string) {
	next := map[string]string{}
	maps.Copy(next, d.pairs)
	for _, k := range deletes {
		delete(next, k)
	}
	for _, p := range puts {
		next[p.Key] = p.Value
	}
	d.pairs = next
}

// Nested is the content as maps in maps of strings.
func (d *Tree) Nested() map[string]any {
	root := map[string]any{}
	for key, value := range d.pairs {
		at, segments := root, strings.Split(key[1:], "/")
		for _, s := range segments[:len(segments)-1] {
			below, ok := at[s].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[s] = below
			}
			at = below
		}
		at[segments[len(segments)-1]] = value
	}
	return root
}

// JSON is the content as one JSON document.
func (d *Tree) JSON() []byte {
	text, err := json.Marshal(d.Nested())
	if err != nil {
		panic(err) // maps of strings
	}
	return text
}
