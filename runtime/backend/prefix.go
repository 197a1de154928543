package backend

import "strings"

// Under tells whether key is at or below one of prefixes, by whole segments.
func Under(key string, prefixes []string) bool {
	for _, p := range prefixes {
		rest, ok := strings.CutPrefix(key, strings.TrimSuffix(p, "/"))
		if ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// Roots answers what Under does for many keys: in time that depends on the
// length of a key, not on how many prefixes there are.
type Roots map[string]struct{}

// NewRoots is the roots that are prefixes.
func NewRoots(prefixes []string) Roots {
	r := make(Roots, len(prefixes))
	for _, p := range prefixes {
		r[strings.TrimSuffix(p, "/")] = struct{}{}
	}
	return r
}

// Cover tells whether key is at or below one of them.
func (r Roots) Cover(key string) bool {
	for {
		if _, ok := r[key]; ok {
			return true
		}
		i := strings.LastIndexByte(key, '/')
		if i < 0 {
			return false
		}
		key = key[:i]
	}
}
