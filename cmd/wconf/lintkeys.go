package main

import (
	"slices"
	"strings"

	"github.com/wconf/wconf/runtime"
	"github.com/wconf/wconf/runtime/gate"
	"github.com/wconf/wconf/runtime/kv"
)

// sees tells whether what a template asks for can be there for the resource.
func sees(look runtime.Look, k literalKey) bool {
	switch k.function {
	case "gets", "getvs", "ls", "lsdir", "cgets", "cgetvs":
		return meets(look, k.key)
	}
	return look.Scope().Grants(look.Scope().Prefix() + k.key)
}

// meets tells whether a pattern, or a directory, can meet a key that the
// resource sees: it lies below one of its roots, or above.
func meets(look runtime.Look, pattern string) bool {
	full := look.Scope().Prefix() + pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		full = look.Scope().Prefix() + pattern[:i]
	} else {
		full = strings.TrimSuffix(full, "/") + "/"
	}
	return slices.ContainsFunc(look.Scope().Roots(), func(root string) bool {
		below := strings.TrimSuffix(root, "/") + "/"
		return strings.HasPrefix(full, below) || strings.HasPrefix(below, full)
	})
}

// touched tells whether a render looked at something at or below root, or
// listed a directory above it.
func touched(root string, reads kv.ReadSet) bool {
	below := strings.TrimSuffix(root, "/") + "/"
	for key := range reads.Values() {
		if strings.HasPrefix(key+"/", below) {
			return true
		}
	}
	for key := range reads.Presence() {
		if strings.HasPrefix(key+"/", below) {
			return true
		}
	}
	for dir := range reads.Dirs() {
		if strings.HasPrefix(dir+"/", below) || strings.HasPrefix(below, dir+"/") {
			return true
		}
	}
	for dir := range reads.Globs() {
		if strings.HasPrefix(dir+"/", below) || strings.HasPrefix(below, dir+"/") {
			return true
		}
	}
	return false
}

// conditioned tells whether a condition looks at something below root.
func conditioned(look runtime.Look, root string) bool {
	below := strings.TrimSuffix(root, "/") + "/"
	reload, guard := look.Conditions()
	for _, r := range []gate.Reads{reload, guard} {
		if (r.Changes || r.Pairs) && len(r.Keys) == 0 { // it walks over all keys
			return true
		}
		for _, l := range slices.Concat(r.Keys, r.Globs) {
			literal, _, _ := strings.Cut(look.Scope().Prefix()+l.Text, "*")
			if strings.HasPrefix(literal+"/", below) || strings.HasPrefix(below, literal) {
				return true
			}
		}
	}
	return false
}
